"""The charts: what they show, and how curves become rows of cells."""

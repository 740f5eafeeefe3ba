"""Screens of an evaluation and of a comparison."""

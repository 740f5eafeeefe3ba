"""Files that are written intact or not at all, and opened with care."""

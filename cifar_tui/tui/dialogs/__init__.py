"""Questions and lists in front of a screen."""

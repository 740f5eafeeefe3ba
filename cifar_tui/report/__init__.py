"""Runs, evaluations and comparisons as text and images, for both front ends."""

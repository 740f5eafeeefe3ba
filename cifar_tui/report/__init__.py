"""Runs, evaluations and comparisons as text and pictures, for both front ends."""

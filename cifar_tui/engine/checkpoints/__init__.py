"""Checkpoints and training states: saved in the background, loaded, pruned and exported."""

"""The checkpoints in a run's folder: listed, kept, pinned and deleted."""

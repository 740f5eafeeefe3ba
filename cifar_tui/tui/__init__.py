"""The screen; textual and plotext live here and nowhere else."""

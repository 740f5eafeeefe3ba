"""The training itself; torch lives here and nowhere else."""

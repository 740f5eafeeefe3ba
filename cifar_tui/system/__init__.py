"""The machine: its hardware, its processes, and what libraries print."""

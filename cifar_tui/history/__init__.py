"""A run's history: events in; curves, epochs and state out."""

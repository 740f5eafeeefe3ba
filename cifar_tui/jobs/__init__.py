"""Jobs that a front end can start, and the engine thread they run on."""

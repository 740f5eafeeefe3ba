"""Reading weights from files that somebody else wrote, without running anything in them."""

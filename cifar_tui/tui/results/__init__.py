"""The screen that compares runs by what differs between them."""

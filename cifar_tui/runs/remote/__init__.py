"""Reaching a live run: the socket beside its engine, and the screens and commands that ask through it."""

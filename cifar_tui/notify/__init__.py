"""Notifications about a run or a queue, for people who look elsewhere: by a command, or posted to an address."""

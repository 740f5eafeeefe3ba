"""The panels a screen is made of."""

"""Panels that screens are made of."""

"""Themes, and the choices that are remembered."""

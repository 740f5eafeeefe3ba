"""The screen of a run: panels, and the keys that change them."""

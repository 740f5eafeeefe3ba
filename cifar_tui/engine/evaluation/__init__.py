"""Evaluating, comparing and predicting with a network's weights."""

"""A run's records: its journal, the tutorial's logs, and tables made from them."""

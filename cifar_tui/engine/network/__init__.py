"""The network, its device, and one optimizer update of it."""

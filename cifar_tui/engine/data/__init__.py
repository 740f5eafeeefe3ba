"""Data sets: found, downloaded, decoded, and augmented on the device."""

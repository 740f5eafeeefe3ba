"""The queue: runs that wait for a device, kept in a folder, and the process that starts them."""

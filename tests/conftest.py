"""Small networks on few images run fastest on one thread, and two test runs beside each other then cost no more."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

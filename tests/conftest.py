"""Small networks on few images run fastest on one thread, and two test runs beside each other then cost no more.

No test reads or writes the preferences of the person who runs it.
"""

import os
import tempfile

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="cifar-tui-tests-")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write the screens of tests/tui/goldens again")

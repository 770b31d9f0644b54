"""The end-to-end actors, in front of real programs that with.sh has started."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from scene import *  # noqa: E402,F401,F403


@pytest.fixture
def artifacts():
    return Path(os.environ["POSTERN_ARTIFACTS"])

"""Fixtures come from scene.py, which tests/real uses too."""

from scene import *  # noqa: F401,F403

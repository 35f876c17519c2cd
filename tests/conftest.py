"""Every test starts without FILMSTRIP_* variables, in its own folder, and leaves no run open."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

# A deadline measures the machine, not the code: where cores are shared it fails at random.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch, tmp_path):
    """Clear the environment, and work in a temporary folder: no .filmstrip is left in the repo."""
    for name in [name for name in os.environ if name.startswith("FILMSTRIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield
    if "filmstrip.session" in sys.modules:
        sys.modules["filmstrip.session"]._finish_all()
        sys.modules["filmstrip.session"]._current = None

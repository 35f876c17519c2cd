from __future__ import annotations

from hypothesis import settings

# A deadline measures the machine, not the code: where cores are shared it fails at random.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

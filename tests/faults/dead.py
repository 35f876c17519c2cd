"""Runs whose process was killed before anything was encoded, made without killing one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import filmstrip
from filmstrip.run_folder import open_folder
from filmstrip.settings import resolve_settings
from filmstrip.spool.control import Control
from filmstrip.writer import Writer


def killed_run(store: Path, steps: Iterable[dict[str, Any]], queue_bytes: int = 2**16) -> Path:
    """Return the folder of a run ``r`` whose spool holds these steps, and whose writer is dead."""
    settings = resolve_settings(dir=store, id="r", queue_bytes=queue_bytes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "_start", lambda writer, theirs: theirs.close())
        patch.setattr(Writer, "_look_after_encoder", lambda writer: None)
        patch.setattr(Control, "send", lambda control, position: True)
        patch.setattr("os.getpid", lambda: 2**22 + 1)  # nobody's
        run = filmstrip.Run(settings, open_folder(settings))
        for data in steps:
            run.log(data)
        run._writer.abandon()
        run._writer = None
        run.finish()
    return run.dir

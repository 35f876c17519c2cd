"""The demo: six short runs on real photographs, logged as any training script would.

Each task is a module that reads like an example, and runs in two settings to compare:

- `reconstruct`: a small network learns a photograph; targets, outputs, errors, PSNR.
- `segments`: superpixels grow finer and give objects their outlines; masks of ids and classes.
- `faces`: a face detector gathers evidence; boxes with scores, and the truth beside them.

The photographs ship inside scikit-image (``pip install "filmstrip[demo]"``); nothing is downloaded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias

from filmstrip.demo.photos import DemoDependencyError
from filmstrip.demo.result import DemoResult, OnStep

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DemoDependencyError", "DemoResult", "Progress", "run_demo"]

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called as ``progress(run_name, steps_done, steps)``: with 0 at a run's start, then each step."""


def run_demo(
    store_dir: Path | None, *, steps: int = 30, progress: Progress | None = None
) -> DemoResult:
    """Run every task of the demo in both its settings.

    The numbers and pictures are the same each time; run ids and times are not.

    Parameters
    ----------
    store_dir
        The store to log to; ``None`` is where `filmstrip.init` logs by default.
    steps
        How many steps each run logs, at least 1. Few steps cover the same ground in larger ones,
        but for `reconstruct`, which then trains less.
    progress
        See `Progress`; ``None`` reports nothing.

    Returns
    -------
    DemoResult
        What was logged, and where.

    Raises
    ------
    DemoDependencyError
        When scikit-image is not installed; nothing is logged.
    StoreError
        When the store cannot be written.

    Examples
    --------
    It takes some seconds, so this is no doctest::

        result = run_demo(Path("photos"))
        filmstrip.open(result.store_path).run(result.run_ids[0]).keys()  # ["reconstruction"]
    """
    if find_spec("skimage") is None:
        raise DemoDependencyError("scikit-image")
    from filmstrip.demo import faces, reconstruct, segments

    start_secs = time.perf_counter()
    report = partial(_step_reporter, progress or _silent, steps)
    # The network comes first: it needs no scikit-image, so the first picture is there at once.
    runs = [
        reconstruct.log_reconstruction(
            setting, store_dir, steps=steps, on_step=report(setting.name)
        )
        for setting in (reconstruct.BASELINE, reconstruct.FOURIER)
    ]
    runs += [
        segments.log_segments(setting, store_dir, steps=steps, on_step=report(setting.name))
        for setting in (segments.BY_AREA, segments.BY_ERROR)
    ]
    search = faces.FaceSearch(steps)
    runs += [
        faces.log_faces(setting, store_dir, search=search, on_step=report(setting.name))
        for setting in (faces.ANY_HIT, faces.VOTED)
    ]
    return DemoResult(
        run_ids=tuple(run.run_id for run in runs),
        image_count=sum(run.image_count for run in runs),
        elapsed_secs=time.perf_counter() - start_secs,
        store_path=runs[0].run_dir.parent.parent,
    )


def _silent(_name: str, _done: int, _steps: int) -> None:
    """Report nothing."""


def _step_reporter(progress: Progress, steps: int, name: str) -> OnStep:
    """Announce a run, and return what reports its steps."""
    progress(name, 0, steps)
    return lambda step: progress(name, step + 1, steps)

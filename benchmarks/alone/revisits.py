"""The same validation set logged at every epoch: what does the second time cost?"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.adapters import Array
from benchmarks.adapters.filmstrip import Adapter
from benchmarks.alone import Ready, StudyTask
from benchmarks.alone.answers import RevisitsAnswer
from benchmarks.runner import disk_usage
from benchmarks.steps import load_images
from benchmarks.workloads import SETTLE_SECS, FileType, Pixels

_PER_STEP: Final = 8


def study(task: StudyTask, ready: Ready) -> RevisitsAnswer:
    """Log the set once into one store, and `task.count` times into another."""
    images = load_images(Path(task.pixels_path), task.num_sources, Pixels.UINT8)
    ready()
    once_bytes, once_secs, _ = _logged(images, 1, Path(task.folder) / "once")
    all_bytes, all_secs, images_stored = _logged(images, task.count, Path(task.folder) / "all")
    return RevisitsAnswer(
        rounds=task.count,
        images=len(images),
        once_bytes=once_bytes,
        all_bytes=all_bytes,
        once_secs=once_secs,
        all_secs=all_secs,
        images_stored=images_stored,
    )


def _logged(images: Sequence[Array], rounds: int, folder: Path) -> tuple[int, float, int]:
    folder.mkdir()
    logger = Adapter()
    logger.open(folder, FileType.PNG)
    time.sleep(SETTLE_SECS)
    start = time.perf_counter()
    for epoch in range(rounds):
        for first in range(0, len(images), _PER_STEP):
            logger.log_step(epoch, images[first : first + _PER_STEP])
    logger.close()
    secs = time.perf_counter() - start
    return disk_usage(folder)[0], secs, logger.count_stored()

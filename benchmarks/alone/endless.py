"""A producer without end: photos as fast as filmstrip takes them. Does memory grow?

Memory is what `process_tree.pss_bytes` says of all of filmstrip's processes, sampled by the driver,
and all blocks of the spool's file, because the kernel may hold every one of them in memory; pages
of that file that a process has mapped are in both, and count once. The study says when how many
images were logged, and what the interpreter took before filmstrip.
"""

import os
import time
from pathlib import Path
from typing import Final

from benchmarks import process_tree
from benchmarks.alone import Ready, StudyTask
from benchmarks.alone.answers import EndlessAnswer, Progress
from benchmarks.runner import disk_usage
from benchmarks.steps import Steps, load_images
from benchmarks.workloads import SETTLE_SECS, FileType, Pixels

_PER_STEP: Final = 8
_STEPS_A_MARK: Final = 10
_STAT_BLOCK_BYTES: Final = 512


def study(task: StudyTask, ready: Ready) -> EndlessAnswer:
    """Log `task.count` photos, no two the same, without a pause."""
    images = load_images(Path(task.pixels_path), task.num_sources, Pixels.UINT8)
    baseline_bytes = process_tree.pss_bytes(os.getpid())
    from benchmarks.adapters.filmstrip import Adapter

    logger = Adapter()
    logger.open(Path(task.folder), FileType.PNG)
    time.sleep(SETTLE_SECS)
    ready()
    steps = Steps(images, _PER_STEP)
    start_secs = time.monotonic()
    progress = [_progress(task, steps)]
    while steps.num_images < task.count:
        logger.log_step(*steps.take())
        if steps.num_steps % _STEPS_A_MARK == 0:
            progress.append(_progress(task, steps))
    progress.append(_progress(task, steps))
    logger.close()
    return EndlessAnswer(
        baseline_bytes=baseline_bytes,
        limit_bytes=logger.limit_bytes(),
        progress=progress,
        total_secs=time.monotonic() - start_secs,
        images_stored=logger.count_stored(),
        size_bytes=disk_usage(Path(task.folder))[0],
    )


def _progress(task: StudyTask, steps: Steps) -> Progress:
    spools = Path(task.folder).rglob("*.spool")
    spool_bytes = sum(path.lstat().st_blocks * _STAT_BLOCK_BYTES for path in spools)
    return Progress(
        at_secs=time.monotonic(),
        images=steps.num_images,
        spool_bytes=spool_bytes,
        mapped_bytes=process_tree.mapped_pss_bytes(os.getpid(), ".spool"),
    )

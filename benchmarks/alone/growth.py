"""One run that grows to 200,000 small images: does an image cost more at the end than at first?

After each block the study waits until filmstrip's processes are at rest, so that a block's cost is
its own and nothing is put off to a later one. It looks only at their CPU time for that, not into
filmstrip.
"""

import os
import time
from collections import deque
from pathlib import Path
from typing import Final

from benchmarks import process_tree
from benchmarks.adapters.filmstrip import Adapter
from benchmarks.alone import Ready, StudyTask
from benchmarks.alone.answers import Block, GrowthAnswer
from benchmarks.steps import Steps, load_images
from benchmarks.workloads import SETTLE_SECS, FileType, Pixels

BLOCKS: Final = 20
_PER_STEP: Final = 50
_LOOK_SECS: Final = 0.02
_REST_LOOKS: Final = 15
_REST_SHARE: Final = 0.1


def study(task: StudyTask, ready: Ready) -> GrowthAnswer:
    """Log `task.count` images of 28 × 28, no two the same, in twenty blocks."""
    images = load_images(Path(task.pixels_path), task.num_sources, Pixels.UINT8)
    logger = Adapter()
    logger.open(Path(task.folder), FileType.PNG)
    time.sleep(SETTLE_SECS)
    ready()
    steps = Steps(images, _PER_STEP)
    images_a_block = task.count // BLOCKS
    blocks = [_block(logger, steps, images_a_block) for _ in range(BLOCKS)]
    logger.close()
    return GrowthAnswer(
        images_a_block=images_a_block, blocks=blocks, images_stored=logger.count_stored()
    )


def _block(logger: Adapter, steps: Steps, count: int) -> Block:
    cpu_start_secs, start = process_tree.own_cpu_secs(), time.perf_counter()
    until = steps.num_images + count
    held_secs = 0.0
    while steps.num_images < until:
        step, batch = steps.take()
        before = time.perf_counter()
        logger.log_step(step, batch)
        held_secs += time.perf_counter() - before
    rest_secs = _await_rest()
    return Block(
        cpu_us=(process_tree.own_cpu_secs() - cpu_start_secs) * 1e6 / count,
        wall_us=(rest_secs - start) * 1e6 / count,
        held_us=held_secs * 1e6 / count,
        memory_bytes=process_tree.pss_bytes(os.getpid()),
    )


def _await_rest() -> float:
    """Return when rest began: from then on under a tenth of one core was used for 0.3 seconds."""
    looks: deque[tuple[float, float]] = deque(maxlen=_REST_LOOKS)
    while True:
        now, cpu_secs = time.perf_counter(), process_tree.own_cpu_secs()
        looks.append((now, cpu_secs))
        first_secs, first_cpu_secs = looks[0]
        is_full = len(looks) == _REST_LOOKS
        if is_full and cpu_secs - first_cpu_secs < _REST_SHARE * (now - first_secs):
            return first_secs
        time.sleep(_LOOK_SECS)

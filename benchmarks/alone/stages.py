"""Where the time of one 512 × 512 photo goes: in the caller, and in the encoder behind it.

A live run, one photo a step with a pause, gives what `Image()` and `log()` take and the CPU time of
all processes. Then each stage runs by itself over the same photos: those of the caller by the clock
and with the same pause, because a core that has slept is slower; those of the encoder by CPU time,
as their sum is. What they do not add up to is the rest: checks, the record, hand-over, Python.
"""

import hashlib
import mmap
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import xxhash

import filmstrip
from benchmarks import process_tree
from benchmarks.adapters import Array
from benchmarks.alone import Ready, StudyTask
from benchmarks.alone.answers import Stage, StagesAnswer
from benchmarks.steps import Steps, load_images
from benchmarks.workloads import SETTLE_SECS, Pixels
from filmstrip.codec.png import encode_png
from filmstrip.media.copying import copy_pixels

_PAUSE_SECS: Final = 0.00625
_WARM_UP: Final = 3
_TAR_BLOCK: Final = bytes(512)


def study(task: StudyTask, ready: Ready) -> StagesAnswer:
    """Log `task.count` photos, then run each stage by itself."""
    images = load_images(Path(task.pixels_path), task.num_sources, Pixels.UINT8)
    ready()
    store_dir = Path(task.folder) / "store"
    image_ms, log_ms, cpu_ms = _live(images, task.count, store_dir)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
    shard = os.open(Path(task.folder) / "shard", flags)
    try:
        return StagesAnswer(
            images_logged=task.count,
            images_stored=len(filmstrip.open(store_dir).runs()[0].images("photos")),
            image_ms=image_ms,
            log_ms=log_ms,
            cpu_ms=cpu_ms,
            in_caller=_caller_stages(images),
            in_encoder=_encoder_stages(images, shard),
        )
    finally:
        os.close(shard)


def _live(images: Sequence[Array], count: int, folder: Path) -> tuple[float, float, float]:
    run = filmstrip.init(project="bench", dir=folder)
    time.sleep(SETTLE_SECS)
    steps = Steps(images, 1)
    image_ms, log_ms = [], []
    cpu_start_secs = process_tree.own_cpu_secs()
    while steps.num_images < count:
        step, (pixels,) = steps.take()
        start = time.perf_counter()
        image = filmstrip.Image(pixels)
        middle = time.perf_counter()
        run.log({"photos": image}, step=step)
        end = time.perf_counter()
        del image
        image_ms.append((middle - start) * 1e3)
        log_ms.append((end - middle) * 1e3)
        time.sleep(_PAUSE_SECS)
    run.finish()
    cpu_ms = (process_tree.own_cpu_secs() - cpu_start_secs) * 1e3 / count
    return statistics.median(image_ms), statistics.median(log_ms), cpu_ms


def _caller_stages(images: Sequence[Array]) -> list[Stage]:
    size_bytes = images[0].nbytes
    memory = np.frombuffer(mmap.mmap(-1, size_bytes), np.uint8)  # as the spool's, mapped
    memory[:] = 1

    def copy(image: Array) -> None:
        if copy_pixels(image, memory) is None:
            np.copyto(memory, image.reshape(-1))

    took_ms = _median_ms(copy, images, time.perf_counter, _PAUSE_SECS)
    return [Stage(name="copy, extremes and digest", ms=took_ms)]


def _encoder_stages(images: Sequence[Array], shard: int) -> list[Stage]:
    files = [encode_png(image) for image in images]

    def append(file: bytes) -> None:
        os.writev(shard, [_TAR_BLOCK, file, _TAR_BLOCK, _TAR_BLOCK])

    return [
        Stage(name="digest", ms=_median_ms(lambda one: xxhash.xxh3_128_digest(one, 1), images)),
        Stage(name="filter and deflate", ms=_median_ms(encode_png, images)),
        Stage(name="sha256", ms=_median_ms(lambda file: hashlib.sha256(file).digest(), files)),
        Stage(name="write to the shard", ms=_median_ms(append, files)),
    ]


def _median_ms(
    work: Callable[..., object],
    inputs: Sequence[object],
    clock: Callable[[], float] = time.thread_time,
    pause_secs: float = 0.0,
) -> float:
    took_ms = []
    for each in (*inputs[:_WARM_UP], *inputs):
        start = clock()
        work(each)
        took_ms.append((clock() - start) * 1e3)
        if pause_secs:
            time.sleep(pause_secs)
    return statistics.median(took_ms[_WARM_UP:])

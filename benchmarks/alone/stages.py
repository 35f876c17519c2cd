"""Where the time of one 512 × 512 photo goes: in the caller, and in the encoder behind it.

A live run, one photo a step with a pause, gives what `Image()` and `log()` take and the CPU time of
all processes. Then each stage runs by itself over the same photos: those of the caller by the clock
and with the same pause, because a core that has slept is slower; those of the encoder by CPU time,
as their sum is. What they do not add up to is the rest: checks, the record, hand-over, Python.
"""

import hashlib
import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

import filmstrip
from benchmarks import process_tree
from benchmarks.adapters import Array
from benchmarks.alone import Ready, StudyTask
from benchmarks.alone.answers import Stage, StagesAnswer
from benchmarks.steps import Steps, load_images
from benchmarks.workloads import SETTLE_SECS, Pixels
from filmstrip.codec.filters import choose_plan, filtered_strips
from filmstrip.codec.png import encode_png
from filmstrip.codec.scanlines import scanlines

_PAUSE_SECS: Final = 0.00625
_WARM_UP: Final = 3
_TAR_BLOCK: Final = bytes(512)
_HAS_SPOOL: Final = importlib.util.find_spec("filmstrip.spool") is not None


def study(task: StudyTask, ready: Ready) -> StagesAnswer:
    """Log `task.count` photos, then run each stage by itself."""
    images = load_images(Path(task.pixels_path), task.num_sources, Pixels.UINT8)
    ready()
    store_dir = Path(task.folder) / "store"
    image_ms, log_ms, cpu_ms = _live(images, task.count, store_dir)
    with _Scratch(Path(task.folder)) as scratch:
        return StagesAnswer(
            images_logged=task.count,
            images_stored=len(filmstrip.open(store_dir).runs()[0].images("photos")),
            image_ms=image_ms,
            log_ms=log_ms,
            cpu_ms=cpu_ms,
            in_caller=_caller_stages(images, scratch),
            in_encoder=_encoder_stages(images, scratch),
        )


class _Scratch:
    """Two files: one whose pages are used again and again, as the spool's, and one that grows."""

    def __init__(self, folder: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        self.reused = os.open(folder / "reused", flags)
        self.growing = os.open(folder / "growing", flags | os.O_APPEND)

    def __enter__(self) -> "_Scratch":  # noqa: PYI034  # Self is in typing from 3.11 on
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.reused)
        os.close(self.growing)


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


def _caller_stages(images: Sequence[Array], scratch: _Scratch) -> list[Stage]:
    copy = np.ones_like(images[0])

    def timed(name: str, work: Callable[[Array], object]) -> Stage:
        return Stage(name=name, ms=_median_ms(work, images, time.perf_counter, _PAUSE_SECS))

    stages = [timed("copy", lambda image: np.copyto(copy, image))]
    if _HAS_SPOOL:
        import xxhash

        stages += [
            timed("checksum", lambda image: xxhash.xxh3_128_digest(image, seed=1)),
            timed("write to the spool", lambda image: os.pwrite(scratch.reused, image, 0)),
        ]
    return stages


def _encoder_stages(images: Sequence[Array], scratch: _Scratch) -> list[Stage]:
    files = [encode_png(image) for image in images]

    def timed(name: str, work: Callable[[Array], object]) -> Stage:
        return Stage(name=name, ms=_median_ms(work, images))

    stages = []
    if _HAS_SPOOL:
        import xxhash

        os.pwrite(scratch.reused, images[0], 0)
        stages += [
            timed("read the spool", lambda image: _read(scratch.reused, image.nbytes)),
            timed("checksum", lambda image: xxhash.xxh3_128_digest(image, seed=1)),
        ]
    filter_ = timed("filter", _filter)
    encode_ms = _median_ms(encode_png, images)
    return [
        *stages,
        filter_,
        Stage(name="deflate", ms=encode_ms - filter_.ms),
        Stage(name="sha256", ms=_median_ms(lambda file: hashlib.sha256(file).digest(), files)),
        Stage(name="write to the shard", ms=_median_ms(lambda f: _append(scratch, f), files)),
    ]


def _read(fd: int, size_bytes: int) -> None:
    os.preadv(fd, [np.empty(size_bytes, np.uint8)], 0)


def _filter(image: Array) -> None:
    rows = scanlines(image, has_palette=False, bit_depth=None)
    for _ in filtered_strips(rows, choose_plan(rows).filter):
        pass


def _append(scratch: _Scratch, file: bytes) -> None:
    os.writev(scratch.growing, [_TAR_BLOCK, file, _TAR_BLOCK, _TAR_BLOCK])


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

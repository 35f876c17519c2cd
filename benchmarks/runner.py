"""Runs one logger over one workload, inside the peer's environment, and reports JSON lines.

Started by the driver as ``python -m benchmarks.runner '<task as JSON>'``. Needs numpy, the peer
and the standard library. What the peer prints goes to stderr; stdout carries two lines only:
``"ready"`` just before the first log call, then the measures.
"""

import dataclasses
import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from benchmarks import process_tree
from benchmarks.adapters import Array, Logger
from benchmarks.measures import Measures, Pass, Task
from benchmarks.workloads import PACE_SECS, Pixels, Workload, workload_named


def main() -> None:
    """Read the task from the command line, run it, write the measures."""
    task = _read_task(sys.argv[1])
    channel = _take_stdout()
    process_tree.adopt_orphans()
    workload = workload_named(task.workload)
    images = load_images(Path(task.pixels_path), task.count, workload.pixels)
    logger: Logger = importlib.import_module(f"benchmarks.adapters.{task.peer}").Adapter()
    logger.open(Path(task.folder), workload.file_type)
    measures = measure(logger, workload, images, task, channel)
    channel.write(json.dumps(dataclasses.asdict(measures)) + "\n")
    channel.flush()
    process_tree.kill_descendants()


def load_images(path: Path, count: int, pixels: Pixels) -> list[Array]:
    """Read the first `count` images into memory of their own, as the training script has them."""
    stored = np.load(path, mmap_mode="r")[:count]
    if pixels is Pixels.FLOAT32:
        return [np.asarray(each, np.float32) / np.float32(255) for each in stored]
    return [np.array(each) for each in stored]


def measure(
    logger: Logger, workload: Workload, images: Sequence[Array], task: Task, channel: TextIO
) -> Measures:
    """Log `images` step by step, close the logger, and say what it took."""
    pause_secs = PACE_SECS if task.pass_ is Pass.PACED else 0.0
    rss_start_bytes = process_tree.rss_bytes(os.getpid())
    process_tree.reset_own_peak_rss()
    channel.write('"ready"\n')
    channel.flush()
    cpu_start_secs = process_tree.own_cpu_secs()
    start = time.perf_counter()
    held_ms, images_logged = _log_all(logger, workload, images, pause_secs)
    logger.close()
    total_secs = time.perf_counter() - start
    cpu_secs = process_tree.own_cpu_secs() - cpu_start_secs
    rss_peak_bytes = process_tree.own_peak_rss_bytes()
    size_bytes, files = _disk_usage(Path(task.folder))
    return Measures(
        images_logged=images_logged,
        held_ms=tuple(held_ms),
        total_secs=total_secs,
        cpu_secs=cpu_secs,
        rss_start_bytes=rss_start_bytes,
        rss_peak_bytes=rss_peak_bytes,
        size_bytes=size_bytes,
        files=files,
        images_stored=logger.count_stored(),
    )


def _log_all(
    logger: Logger, workload: Workload, images: Sequence[Array], pause_secs: float
) -> tuple[list[float], int]:
    held_ms: list[float] = []
    images_logged = 0
    deadline = time.perf_counter() + workload.log_budget_secs
    for step, first in enumerate(range(0, len(images), workload.per_step)):
        batch = images[first : first + workload.per_step]
        start = time.perf_counter()
        logger.log_step(step, batch)
        end = time.perf_counter()
        held_ms.append((end - start) * 1e3 / len(batch))
        images_logged += len(batch)
        if end > deadline:
            break
        if pause_secs:
            time.sleep(pause_secs)
    return held_ms, images_logged


def _disk_usage(folder: Path) -> tuple[int, int]:
    found = [path.lstat() for path in folder.rglob("*") if not path.is_dir()]
    by_inode = {(each.st_dev, each.st_ino): each.st_size for each in found}
    return sum(by_inode.values()), len(found)


def _read_task(text: str) -> Task:
    fields = json.loads(text)
    return Task(**{**fields, "pass_": Pass(fields["pass_"])})


def _take_stdout() -> TextIO:
    # A second handle that children do not inherit; whatever else is printed goes to stderr.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    main()

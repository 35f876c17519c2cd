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
from typing import Final, TextIO

import numpy as np

from benchmarks import process_tree
from benchmarks.adapters import Array, Logger
from benchmarks.measures import Measures, Pass, Task
from benchmarks.steps import Steps, load_images
from benchmarks.workloads import SETTLE_SECS, Workload, workload_named

_COPY_SECS: Final = 2.0
_ENDING_SECS: Final = 0.1
"""For processes that end after `close` returned, whose CPU time counts too."""


def main() -> None:
    """Read the task from the command line, run it, write the measures."""
    task = _read_task(sys.argv[1])
    channel = take_stdout()
    process_tree.adopt_orphans()
    workload = workload_named(task.workload)
    if task.pass_ is Pass.SINGLES:
        workload = workload.as_singles
    images = load_images(Path(task.pixels_path), task.count, workload.pixels)
    logger: Logger = importlib.import_module(f"benchmarks.adapters.{task.peer}").Adapter()
    logger.open(Path(task.folder), workload.file_type)
    measures = measure(logger, workload, images, task, channel)
    channel.write(json.dumps(dataclasses.asdict(measures)) + "\n")
    channel.flush()
    process_tree.kill_descendants()


def measure(
    logger: Logger, workload: Workload, images: Sequence[Array], task: Task, channel: TextIO
) -> Measures:
    """Log `images` step by step, close the logger, and say what it took."""
    is_paced = task.pass_ is not Pass.FLAT_OUT
    pause_secs = workload.pace_secs if is_paced else 0.0
    copy_ms = _copy_all(images, workload, pause_secs) if task.times_copies else []
    steps = Steps(images, workload.per_step)
    time.sleep(SETTLE_SECS)
    rss_start_bytes = process_tree.pss_bytes(os.getpid())
    process_tree.reset_own_peak_rss()
    channel.write('"ready"\n')
    channel.flush()
    cpu_start_secs = process_tree.own_cpu_secs()
    start = time.perf_counter()
    if is_paced:
        held_ms = _log_paced(logger, steps, workload.pace_secs, task.paced_secs)
    else:
        held_ms = _log_all(logger, steps, workload.log_budget_secs)
    logger.close()
    total_secs = time.perf_counter() - start
    time.sleep(_ENDING_SECS)
    cpu_secs = process_tree.own_cpu_secs() - cpu_start_secs
    rss_peak_bytes = process_tree.own_peak_rss_bytes()
    size_bytes, files = disk_usage(Path(task.folder))
    return Measures(
        images_logged=steps.num_images,
        held_ms=tuple(held_ms),
        copy_ms=tuple(copy_ms),
        total_secs=total_secs,
        cpu_secs=cpu_secs,
        rss_start_bytes=rss_start_bytes,
        rss_peak_bytes=rss_peak_bytes,
        size_bytes=size_bytes,
        files=files,
        images_stored=logger.count_stored(),
    )


def _log_all(logger: Logger, steps: Steps, budget_secs: float) -> list[float]:
    """Log one round, one step after the other, unless the time is up before."""
    held_ms: list[float] = []
    deadline = time.perf_counter() + budget_secs
    while steps.num_steps < steps.in_one_round and time.perf_counter() < deadline:
        held_ms.append(_log_next(logger, steps))
    return held_ms


def _log_paced(logger: Logger, steps: Steps, pause_secs: float, paced_secs: float) -> list[float]:
    """Log steps with pauses between them until the time is up; two steps at the least."""
    held_ms: list[float] = []
    deadline = time.perf_counter() + paced_secs
    while len(held_ms) < 2 or time.perf_counter() < deadline:
        held_ms.append(_log_next(logger, steps))
        time.sleep(pause_secs)
    return held_ms


def _log_next(logger: Logger, steps: Steps) -> float:
    """Log one step and return for how many milliseconds an image it held the caller."""
    step, batch = steps.take()
    start = time.perf_counter()
    logger.log_step(step, batch)
    return (time.perf_counter() - start) * 1e3 / len(batch)


def _copy_all(images: Sequence[Array], workload: Workload, pause_secs: float) -> list[float]:
    """Copy the images step by step, for two seconds at most, into memory that is mapped already."""
    copies = [np.ones_like(image) for image in images[: workload.per_step]]
    deadline = time.perf_counter() + _COPY_SECS
    copy_ms: list[float] = []
    for first in range(0, len(images), workload.per_step):
        batch = images[first : first + workload.per_step]
        start = time.perf_counter()
        for image, copy in zip(batch, copies, strict=False):
            np.copyto(copy, image)
        end = time.perf_counter()
        copy_ms.append((end - start) * 1e3 / len(batch))
        if end > deadline:
            break
        time.sleep(pause_secs)
    return copy_ms


def disk_usage(folder: Path) -> tuple[int, int]:
    found = [path.lstat() for path in folder.rglob("*") if not path.is_dir()]
    by_inode = {(each.st_dev, each.st_ino): each.st_size for each in found}
    return sum(by_inode.values()), len(found)


def _read_task(text: str) -> Task:
    fields = json.loads(text)
    return Task(**{**fields, "pass_": Pass(fields["pass_"])})


def take_stdout() -> TextIO:
    # A second handle that children do not inherit; whatever else is printed goes to stderr.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    main()

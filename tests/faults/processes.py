"""Processes that log, and can be killed: how far ``log()`` has returned is told through a file."""

from __future__ import annotations

import contextlib
import itertools
import mmap
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec
from tests.faults.pictures import log_step

import filmstrip

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["numpy", "filmstrip", "tests.faults.pictures"])


class Task(msgspec.Struct, frozen=True):
    """What one process logs."""

    store: Path
    acknowledgements: Path
    process: int = 0
    load: str = "middle"
    encoder: str = "process"
    queue_bytes: int = 2**28
    num_steps: int | None = None
    """None to log until it is killed."""
    num_together: int = 0
    """How many processes wait for each other after their first step."""
    num_ranks: int = 0
    """As the launcher of a distributed training says; 0 without one."""


def run(task: Task) -> None:
    """Log, and count in the file each ``log()`` that returned."""
    os.environ.update(FILMSTRIP_ENCODER=task.encoder, FILMSTRIP_QUIET="1")
    if task.num_ranks:
        os.environ.update(RANK=str(task.process), WORLD_SIZE=str(task.num_ranks))
    with task.acknowledgements.open("r+b") as file, mmap.mmap(file.fileno(), 4096) as page:
        numbers = memoryview(page).cast("Q")
        run = filmstrip.init(
            dir=task.store,
            id="r",
            resume=None if task.num_ranks else "allow",
            queue_bytes=task.queue_bytes,
            strict=True,
        )
        steps = itertools.count() if task.num_steps is None else range(task.num_steps)
        for step in steps:
            log_step(run, task.load, task.process, step)
            numbers[task.process] = step + 1
            wait_until(lambda: all(numbers[: task.num_together]), secs=120)
        run.finish()
        numbers.release()


@dataclass
class Logging:
    """Some processes that log to one run."""

    tasks: list[Task]
    processes: list[BaseProcess]

    @property
    def run_dir(self) -> Path:
        return self.tasks[0].store / "runs" / "r"

    def acknowledged(self, process: int) -> int:
        """Return how many of its ``log()`` calls have returned."""
        data = self.tasks[0].acknowledgements.read_bytes()
        return int.from_bytes(data[8 * process : 8 * process + 8], "little")

    def kill(self) -> None:
        for process in self.processes:
            process.kill()

    def join(self) -> list[int | None]:
        for process in self.processes:
            process.join()
        return [process.exitcode for process in self.processes]


@contextlib.contextmanager
def logging(folder: Path, *, num_processes: int = 1, **options: object) -> Iterator[Logging]:
    """Start processes that log to one run; whatever they left running is gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    acknowledgements = folder / "acknowledged"
    acknowledgements.write_bytes(bytes(4096))
    store = folder / "store"
    tasks = [
        Task(store=store, acknowledgements=acknowledgements, process=number, **options)
        for number in range(num_processes)
    ]
    processes = [context.Process(target=run, args=(task,)) for task in tasks]
    try:
        for process in processes:
            process.start()
        yield Logging(tasks, processes)
    finally:
        for process in processes:
            process.kill()
            process.join()
        for pid in encoders_of(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def encoders_of(folder: Path) -> list[int]:
    """Return the encoder processes that work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes()
                if b"filmstrip.encoder_process" in line and f'"{folder}/'.encode() in line:
                    found.append(int(entry.name))
    return found


def wait_until(is_so: Callable[[], object], secs: float = 30.0) -> None:
    """Wait for a condition; fails when it does not come."""
    end_at = time.monotonic() + secs
    while not is_so():
        assert time.monotonic() < end_at, "it did not come to that"
        time.sleep(0.001)

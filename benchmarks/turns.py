"""Starts the runners one after the other, watches their memory, and collects their measures."""

import dataclasses
import json
import os
import selectors
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import process_tree
from benchmarks.measures import Measures, Task
from benchmarks.peers import Peer, environment
from benchmarks.venvs import python_of

_SAMPLE_SECS: Final = 0.05
_TIMEOUT_SECS: Final = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One runner's outcome.

    Attributes
    ----------
    measures : Measures or None
        None when it failed.
    failure : str or None
        One line that says why it failed.
    rss_peak_bytes : int
        Highest resident memory of the whole process tree while logging, shared pages once: the
        larger of what is sampled 20 times a second and the kernel's high-water mark of the main
        process.
    wall_secs : float
        Life of the process, with its start and imports.
    """

    measures: Measures | None
    failure: str | None
    rss_peak_bytes: int
    wall_secs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What `process_tree.pss_bytes` said at one moment of `time.monotonic`."""

    at_secs: float
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A process that has ended: its answer as JSON or why there is none, and its memory."""

    answer: bytes | None
    failure: str | None
    memory: tuple[Memory, ...]


def take_turn(peer: Peer, task: Task, home: Path) -> Turn:
    """Run `task` in the peer's environment, then delete what it wrote."""
    start = time.perf_counter()
    watched = run_module(peer, "benchmarks.runner", _as_json(task), Path(task.folder), home)
    wall_secs = time.perf_counter() - start
    if watched.answer is None:
        return _failed(watched.failure or "", wall_secs)
    measures = msgspec.json.decode(watched.answer, type=Measures)
    if measures.images_stored != measures.images_logged:
        lost = f"stored {measures.images_stored} of {measures.images_logged} images"
        return _failed(lost, wall_secs)
    peak_bytes = max([measures.rss_peak_bytes, *(each.size_bytes for each in watched.memory)])
    return Turn(measures=measures, failure=None, rss_peak_bytes=peak_bytes, wall_secs=wall_secs)


def run_module(
    peer: Peer,
    module: str,
    argument: str,
    folder: Path,
    home: Path,
    timeout_secs: float = _TIMEOUT_SECS,
) -> Watched:
    """Run a module in the peer's environment and in an empty `folder`, which is deleted after it.

    The module prints two lines: ``"ready"``, from which on memory is sampled, and its answer.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.sync()  # what an earlier run left in the page cache is not this one's burden
    log_path = folder.with_suffix(".log")
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [str(python_of(peer)), "-m", module, argument],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=environment(home, folder),
            start_new_session=True,
        )
        answer, memory = _watch(process, timeout_secs)
    shutil.rmtree(folder, ignore_errors=True)
    failure = None if answer else _last_line(log_path, process.returncode)
    return Watched(answer=answer, failure=failure, memory=tuple(memory))


def _watch(
    process: subprocess.Popen[bytes], timeout_secs: float
) -> tuple[bytes | None, list[Memory]]:
    """Wait for the process; return its answer, if any, and its memory once it was ready."""
    assert process.stdout is not None
    deadline = time.monotonic() + timeout_secs
    received = b""
    memory: list[Memory] = []
    with selectors.DefaultSelector() as selector, process.stdout as pipe:
        selector.register(pipe, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if selector.select(_SAMPLE_SECS):
                piece = os.read(pipe.fileno(), 1 << 20)
                if not piece:
                    break
                received += piece
            if received.count(b"\n") == 1:
                size_bytes = process_tree.pss_bytes(process.pid)
                memory.append(Memory(at_secs=time.monotonic(), size_bytes=size_bytes))
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    lines = received.splitlines()
    return (lines[1] if len(lines) == 2 else None), memory


def _as_json(task: Task) -> str:
    return json.dumps(dataclasses.asdict(task))


def _failed(reason: str, wall_secs: float) -> Turn:
    return Turn(measures=None, failure=reason, rss_peak_bytes=0, wall_secs=wall_secs)


def _last_line(log_path: Path, returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "no result in time, or out of memory"
    lines = log_path.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"exit code {returncode}"

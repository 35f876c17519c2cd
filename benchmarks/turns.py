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

_SAMPLE_SECS: Final = 0.02
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
        Highest resident memory of the whole process tree while logging: the larger of the sum
        sampled 50 times a second and the kernel's high-water mark of the main process.
    wall_secs : float
        Life of the process, with its start and imports.
    """

    measures: Measures | None
    failure: str | None
    rss_peak_bytes: int
    wall_secs: float


def take_turn(peer: Peer, task: Task, home: Path) -> Turn:
    """Run `task` in the peer's environment, then delete what it wrote."""
    folder = Path(task.folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.sync()  # what an earlier run left in the page cache is not this one's burden
    log_path = folder.with_suffix(".log")
    start = time.perf_counter()
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [str(python_of(peer)), "-m", "benchmarks.runner", _as_json(task)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=environment(home, folder),
            start_new_session=True,
        )
        line, sampled_bytes = _watch(process)
    wall_secs = time.perf_counter() - start
    shutil.rmtree(folder, ignore_errors=True)
    if line is None:
        return _failed(_last_line(log_path, process.returncode), wall_secs)
    measures = msgspec.json.decode(line, type=Measures)
    if measures.images_stored != measures.images_logged:
        lost = f"stored {measures.images_stored} of {measures.images_logged} images"
        return _failed(lost, wall_secs)
    peak_bytes = max(sampled_bytes, measures.rss_peak_bytes)
    return Turn(measures=measures, failure=None, rss_peak_bytes=peak_bytes, wall_secs=wall_secs)


def _watch(process: subprocess.Popen[bytes]) -> tuple[bytes | None, int]:
    """Wait for the runner; return its measures as JSON, if any, and its sampled peak memory."""
    assert process.stdout is not None
    deadline = time.monotonic() + _TIMEOUT_SECS
    received = b""
    peak_bytes = 0
    with selectors.DefaultSelector() as selector, process.stdout as pipe:
        selector.register(pipe, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if selector.select(_SAMPLE_SECS):
                piece = os.read(pipe.fileno(), 1 << 20)
                if not piece:
                    break
                received += piece
            if received.count(b"\n") == 1:
                peak_bytes = max(peak_bytes, process_tree.rss_bytes(process.pid))
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    lines = received.splitlines()
    return (lines[1] if len(lines) == 2 else None), peak_bytes


def _as_json(task: Task) -> str:
    return json.dumps(dataclasses.asdict(task))


def _failed(reason: str, wall_secs: float) -> Turn:
    return Turn(measures=None, failure=reason, rss_peak_bytes=0, wall_secs=wall_secs)


def _last_line(log_path: Path, returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return f"no result within {_TIMEOUT_SECS:.0f} s, or out of memory"
    lines = log_path.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"exit code {returncode}"

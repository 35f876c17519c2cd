"""A long run: nothing grows in either process but the shards."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from tests.faults.counts import report, times
from tests.faults.pictures import check_tidy
from tests.faults.processes import encoders_of, wait_until

import filmstrip

_GROWTH_BYTES = 24 * 2**20
"""The allocator's own breathing; what is remembered of 65,536 images is in the first part."""


def resident_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS:")]
    return 1024 * int(line.split()[1])


def num_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("ignore:log\\(\\) waits")
def test_nothing_grows_in_a_long_run(tmp_path, monkeypatch):
    monkeypatch.setenv("FILMSTRIP_ENCODER", "process")
    num_images = times(200_000, 5000)
    run = filmstrip.init(dir=tmp_path / "s", id="r")

    def log_until(first: int, end: int) -> None:
        for step in range(first, end):
            pixels = np.full((12, 12), step % 251, np.uint8)
            pixels.reshape(-1)[:8] = np.frombuffer(step.to_bytes(8, "little"), np.uint8)
            run.log({"x": filmstrip.Image(pixels, normalize=False), "loss": step}, step=step)
        assert run._writer.flush()

    first = num_images * 7 // 10
    log_until(0, first)
    (encoder,) = encoders_of(tmp_path)
    pids = (os.getpid(), encoder)
    before = [resident_bytes(pid) for pid in pids], [num_files(pid) for pid in pids]
    num_threads, names = threading.active_count(), sorted(p.suffix for p in run.dir.iterdir())
    log_until(first, num_images)
    grown = [resident_bytes(pid) - was for pid, was in zip(pids, before[0], strict=True)]
    report(f"{num_images:,} images: the last three tenths added {grown} bytes of memory")
    assert max(grown) < _GROWTH_BYTES
    assert [num_files(pid) for pid in pids] == before[1]
    assert threading.active_count() == num_threads
    left = sorted(p.suffix for p in run.dir.iterdir())
    assert [s for s in left if s != ".tar"] == [s for s in names if s != ".tar"]
    run.finish()
    check_tidy(run.dir)
    assert len(filmstrip.open(tmp_path / "s").run("r").steps("x")) == num_images


def test_runs_that_come_and_go_leave_no_files_open_and_no_threads(tmp_path):
    def log_one(number: int) -> None:
        with filmstrip.init(dir=tmp_path / "s", id=f"r{number}") as run:
            run.log({"x": filmstrip.Image(np.eye(8))})

    for number in range(4):
        log_one(number)
    before = num_files(os.getpid()), threading.active_count()
    for number in range(4, 30):
        log_one(number)
    wait_until(lambda: threading.active_count() <= before[1])
    assert num_files(os.getpid()) <= before[0] + 4, "a run's mapped page may live a little longer"

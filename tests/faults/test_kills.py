"""SIGKILL at any instant: what ``log()`` had returned for is there, once, unaltered, in order."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from tests.faults.counts import IS_FULL, report, times
from tests.faults.pictures import check_tidy, check_whole, read_back
from tests.faults.processes import Logging, encoders_of, logging, wait_until

from filmstrip.repair import dead_spools, repair_run

LOADS = {
    "light": {"load": "small"},
    "small ring": {"load": "middle", "queue_bytes": 2**18},
    "far behind": {"load": "large", "queue_bytes": 2**26},
}
"""The second keeps the encoder's ring full, the third lets tens of MiB wait."""

NUM_STEPS = {"light": 100, "small ring": 30, "far behind": 10}
"""Of a process that is to come to its end: only its encoder is killed."""

CASES = [
    (encoder, load, num_processes, victims)
    for encoder, victims in [
        ("process", "writers"), ("process", "encoders"), ("process", "both"), ("thread", "writers")
    ]
    for load in LOADS
    for num_processes in (1, 4)
]  # fmt: skip


def busy_until(until: float) -> None:
    """Wait for an instant, to the microsecond."""
    time.sleep(max(0.0, until - time.perf_counter() - 0.002))
    while time.perf_counter() < until:
        pass


def kill(logs: Logging, victims: str) -> None:
    pids = [process.pid for process in logs.processes]
    encoders = encoders_of(logs.tasks[0].store)
    doomed = {"writers": pids, "encoders": encoders, "both": [*pids, *encoders]}[victims]
    random.shuffle(doomed)
    for pid in doomed:
        kill_one(pid)


def kill_one(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def log_and_kill(folder: Path, load: str, num_processes: int, encoder: str, victims: str) -> int:
    """Kill once, repair, look for everything; return how many images were repaired."""
    num_steps = NUM_STEPS[load] if victims == "encoders" else None
    options = {"encoder": encoder, "num_steps": num_steps, **LOADS[load]}
    with logging(folder, num_processes=num_processes, **options) as logs:
        wait_until(lambda: logs.acknowledged(0))
        busy_until(time.perf_counter() + random.random() ** 2 * 0.8)
        kill(logs, victims)
        wanted = 0 if victims == "encoders" else -signal.SIGKILL
        assert logs.join() == [wanted] * num_processes
        if victims == "both":
            for pid in encoders_of(folder):  # those that were being started
                kill_one(pid)
        repaired = repair_run(logs.run_dir)
        assert all(one.is_done and not one.num_lost and not one.problem for one in repaired)
        assert dead_spools(logs.run_dir) == []
        wait_until(lambda: not encoders_of(folder))
        found = read_back(logs.run_dir, logs.tasks[0].load)
        for process in range(num_processes):
            if process in found or logs.acknowledged(process):
                check_whole(found[process], logs.acknowledged(process))
        check_tidy(logs.run_dir)
    shutil.rmtree(folder)
    return sum(one.num_images for one in repaired)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("encoder", "load", "num_processes", "victims"), CASES if IS_FULL else CASES[::5]
)
def test_nothing_is_lost_when_it_is_killed(tmp_path, encoder, load, num_processes, victims):
    num_kills = times(14, 1)
    num_repaired = sum(
        log_and_kill(tmp_path / str(number), load, num_processes, encoder, victims)
        for number in range(num_kills)
    )
    report(f"{num_kills} kills of {victims}: {num_repaired} images repaired, none lost")

"""Sixteen processes on one run, forks in the middle of logging, threads, tasks and workers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import numpy as np
import pytest
from tests.faults.counts import IS_FULL, report, times
from tests.faults.pictures import check_tidy, check_whole, log_step, read_back
from tests.faults.processes import encoders_of, logging, wait_until

import filmstrip
from filmstrip.repair import repair_run

NUM_PROCESSES, NUM_STEPS = 16, 6


@pytest.mark.timeout(300)
@pytest.mark.parametrize("num_ranks", [0, NUM_PROCESSES])
def test_sixteen_processes_log_to_one_run(tmp_path, num_ranks):
    options = {"encoder": "process" if IS_FULL else "thread", "num_steps": NUM_STEPS}
    options |= {"num_ranks": num_ranks, "num_together": NUM_PROCESSES, "load": "small"}
    with logging(tmp_path / "s", num_processes=NUM_PROCESSES, **options) as logs:
        assert logs.join() == [0] * NUM_PROCESSES
        found = read_back(logs.run_dir, "small")
        assert sorted(found) == list(range(NUM_PROCESSES))
        for process in found.values():
            check_whole(process, NUM_STEPS)
        check_tidy(logs.run_dir)
        run = filmstrip.open(tmp_path / "s" / "store").run("r")
        ranks = {key: {image.rank for image in run.images(key)} for key in run.keys()}  # noqa: SIM118
        assert ranks == {f"x{n}": {n if num_ranks else 0} for n in range(NUM_PROCESSES)}
        sessions = {
            sample.record.session
            for samples in run.samples_by_shard().values()
            for sample in samples
        }
        assert sessions == {0}


FORKS = """
import os, sys, threading, time
import filmstrip
from tests.faults.pictures import log_step

num_forks, store = int(sys.argv[1]), sys.argv[2]
run = filmstrip.init(dir=store, id="r")
log_step(run, "tile", 0, 0)
is_over = threading.Event()
num_logged = 0

def log_on():
    global num_logged
    for step in range(10**9):
        if is_over.is_set():
            return
        log_step(run, "tile", 1, step)
        num_logged = step + 1

thread = threading.Thread(target=log_on)
thread.start()
children = []
for number in range(num_forks):
    pid = os.fork()
    if pid == 0:
        log_step(run, "tile", 10 + number, 0)
        if number % 3 == 0:
            os._exit(0)
        run.finish()
        os._exit(0)
    children.append(pid)
    log_step(run, "tile", 0, number + 1)
    if len(children) == 4:
        assert os.waitpid(children.pop(0), 0)[1] == 0
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
is_over.set()
thread.join()
run.finish()
print(num_logged)
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("encoder", "full", "short"), [("thread", 200, 16), ("process", 40, 4)])
def test_forks_in_the_middle_of_logging_neither_wait_nor_lose(
    tmp_path, monkeypatch, encoder, full, short
):
    monkeypatch.setenv("FILMSTRIP_ENCODER", encoder)
    num_forks = times(full, short)
    command = [sys.executable, "-W", "ignore", "-c", FORKS, str(num_forks), str(tmp_path / "s")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=400, env=_environment(), check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    run_dir = tmp_path / "s" / "runs" / "r"
    wait_until(lambda: not encoders_of(tmp_path))
    repaired = repair_run(run_dir)
    assert all(one.is_done and not one.num_lost for one in repaired)
    found = read_back(run_dir, "tile")
    check_whole(found.pop(0), num_forks + 1)
    check_whole(found.pop(1), int(done.stdout))
    assert sorted(found) == [10 + number for number in range(num_forks)]
    for child in found.values():
        check_whole(child, 1)
    check_tidy(run_dir)
    report(f"{num_forks} forks, encoder as {encoder}: every image of every process is there")


def _environment() -> dict[str, str]:
    import os
    from pathlib import Path

    here = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, here])}


class Worked:
    """A data set whose workers log what they load."""

    def __init__(self, run: filmstrip.Run) -> None:
        self.run = run

    def __len__(self) -> int:
        return 8

    def __getitem__(self, item: int) -> int:
        log_step(self.run, "tile", 1 + item, 0)
        return item


@pytest.mark.timeout(300)
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"] if IS_FULL else ["fork"])
def test_the_workers_of_a_torch_data_loader_log(tmp_path, method):
    from torch.utils.data import DataLoader

    run = filmstrip.init(dir=tmp_path / "s", id="r")
    loader = DataLoader(Worked(run), batch_size=2, num_workers=2, multiprocessing_context=method)
    for step, _ in enumerate(loader):
        log_step(run, "tile", 0, step)
    run.finish()
    repair_run(run.dir)
    found = read_back(run.dir, "tile")
    check_whole(found.pop(0), 4)
    assert sorted(found) == list(range(1, 9))
    for item in found.values():
        check_whole(item, 1)


def test_threads_and_tasks_log_at_once(tmp_path):
    run = filmstrip.init(dir=tmp_path / "s", id="r")

    async def log_some(process: int) -> None:
        for step in range(10):
            log_step(run, "small", process, step)
            await asyncio.sleep(0)

    async def log_all() -> None:
        await asyncio.gather(*(log_some(process) for process in range(4)))

    def log_thread(process: int) -> None:
        for step in range(10):
            log_step(run, "small", process, step)

    threads = [threading.Thread(target=log_thread, args=(process,)) for process in range(4, 8)]
    for thread in threads:
        thread.start()
    asyncio.run(log_all())
    for thread in threads:
        thread.join()
    run.finish()
    found = read_back(run.dir, "small")
    assert sorted(found) == list(range(8))
    for process in found.values():
        check_whole(process, 10)
    check_tidy(run.dir)


def test_a_child_makes_images_although_a_thread_of_its_parent_was_at_it(tmp_path):
    """The locks of the parent's memory pools may be held at the instant of a fork."""
    import os

    run = filmstrip.init(dir=tmp_path / "s", id="r")
    is_over = threading.Event()

    def make() -> None:
        while not is_over.is_set():
            filmstrip.Image(np.zeros((160, 160, 3), np.uint8))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(times(200, 20)):
            pid = os.fork()
            if pid == 0:
                filmstrip.Image(np.zeros((160, 160, 3), np.uint8))
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    run.finish()

"""Whether a run lives: with real processes that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

import filmstrip
from filmstrip.folder import read_writers
from filmstrip.record import RunInfo, WriterInfo
from filmstrip.run_state import shown_state

LOGGING = """
import sys, numpy as np, filmstrip
run = filmstrip.init(dir=sys.argv[1], id="a")
run.log({"x": filmstrip.Image(np.zeros((4, 4), np.uint8))})
print("logged", flush=True)
sys.stdin.read()
"""


def state_of(store) -> str:
    run = filmstrip.open(store).run("a")
    return shown_state(run.dir, run.info, read_writers(run.dir))


@pytest.fixture
def logging(tmp_path):
    """A process that logs, in a group of its own with its encoder."""
    command = [sys.executable, "-c", LOGGING, str(tmp_path / "store")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout.readline() == b"logged\n"
        yield tmp_path / "store", process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_run_that_logs_is_running_and_one_that_ended_is_finished(logging):
    store, process = logging
    assert state_of(store) == "running"
    process.communicate()
    assert state_of(store) == "finished"


def test_a_run_whose_processes_were_all_killed_is_crashed(logging):
    store, process = logging
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert state_of(store) == "crashed"


def test_a_page_is_told_of_a_crash_that_changed_no_file(logging, serve, listening):
    store, process = logging
    with serve(store) as served, listening(served) as page:
        deadline = time.monotonic() + 20
        while "a" not in served.service.watcher._state.running:
            assert time.monotonic() < deadline
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        page.next("run", run_id="a", state="crashed")
        (run,) = served.client.get("/api/runs").json()
        assert (run["state"], run["is_live"]) == ("crashed", False)


@pytest.mark.parametrize(
    ("state", "writers", "shown"),
    [
        ("finished", [], "finished"),
        ("running", [], "running"),
        ("failed", ["failed"], "failed"),
        ("failed", ["finished", "killed"], "crashed"),
        ("finished", ["killed"], "finished"),
        ("running", ["finished"], "crashed"),
    ],
)
def test_what_is_written_down_decides(tmp_path, state, writers, shown):
    infos = [WriterInfo(name=f"r{n}-s0-abcdef", state=s) for n, s in enumerate(writers)]
    info = RunInfo(id="a", name="a", project="p", created=0.0, state=state)
    assert shown_state(tmp_path, info, infos) == shown

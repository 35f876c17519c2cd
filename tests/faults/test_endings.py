"""However a script ends, within seconds and with nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.faults.pictures import check_tidy, check_whole, read_back
from tests.faults.processes import encoders_of, wait_until

import filmstrip
from filmstrip.repair import dead_spools, repair_run

NUM_STEPS = 12
MOST_SECS = 8
"""5, and what a machine adds that does much else."""
HERE = str(Path(__file__).parents[2])

FIRST = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
signal.signal(signal.SIGHUP, signal.SIG_DFL)
"""
LOG = f"""{FIRST}
import filmstrip
from tests.faults.pictures import log_step
run = filmstrip.init(dir="s", id="r")
for step in range({NUM_STEPS}):
    log_step(run, "tile", 0, step)
"""
READY = "print('ready', flush=True)\n"
WAIT = f"{READY}time.sleep(600)\n"

ENDINGS = {
    "never finishes": (LOG, None, 0, "finished"),
    "is let go of": (LOG + "del run", None, 0, "finished"),
    "raises": (LOG + "raise SystemError('x')", None, 1, "failed"),
    "raises in a thread": (
        LOG + "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()", None, 0, "finished"
    ),
    "os._exit": (LOG + "os._exit(3)", None, 3, "failed"),
    "Ctrl-C": (LOG + WAIT, signal.SIGINT, -signal.SIGINT, "failed"),
    "SIGTERM": (LOG + WAIT, signal.SIGTERM, -signal.SIGTERM, "failed"),
    "SIGHUP": (LOG + WAIT, signal.SIGHUP, -signal.SIGHUP, "failed"),
    "SIGTERM with a handler": (
        LOG + "signal.signal(signal.SIGTERM, lambda *_: (run.finish(), sys.exit(5)))\n" + WAIT,
        signal.SIGTERM, 5, "finished",
    ),
    "SIGPIPE by default": (
        LOG.replace("run =", "signal.signal(signal.SIGPIPE, signal.SIG_DFL); run ="), None, 0,
        "finished",
    ),
}  # fmt: skip
"""The script, what it is sent, its exit code, and what becomes of the run."""


def start(script: str, folder: Path, encoder: str = "process") -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, HERE])}
    env |= {"FILMSTRIP_ENCODER": encoder}
    command = [sys.executable, "-W", "ignore", "-c", script]
    return subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


@pytest.mark.timeout(120)
@pytest.mark.parametrize("ending", ENDINGS)
def test_however_a_script_ends_nothing_is_lost(tmp_path, ending):
    script, number, exit_code, state = ENDINGS[ending]
    with start(script, tmp_path) as process:
        if number is not None:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            began = time.monotonic()
        process.wait()
        if number is not None:
            assert time.monotonic() - began < MOST_SECS
        assert process.returncode == exit_code
    wait_until(lambda: not encoders_of(tmp_path), secs=60)
    run_dir = tmp_path / "s" / "runs" / "r"
    assert dead_spools(run_dir) == []
    check_whole(read_back(run_dir, "tile")[0], NUM_STEPS)
    check_tidy(run_dir)
    assert filmstrip.open(tmp_path / "s").run("r").info.state == state


BEHIND = f"""{FIRST}
import numpy as np
import filmstrip
noise = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), np.uint8)
with filmstrip.init(dir="s", id="r", queue_bytes=2**30) as run:
    for step in range(250):
        run.log({{"x": filmstrip.Image(np.roll(noise, step), file_type="webp")}}, step=step)
    print("ready", flush=True)
    while True:
        pass
"""


@pytest.mark.timeout(300)
def test_ctrl_c_ends_a_script_within_5_s_however_much_is_to_be_encoded(tmp_path):
    with start(BEHIND, tmp_path) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        process.wait()
        assert time.monotonic() - began < MOST_SECS
        encoders = encoders_of(tmp_path)
        for pid in encoders:  # it would take its time
            os.kill(pid, signal.SIGKILL)
    assert len(encoders) == 1
    run_dir = tmp_path / "s" / "runs" / "r"
    wait_until(lambda: not encoders_of(tmp_path))
    wait_until(lambda: dead_spools(run_dir))


HANDLER = f"""
import signal, sys
import filmstrip
from tests.faults.pictures import log_step
run = filmstrip.init(dir="s", id="r")
num_handled = 0
def on_alarm(*_):
    global num_handled
    log_step(run, "small", 1, num_handled, 1)
    num_handled += 1
    signal.setitimer(signal.ITIMER_REAL, 0.002)
signal.signal(signal.SIGALRM, on_alarm)
log_step(run, "small", 0, 0)  # a handler that imports numpy while it is being imported fails
signal.setitimer(signal.ITIMER_REAL, 0.001)
for step in range(1, {NUM_STEPS * 10}):
    log_step(run, "small", 0, step)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
run.finish()
print(num_handled)
"""


def test_a_signal_s_handler_may_log_in_the_middle_of_log(tmp_path):
    with start(HANDLER, tmp_path) as process:
        num_handled = int(process.stdout.readline())
    assert num_handled
    found = read_back(tmp_path / "s" / "runs" / "r", "small")
    check_whole(found[0], NUM_STEPS * 10)
    check_whole(found[1], num_handled, 1)


def test_a_notebook_s_cell_that_runs_again_goes_on_with_its_run(tmp_path):
    for value in range(3):
        run = filmstrip.init(dir=tmp_path / "s", id="cell")
        run.log({"x": filmstrip.Image(np.full((4, 4), value, np.uint8), normalize=False)}, step=0)
    run.finish()
    check_tidy(run.dir)
    (shown,) = filmstrip.open(tmp_path / "s").run("cell").images("x")
    assert int(shown.array()[0, 0]) == 2
    samples = filmstrip.open(tmp_path / "s").run("cell").samples_by_shard()
    assert sum(map(len, samples.values())) == 3


def test_the_end_of_a_killed_thread_mode_process_is_repaired(tmp_path):
    with start(LOG + "os._exit(3)", tmp_path, encoder="thread") as process:
        process.wait()
    run_dir = tmp_path / "s" / "runs" / "r"
    assert all(one.is_done and not one.num_lost for one in repair_run(run_dir))
    check_whole(read_back(run_dir, "tile")[0], NUM_STEPS)
    check_tidy(run_dir)

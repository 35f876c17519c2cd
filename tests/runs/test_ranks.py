"""Several processes that log to one run: ranks of a training, workers of a loader."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.spooling import PATIENCE_SECS, records_in

import filmstrip
from filmstrip.errors import RunExistsError
from filmstrip.folder import read_writers
from filmstrip.repair import repair_run
from filmstrip.store import StoredRun
from filmstrip.verify import verify_store

RANK_VARIABLES = ["RANK", "SLURM_PROCID", "LOCAL_RANK", "WORLD_SIZE", "SLURM_NTASKS"]


@pytest.fixture(autouse=True)
def no_ranks(monkeypatch):
    for name in RANK_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def ranks(run_dir: Path) -> list[tuple[int, int, int]]:
    """Return session, rank and step of each record."""
    return sorted((one.session, one.rank, one.step) for one in records_in(run_dir))


@pytest.mark.parametrize(
    ("variables", "rank"),
    [
        ({}, 0),
        ({"RANK": "3"}, 3),
        ({"SLURM_PROCID": "4"}, 4),
        ({"LOCAL_RANK": "5"}, 5),
        ({"RANK": "3", "SLURM_PROCID": "4", "LOCAL_RANK": "5"}, 3),
        ({"SLURM_PROCID": "4", "LOCAL_RANK": "5"}, 4),
        ({"RANK": "", "LOCAL_RANK": "5"}, 5),
        ({"RANK": "none", "SLURM_PROCID": "-1"}, 0),
    ],
)
def test_the_rank_is_what_the_launcher_says(image, monkeypatch, variables, rank):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with filmstrip.init(id="r") as run:
        run.log({"x": image(5), "loss": 1}, step=7)
    assert ranks(run.dir) == [(0, rank, 7)] * 2
    (writer,) = read_writers(run.dir)
    assert (writer.rank, writer.session, writer.name[:6]) == (rank, 0, f"r{rank}-s0-")
    (shard,) = run.dir.glob("*.tar")
    assert shard.name.startswith(writer.name)


RANK = """
import os, sys
import numpy as np
import filmstrip
rank = int(os.environ["RANK"])
run = filmstrip.init(id="r", resume=sys.argv[1] or None)
print("ready", flush=True)
sys.stdin.readline()
for step in range(10):
    pixels = np.full((8, 8), 10 * rank + step, np.uint8)
    run.log({"x": filmstrip.Image(pixels, normalize=False), "loss": step}, step=step)
run.finish()
"""


def launch(folder: Path, num: int, resume: str = "") -> None:
    """Run so many processes of one training, which all log at the same time."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RANK, resume],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "RANK": str(rank), "WORLD_SIZE": str(num)},
        )
        for rank in range(num)
    ]  # fmt: skip
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=PATIENCE_SECS)
        assert process.returncode == 0


def test_processes_of_one_launch_share_a_run_and_a_session_and_a_resumed_launch_the_next(tmp_path):
    launch(tmp_path, 3)
    run_dir = tmp_path / ".filmstrip" / "runs" / "r"
    once = [(0, rank, step) for rank in range(3) for step in range(10)]
    assert ranks(run_dir) == sorted(2 * once)
    launch(tmp_path, 2, resume="allow")
    again = [(1, rank, step) for rank in range(2) for step in range(10)]
    assert ranks(run_dir) == sorted(2 * (once + again))
    assert len(list(run_dir.glob("*.tar"))) == 5
    info = StoredRun(run_dir).info
    assert (info.state, info.sessions) == ("finished", 2)
    assert [w.state for w in read_writers(run_dir)] == ["finished"] * 5
    assert verify_store(filmstrip.open(tmp_path / ".filmstrip")).problems == ()


def test_a_rank_may_begin_when_another_is_done(stored, image, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        with filmstrip.init(id="r") as run:
            run.log({"x": image(1)}, step=0)
    assert [(i.rank, i.record.session) for i in stored(run).images("x")] == [(0, 0), (1, 0)]
    assert stored(run).info.state == "finished"


def test_a_launch_may_not_take_the_id_of_one_that_is_over(tmp_path, monkeypatch):
    filmstrip.init(id="r").finish()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RunExistsError):
        filmstrip.init(id="r")


def test_without_a_launcher_a_second_process_may_not_take_a_run_that_is_live(tmp_path):
    run = filmstrip.init(id="r")
    script = "import filmstrip\nfilmstrip.init(id='r')"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert "RunExistsError: expected a run id that is not in the store yet, got 'r'" in done.stderr
    run.finish()


def _log(run: filmstrip.Run, value: int) -> None:
    run.log({"x": filmstrip.Image(np.full((2, 2), value, np.uint8), normalize=False)}, step=value)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_log_to_the_run_they_were_given_and_the_parent_goes_on(shown, monkeypatch, method):
    monkeypatch.setenv("FILMSTRIP_ENCODER", "process")  # a worker's end waits for nobody
    run = filmstrip.init(id="r")
    _log(run, 0)
    context = multiprocessing.get_context(method)
    workers = [context.Process(target=_log, args=(run, value)) for value in (1, 2)]
    for worker in workers:
        worker.start()
    _log(run, 3)
    for worker in workers:
        worker.join(PATIENCE_SECS)
        assert worker.exitcode == 0
    _log(run, 4)
    run.finish()
    repair_run(run.dir)
    assert shown(run) == [(value, 0, value) for value in range(5)]
    writers = read_writers(run.dir)
    assert sorted(writer.is_child for writer in writers) == [False, True, True]
    assert {writer.state for writer in writers} == {"finished"}
    assert filmstrip.open().run("r").info.state == "finished"


def test_a_run_that_is_pickled_is_another_writer_of_the_same_run(shown):
    run = filmstrip.init(id="r")
    other = pickle.loads(pickle.dumps(run))
    assert (other.id, other.dir) == (run.id, run.dir)
    _log(other, 1)
    _log(run, 2)
    other.finish()
    assert filmstrip.open().run("r").info.state == "running"
    run.finish()
    assert shown(run) == [(1, 0, 1), (2, 0, 2)]
    assert filmstrip.open().run("r").info.state == "finished"


MAKE_IMAGE = """
import pickle, sys
import numpy as np
import filmstrip
noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
sys.stdout.buffer.write(pickle.dumps(filmstrip.Image(noise)))
"""


def test_an_image_that_another_process_made_is_stored_as_it_was_made():
    made = subprocess.run([sys.executable, "-c", MAKE_IMAGE], capture_output=True, check=True)
    with filmstrip.init(id="r") as run:
        run.log({"x": pickle.loads(made.stdout)})
    (stored,) = filmstrip.open().run("r").images("x")
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
    assert np.array_equal(stored.array(), noise)

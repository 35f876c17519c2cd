from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import filmstrip
from filmstrip import Image
from filmstrip.errors import (
    LogValueError,
    RunStateError,
)

IMAGE = Image(np.eye(4))


def test_a_run_that_ends_well_is_finished_and_says_when(stored):
    with filmstrip.init(id="r") as run:
        assert stored(run).info.state == "running"
        assert repr(run) == f"Run('r', running, {str(run.dir)!r})"
    info = stored(run).info
    assert (info.state, run.is_finished) == ("finished", True)
    assert info.created <= info.finished
    assert repr(run) == f"Run('r', finished, {str(run.dir)!r})"


def _left_behind() -> list[str]:
    """Return what this process still has of a writer: its encoder, and its spool's file."""
    me = Path("/proc/self")
    files, children = (me / "maps").read_text().splitlines(), []
    for link in (me / "fd").iterdir():
        with suppress(OSError):  # it was closed meanwhile
            files.append(str(link.readlink()))
    for task in (me / "task").iterdir():
        with suppress(OSError):  # the thread has ended
            children += (task / "children").read_text().split()
    return [name for name in files if ".spool" in name] + children


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_what_a_finished_run_took_is_given_back_soon(stored):
    before = _left_behind()
    with filmstrip.init() as run:
        run.log({"x": Image(np.zeros((512, 512, 3), np.uint8) + 9)})
        assert len(_left_behind()) > len(before) + 1
    assert len(list(stored(run).images("x"))) == 1
    give_up_at = time.monotonic() + 10
    while len(left := _left_behind()) > len(before) and time.monotonic() < give_up_at:
        time.sleep(0.01)
    assert len(left) <= len(before)


def _fail_inside(run: filmstrip.Run, error: BaseException) -> None:
    with run:
        run.log({"x": IMAGE})
        raise error


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), SystemExit(3)])
def test_an_exception_marks_the_run_failed_and_goes_on_and_what_was_logged_stays(stored, error):
    run = filmstrip.init()
    with pytest.raises(type(error)) as caught:
        _fail_inside(run, error)
    assert caught.value is error
    assert stored(run).info.state == "failed"
    assert stored(run).steps("x") == [0]


@pytest.mark.parametrize("code", [None, 0])
def test_leaving_with_success_is_no_failure(stored, code):
    run = filmstrip.init()
    with pytest.raises(SystemExit):
        _fail_inside(run, SystemExit(code))
    assert stored(run).info.state == "finished"


@pytest.mark.parametrize(
    ("exit_code", "state"), [(None, "finished"), (0, "finished"), (1, "failed")]
)
def test_finish_takes_an_exit_code(stored, exit_code, state):
    run = filmstrip.init()
    run.finish(exit_code=exit_code, quiet=True)
    assert stored(run).info.state == state


def test_finishing_twice_changes_nothing(stored):
    run = filmstrip.init()
    run.finish(exit_code=1)
    run.finish()
    assert stored(run).info.state == "failed"


def test_logging_after_the_end_is_an_error(image):
    with filmstrip.init(id="r") as run:
        pass
    with pytest.raises(RunStateError) as caught:
        run.log({"x": image(5)})
    assert str(caught.value) == (
        "expected a run that is not finished, got run 'r', which is; log before finish()"
    )


def test_what_a_run_was_opened_with_is_stored_and_read_back(stored):
    run = filmstrip.init(
        project="p", name="n", id="r", config={"lr": 0.1}, tags=["a", "b"], notes="why", group="g"
    )
    info = stored(run).info
    assert (info.project, info.name, info.id, info.group) == ("p", "n", "r", "g")
    assert (info.tags, info.notes, info.config) == (["a", "b"], "why", {"lr": 0.1})
    assert (run.project, run.name, run.id, run.group) == ("p", "n", "r", "g")
    assert (run.tags, run.notes, dict(run.config)) == (("a", "b"), "why", {"lr": 0.1})


def test_a_run_without_a_name_is_called_by_its_id():
    run = filmstrip.init()
    assert run.name == run.id
    assert len(run.id) == 8


def test_changes_of_the_config_are_stored_at_once(stored):
    run = filmstrip.init(config=argparse.Namespace(lr=0.1))
    run.config.epochs = 3
    run.config.update({"sizes": (1, 2)}, best=float("inf"))
    assert stored(run).config == {"lr": 0.1, "epochs": 3, "sizes": [1, 2], "best": float("inf")}


def test_a_change_of_the_config_that_json_cannot_hold_is_an_error_and_not_made(stored):
    run = filmstrip.init(config={"lr": 0.1})
    with pytest.raises(LogValueError, match=r"^expected config that JSON holds, got object at 'f'"):
        run.config.f = object()
    assert (dict(run.config), stored(run).config) == ({"lr": 0.1}, {"lr": 0.1})


def test_a_disabled_run_stores_nothing_and_takes_everything(tmp_path):
    with filmstrip.init(mode="disabled", dir=tmp_path / "s", config={"lr": 1}) as run:
        run.log({"x": Image(np.array([[-9.0, 270.0]])), "loss": 1})
        run.config.lr = 2
        assert (run.step, run.config.lr) == (1, 2)
        with pytest.raises(LogValueError):
            run.log({"x": object()})
    assert not (tmp_path / "s").exists()


FORK = """
import os, sys, warnings
import numpy as np, filmstrip
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
run = filmstrip.init(id="r")
for i in range(200):
    run.log({"x": filmstrip.Image(np.full((64, 64), i, np.uint8), normalize=False)})
if (child := os.fork()) == 0:
    run.log({"of the child": filmstrip.Image(np.eye(4))})
    run.config.lr = 5
    sys.exit(0)  # the child ends as a script does, with all that Python does at its exit
_, status = os.waitpid(child, 0)
run.log({"after": filmstrip.Image(np.eye(4))})
run.finish()
sys.exit(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
@pytest.mark.parametrize("encoder", ["process", "thread"])
def test_a_forked_process_writes_beside_its_parent(tmp_path, monkeypatch, encoder):
    monkeypatch.setenv("FILMSTRIP_ENCODER", encoder)
    done = subprocess.run(
        [sys.executable, "-c", FORK], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    run = filmstrip.open(tmp_path / ".filmstrip").run("r")
    assert len(run.images("x")) == 200
    assert sorted(run.keys()) == ["after", "of the child", "x"]
    assert (run.damages(), run.info.state, run.config) == ([], "finished", {})

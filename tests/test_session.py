from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import filmstrip
from filmstrip import Image
from filmstrip.errors import FilmstripWarning, RunStateError
from filmstrip.session import _IGNORED

IMAGE = Image(np.eye(4))


def test_log_finish_run_and_config_are_those_of_the_newest_run():
    filmstrip.init(id="a")
    newest = filmstrip.init(id="b", config={"lr": 0.1})
    assert filmstrip.run is newest
    assert filmstrip.config is newest.config
    filmstrip.log({"x": IMAGE}, step=3)
    filmstrip.log({"x": IMAGE}, commit=False)
    filmstrip.finish(exit_code=1)
    assert filmstrip.run is None
    run = filmstrip.open().run("b")
    assert (run.steps("x"), run.info.state) == ([3], "failed")
    assert filmstrip.open().run("a").info.state == "running"


def test_the_newest_run_is_none_once_it_finished_itself():
    with filmstrip.init():
        assert filmstrip.run is not None
    assert filmstrip.run is None


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (
            lambda: filmstrip.log({"x": IMAGE}),
            "expected a run to log to, got none; call filmstrip.init() first",
        ),
        (
            lambda: filmstrip.config,
            "expected a run that has a config, got none; call filmstrip.init() first",
        ),
    ],
)
def test_without_a_run_there_is_nothing_to_log_to(use, message):
    with pytest.raises(RunStateError) as caught:
        use()
    assert str(caught.value) == message


def test_finishing_without_a_run_does_nothing():
    filmstrip.finish()


def test_logging_to_the_newest_run_after_its_end_is_an_error():
    with filmstrip.init(id="a"):
        pass
    with pytest.raises(RunStateError, match=r"^expected a run that is not finished, got run 'a'"):
        filmstrip.log({"x": IMAGE})


def test_the_first_nine_arguments_of_init_may_be_given_by_their_place(tmp_path):
    run = filmstrip.init("p", "n", "i", {"lr": 1}, tmp_path / "s", "allow", ["t"], "notes", "g")
    assert (run.project, run.name, run.id, run.notes, run.group) == ("p", "n", "i", "notes", "g")
    assert (dict(run.config), run.tags) == ({"lr": 1}, ("t",))
    assert run.dir == tmp_path / "s" / "runs" / "i"


def test_variables_stand_for_arguments_from_init_to_reading_back(monkeypatch, tmp_path):
    monkeypatch.setenv("FILMSTRIP_DIR", str(tmp_path / "s"))
    monkeypatch.setenv("FILMSTRIP_PROJECT", "p")
    monkeypatch.setenv("FILMSTRIP_CONFIG", '{"lr": 0.1}')
    filmstrip.init(id="r").finish()
    run = filmstrip.open().run("r")
    assert (run.dir.parents[1], run.info.project, run.config) == (tmp_path / "s", "p", {"lr": 0.1})


def test_arguments_that_only_wandb_s_cloud_has_are_ignored_with_a_warning():
    with pytest.warns(FilmstripWarning) as caught:
        filmstrip.init(entity="me", save_code=True, job_type=None)
    assert [str(w.message) for w in caught] == [
        "init() ignores entity, save_code: filmstrip has no cloud and no accounts"
    ]
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", sorted(_IGNORED))
def test_an_argument_of_wandb_that_is_none_is_not_worth_a_word(name):
    filmstrip.init(**{name: None})


def test_an_argument_that_nobody_has_is_a_type_error():
    with pytest.raises(TypeError, match=r"^init\(\) got an unexpected keyword argument 'projekt'$"):
        filmstrip.init(projekt="p")


SCRIPT = """
import numpy as np
import filmstrip as wandb
"""
LOG_A_HUNDRED = """
for i in range(100):
    wandb.log({"x": [wandb.Image(np.full((64, 64), i, np.uint8), normalize=False)], "loss": i})
"""


def run_script(body: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", SCRIPT + body],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def pixels(run: filmstrip.StoredRun) -> list[int]:
    return [int(image.array()[0, 0]) for image in run.images("x")]


def test_a_script_that_never_calls_finish_loses_nothing(tmp_path):
    done = run_script('wandb.init(id="r")' + LOG_A_HUNDRED, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    run = filmstrip.open(tmp_path / ".filmstrip").run("r")
    assert pixels(run) == list(range(100))
    assert run.info.state == "finished"
    assert run.damages() == []


def test_a_script_that_ends_in_an_exception_loses_nothing_and_its_run_failed(tmp_path):
    done = run_script(
        'wandb.init(id="r")' + LOG_A_HUNDRED + 'raise RuntimeError("no more memory")', tmp_path
    )
    assert done.returncode == 1
    assert done.stderr.endswith("RuntimeError: no more memory\n")
    run = filmstrip.open(tmp_path / ".filmstrip").run("r")
    assert (len(pixels(run)), run.info.state) == (100, "failed")


def test_a_run_that_a_script_let_go_of_loses_nothing(tmp_path):
    body = """
import gc
for name in ("a", "b"):
    run = wandb.init(id=name)
""" + LOG_A_HUNDRED.replace("\n", "\n    ").replace("wandb.log", "run.log")
    done = run_script(body + "\ndel run\ngc.collect()\nwandb.init(id='c')\n", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    runs = filmstrip.open(tmp_path / ".filmstrip").runs()
    assert [(run.id, run.info.state) for run in runs] == [
        (name, "finished") for name in ("a", "b", "c")
    ]
    assert [len(pixels(run)) for run in runs[:2]] == [100, 100]


def test_one_run_that_cannot_be_finished_does_not_keep_the_others_from_it(tmp_path):
    body = """
import shutil, warnings
a, b = wandb.init(id="a"), wandb.init(id="b")
shutil.rmtree(b.dir)
a.log({"x": wandb.Image(np.eye(4))})
warnings.simplefilter("error")
"""
    done = run_script(body, tmp_path)
    assert "FilmstripWarning: the run's description could not be stored" in done.stderr
    run = filmstrip.open(tmp_path / ".filmstrip").run("a")
    assert (run.info.state, len(run.images("x"))) == ("finished", 1)


def test_a_script_that_disables_logging_leaves_nothing(tmp_path):
    done = run_script('wandb.init(mode="disabled")' + LOG_A_HUNDRED, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_the_package_lists_its_public_names():
    assert set(filmstrip.__all__) <= set(dir(filmstrip))


def test_a_name_that_the_package_has_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'filmstrip' has no attribute 'Video'$"):
        _ = filmstrip.Video

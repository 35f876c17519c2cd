from __future__ import annotations

import errno
import os
import subprocess
import sys
import warnings

import pytest

import filmstrip
from filmstrip.errors import (
    FilmstripWarning,
    StoreError,
)
from filmstrip.shard import append
from filmstrip.shard.read import DamageKind


@pytest.fixture
def disk(monkeypatch):
    """A disk that is full while ``disk.is_full``."""

    class Disk:
        is_full = False

        def writev(self, fd, buffers):
            if self.is_full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.own(fd, buffers)

    made = Disk()
    made.own = os.writev
    monkeypatch.setattr(append.os, "writev", made.writev)
    return made


def test_on_a_full_disk_training_goes_on_and_what_was_stored_stays_readable(
    image, stored, shown, disk
):
    run = filmstrip.init(id="r")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(6):
            disk.is_full = step in (2, 3)
            run.log({"x": image(step), "loss": step})
            run._writer.flush()
        run.finish()
    at_log, at_finish = caught
    assert (str(at_log.message), at_log.category, at_log.filename) == (
        (
            "images cannot be stored (OSError: [Errno 28] No space left on device); training goes "
            f"on, what was stored before stays readable: {run.dir}"
        ),
        FilmstripWarning,
        __file__,
    )
    assert str(at_finish.message) == (
        "run 'r': 4 of the logged records could not be stored "
        "(OSError: [Errno 28] No space left on device)"
    )
    assert at_finish.filename == __file__
    assert shown(run) == [(step, 0, step) for step in (0, 1, 4, 5)]
    assert stored(run).damages() == []


def test_a_shard_without_room_for_its_end_loses_nothing_and_says_so(image, shown, disk):
    run = filmstrip.init(id="r")
    run.log({"x": image(5)})
    run._writer.flush()
    disk.is_full = True
    with pytest.warns(FilmstripWarning) as caught:
        run.finish()
    assert [str(w.message) for w in caught] == [
        (
            "run 'r': all is stored, but the last shard has no end-of-archive marker "
            "(OSError: [Errno 28] No space left on device)"
        )
    ]
    assert shown(run) == [(0, 0, 5)]


def test_a_folder_that_takes_no_new_file_is_warned_about_and_training_goes_on(
    image, stored, monkeypatch
):
    run = filmstrip.init(id="r")
    own_open = os.open

    def refuse(path, flags, *mode):
        if str(path).endswith(".tar"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return own_open(path, flags, *mode)

    monkeypatch.setattr(append.os, "open", refuse)
    run.log({"x": image(5)})
    run._writer.flush()
    with pytest.warns(FilmstripWarning, match=r"^images cannot be stored \(PermissionError: "):
        run.log({"x": image(6)})
    with pytest.warns(FilmstripWarning, match=r"^run 'r': 2 of the logged records could not be"):
        run.finish()
    assert stored(run).info.state == "finished"


def test_a_run_whose_folder_was_deleted_does_not_stop_the_training(image):
    import shutil

    run = filmstrip.init(id="r")
    shutil.rmtree(run.dir)
    run.log({"x": image(5)})
    with pytest.warns(FilmstripWarning) as caught:
        run.finish()
    description, records = (str(w.message) for w in caught)
    assert description == (
        "the run's description could not be stored (No such file or directory): " + str(run.dir)
    )
    assert records.startswith("run 'r': 1 of the logged records could not be stored (FileNotFound")


def test_a_run_that_cannot_make_its_folder_is_a_store_error(monkeypatch):
    filmstrip.init(id="a").finish()
    from filmstrip import runs

    def refuse(path, info):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(runs, "write_run_info", refuse)
    with pytest.raises(StoreError) as caught:
        filmstrip.init(dir=".filmstrip", id="r")
    assert str(caught.value).startswith(
        "expected a folder that can be written, got No space left on device: "
    )


ENDLESS = """
import itertools
import numpy as np
import filmstrip
noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
run = filmstrip.init(id="r", queue_bytes=2**22)
for step in itertools.count():
    run.log({"x": filmstrip.Image(np.roll(noise, step)), "loss": step}, step=step)
    if step == 20:
        run._writer.flush()
        print("ready", flush=True)
"""


def test_a_process_that_is_killed_leaves_whole_samples_and_its_run_can_be_resumed(
    tmp_path, image, stored
):
    command = [sys.executable, "-W", "ignore", "-c", ENDLESS]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.kill()
    left = filmstrip.open(tmp_path / ".filmstrip").run("r")
    images = left.images("x")
    assert [i.step for i in images] == list(range(len(images)))
    assert len(images) >= 21
    assert all(len(i.bytes()) == i.size_bytes for i in images)
    assert {damage.kind for damage in left.damages()} <= {DamageKind.TORN}
    with filmstrip.init(id="r", resume="must") as run:
        run.log({"x": image(5)})
    *before, last = stored(run).steps("x")
    assert before == [i.step for i in images]
    assert last > before[-1]  # a step whose numbers were stored, and its image not, is left out

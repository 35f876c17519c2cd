from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest

import filmstrip
from filmstrip import encoder, encoder_process, run_folder
from filmstrip.errors import FilmstripWarning, StoreError, WriteFailedError
from filmstrip.repair import dead_spools, repair_run
from filmstrip.sample import encode_samples
from filmstrip.shard import append
from filmstrip.spool.control import Ending
from filmstrip.verify import verify_store


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


@contextlib.contextmanager
def may_warn():
    """The encoder may fail before ``log()`` returns, which then says so, or after."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "images cannot be stored", FilmstripWarning)
        yield


def test_while_the_disk_is_full_training_goes_on_and_nothing_is_lost(image, stored, shown, disk):
    run = filmstrip.init(id="r")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(6):
            disk.is_full = step in (2, 3)
            run.log({"x": image(step), "loss": step})
            assert run._writer.flush() is not disk.is_full
        run.finish()
    (at_log,) = caught
    assert (str(at_log.message), at_log.category, at_log.filename) == (
        (
            "images cannot be stored (OSError: [Errno 28] No space left on device); training goes "
            f"on, what was stored before stays readable: {run.dir}"
        ),
        FilmstripWarning,
        __file__,
    )
    assert shown(run) == [(step, 0, step) for step in range(6)]
    assert stored(run).damages() == []


def test_what_a_full_disk_does_not_take_waits_in_the_spool_for_a_repair(
    image, stored, shown, disk, monkeypatch
):
    monkeypatch.setitem(encoder_process._PATIENCE_SECS, Ending.FINISHED, 0.0)
    run = filmstrip.init(id="r")
    run.log({"x": image(0)})
    assert run._writer.flush()
    disk.is_full = True
    with may_warn():
        run.log({"x": image(1)})
    with pytest.warns(FilmstripWarning) as caught:
        run.finish()
    assert str(caught[-1].message) == (
        "run 'r': 1 of the logged records wait in the spool until `filmstrip repair` can store "
        "them (OSError: [Errno 28] No space left on device)"
    )
    assert caught[-1].filename == __file__
    assert shown(run) == [(0, 0, 0)]
    disk.is_full = False
    (repaired,) = repair_run(run.dir)
    assert (repaired.num_images, repaired.is_done) == (1, True)
    assert shown(run) == [(0, 0, 0), (1, 0, 1)]
    assert verify_store(filmstrip.open()).problems == ()


def test_a_strict_run_raises_what_could_not_be_stored(image, disk, monkeypatch):
    monkeypatch.setitem(encoder_process._PATIENCE_SECS, Ending.FINISHED, 0.0)
    run = filmstrip.init(id="r", strict=True)
    disk.is_full = True
    with may_warn():
        run.log({"x": image(1)})
    with pytest.raises(WriteFailedError) as caught:
        run.finish()
    assert str(caught.value) == (
        "expected to write everything that was logged, but 1 of the logged records wait in the "
        "spool until `filmstrip repair` can store them (OSError: [Errno 28] No space left on "
        f"device): {run.dir}"
    )


def test_a_spool_that_is_full_on_a_full_disk_drops_and_counts(stored, disk, monkeypatch):
    monkeypatch.setitem(encoder_process._PATIENCE_SECS, Ending.FINISHED, 0.0)
    run = filmstrip.init(id="r", queue_bytes=2**16)
    noise = np.random.default_rng(0).integers(0, 256, (200, 100, 1), np.uint8)
    disk.is_full = True
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(5):
            run.log({"x": filmstrip.Image(noise)})
            run._writer.flush()
        disk.is_full = False
        run.finish()
    assert str(caught[-1].message).startswith("run 'r': 2 of the logged records were dropped")
    assert len(stored(run).images("x")) == 3


def test_a_folder_that_takes_no_new_file_is_warned_about_and_training_goes_on(
    image, shown, monkeypatch
):
    run = filmstrip.init(id="r")
    own_open = os.open

    def refuse(path, flags, *mode):
        if str(path).endswith(".tar"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return own_open(path, flags, *mode)

    with monkeypatch.context() as patch, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        patch.setattr(append.os, "open", refuse)
        run.log({"x": image(5)})
        assert not run._writer.flush()
        run.log({"x": image(6)})
    (warning,) = caught
    assert str(warning.message).startswith("images cannot be stored (PermissionError: ")
    run.finish()
    assert shown(run) == [(0, 0, 5), (1, 0, 6)]


def test_a_run_whose_folder_was_deleted_does_not_stop_the_training(image, monkeypatch):
    monkeypatch.setitem(encoder_process._PATIENCE_SECS, Ending.FINISHED, 0.0)
    run = filmstrip.init(id="r")
    run.log({"x": image(4)})
    assert run._writer.flush()
    shutil.rmtree(run.dir)
    with may_warn():
        run.log({"x": image(5)})
    with pytest.warns(FilmstripWarning) as caught:
        run.finish()
    description, records = (str(w.message) for w in caught)
    assert description == (
        "the run's description could not be stored (No such file or directory): " + str(run.dir)
    )
    assert records.startswith("run 'r': 1 of the logged records wait in the spool")


def test_a_picture_that_cannot_be_encoded_is_lost_alone(image, shown, monkeypatch):
    def encode(samples, known):
        if any(sample.record.step == 1 for sample in samples):
            raise MemoryError("no room for step 1")
        return encode_samples(samples, known)

    monkeypatch.setattr(encoder, "encode_samples", encode)
    run = filmstrip.init(id="r")
    for step in range(2):
        run.log({"x": [image(step), image(step + 10)]})
    run._writer.flush()
    with pytest.warns(FilmstripWarning, match=r"cannot be stored \(MemoryError: no room for step "):
        run.log({"x": [image(2), image(12)]})
    with pytest.warns(FilmstripWarning, match=r"^run 'r': 2 of the logged records could not be "):
        run.finish()
    assert shown(run) == [(0, 0, 0), (0, 1, 10), (2, 0, 2), (2, 1, 12)]


def test_a_run_that_cannot_make_its_folder_is_a_store_error(monkeypatch):
    filmstrip.init(id="a").finish()

    def refuse(path, info):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_folder, "write_run_info", refuse)
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


@pytest.mark.parametrize("encoder", ["process", "thread"])
def test_a_process_that_is_killed_loses_nothing_and_its_run_can_be_resumed(
    tmp_path, image, stored, monkeypatch, encoder
):
    monkeypatch.setenv("FILMSTRIP_ENCODER", encoder)
    command = [sys.executable, "-W", "ignore", "-c", ENDLESS]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.kill()
    run = filmstrip.open(tmp_path / ".filmstrip").run("r")
    repair_run(run.dir)
    images = run.images("x")
    assert [i.step for i in images] == list(range(len(images)))
    assert len(images) >= 21
    assert all(len(i.bytes()) == i.size_bytes for i in images)
    assert (run.damages(), dead_spools(run.dir)) == ([], [])
    with filmstrip.init(id="r", resume="must") as resumed:
        resumed.log({"x": image(5)})
    *before, last = stored(resumed).steps("x")
    assert before == [i.step for i in images]
    assert last > before[-1]

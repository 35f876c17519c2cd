"""Disks that are full, or fail: training goes on, what was lost is said, logging resumes."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import resource
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.counts import report, times
from tests.faults.pictures import check_tidy, check_whole, log_step, read_back
from tests.faults.processes import context, encoders_of, wait_until

import filmstrip
from filmstrip import encoder_process
from filmstrip.errors import WriteFailedError
from filmstrip.repair import repair_run
from filmstrip.shard import append
from filmstrip.spool import file as spool_file
from filmstrip.spool.control import Ending

DISK_BYTES = 24 * 2**20


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A small disk of its own; where mounting is not allowed, this test fails and says so."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], check=True
    )
    try:
        yield folder
    finally:
        for pid in encoders_of(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, left_bytes: int) -> Path:
    """Fill a disk but for so many bytes; return the file that does."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(2**16))
        with contextlib.suppress(OSError):
            file.truncate(max(0, path.stat().st_size - left_bytes))
    return path


def log_through_a_full_disk(store: Path, disk: Path, rng: random.Random) -> None:
    run = filmstrip.init(dir=store, id="r", queue_bytes=2**20)
    num_before = rng.randrange(1, 12)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(num_before):
            log_step(run, "middle", 0, step)
        assert run._writer.flush()
        filler = fill(disk, rng.randrange(2**16))
        for step in range(num_before, num_before + 25):
            log_step(run, "middle", 0, step)
        filler.unlink()
        wait_until(run._writer.flush)
        num_all = num_before + 30
        for step in range(num_before + 25, num_all):
            log_step(run, "middle", 0, step)
        run.finish()
    report_ = run._writer.report
    texts = [str(one.message) for one in caught if "cannot be stored" in str(one.message)]
    assert len(texts) <= 1, "it is said once"
    assert all("tests/faults" in one.filename for one in caught)
    num_lost = report_.num_dropped + report_.num_lost
    assert report_.num_spooled == 0
    assert report_.num_images + report_.num_values + num_lost == 4 * num_all
    assert num_lost == 0 or any("were dropped" in str(one.message) for one in caught)
    found = read_back(run.dir, "middle")[0]
    for step in (*range(num_before), *range(num_before + 25, num_all)):
        assert found.steps[step] == 3, "what was logged before and after is there"
    num_found = sum(found.steps.values()) + len(found.values)
    assert num_found == report_.num_images + report_.num_values
    check_tidy(run.dir)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("encoder", "full", "short"), [("thread", 50, 3), ("process", 10, 1)])
def test_a_disk_that_is_full_for_a_while_costs_what_is_said(
    disk, monkeypatch, encoder, full, short
):
    monkeypatch.setenv("FILMSTRIP_ENCODER", encoder)
    monkeypatch.setenv("FILMSTRIP_MIN_FREE_BYTES", "0")
    for seed in range(times(full, short)):
        log_through_a_full_disk(disk / "s", disk, random.Random(seed))
        shutil.rmtree(disk / "s")
    report(f"{times(full, short)} full disks, encoder as {encoder}: training went on, all was said")


def test_a_strict_run_raises_when_the_disk_stays_full(disk, monkeypatch):
    monkeypatch.setenv("FILMSTRIP_MIN_FREE_BYTES", "0")
    monkeypatch.setitem(encoder_process._PATIENCE_SECS, Ending.FINISHED, 0.0)
    run = filmstrip.init(dir=disk / "s", id="r", strict=True, queue_bytes=2**20)
    log_step(run, "middle", 0, 0)
    assert run._writer.flush()
    filler = fill(disk, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in range(1, 25):
            log_step(run, "middle", 0, step)
        with pytest.raises(WriteFailedError):
            run.finish()
    found = read_back(run.dir, "middle")[0]
    assert found.steps[0] == 3
    filler.unlink()
    assert all(one.is_done for one in repair_run(run.dir))
    read_back(run.dir, "middle")


def test_writing_stops_before_the_disk_is_at_zero(disk, monkeypatch):
    min_free_bytes = 12 * 2**20
    monkeypatch.setenv("FILMSTRIP_MIN_FREE_BYTES", str(min_free_bytes))
    monkeypatch.setitem(encoder_process._PATIENCE_SECS, Ending.FINISHED, 0.0)
    run = filmstrip.init(dir=disk / "s", id="r", queue_bytes=2**21)
    num_logged = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        while not run._writer.report.num_dropped:
            log_step(run, "middle", 0, num_logged)
            num_logged += 1
            assert num_logged < 2000
        run.finish()
    assert "No space left on device" in str(caught[-1].message)
    stat = os.statvfs(disk)
    assert stat.f_bavail * stat.f_frsize > min_free_bytes / 2
    assert read_back(run.dir, "middle")[0].steps[0] == 3


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("what", ["shards", "spool"])
def test_whatever_the_disk_answers_training_goes_on_and_resumes(
    tmp_path, monkeypatch, number, what
):
    def refuse(*args: object) -> int:
        raise OSError(number, os.strerror(number))

    run = filmstrip.init(dir=tmp_path / "s", id="r", queue_bytes=2**18)
    log_step(run, "middle", 0, 0)
    assert run._writer.flush()
    where, name = {"shards": (append, "writev"), "spool": (spool_file, "pwritev")}[what]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with monkeypatch.context() as patch:
            patch.setattr(where.os, name, refuse)
            for step in range(1, 6):
                log_step(run, "middle", 0, step)
        wait_until(run._writer.flush)
        log_step(run, "middle", 0, 6)
        run.finish()
    said = [one for one in caught if "images cannot be stored" in str(one.message)]
    assert len(said) == 1
    assert os.strerror(number) in str(said[0].message)
    assert said[0].filename.endswith("pictures.py"), "the line that logs"
    found = read_back(run.dir, "middle")[0]
    assert (found.steps[0], found.steps[6]) == (3, 3)
    check_tidy(run.dir)


def test_a_spool_folder_that_is_removed_costs_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("FILMSTRIP_SPOOL", str(tmp_path / "local" / "spools"))
    monkeypatch.setenv("FILMSTRIP_ENCODER", "process")
    run = filmstrip.init(dir=tmp_path / "s", id="r")
    log_step(run, "tile", 0, 0)
    assert run._writer.flush()
    shutil.rmtree(tmp_path / "local")
    for step in range(1, 20):
        log_step(run, "tile", 0, step)
        if step == 10:
            for pid in encoders_of(tmp_path):
                os.kill(pid, signal.SIGKILL)
    run.finish()
    check_whole(read_back(run.dir, "tile")[0], 20)
    check_tidy(run.dir)


def log_with_limit(store: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, 2**21))
    os.environ.update(FILMSTRIP_QUIET="1", FILMSTRIP_ENCODER="thread")
    encoder_process._PATIENCE_SECS[Ending.FINISHED] = 0.0
    run = filmstrip.init(dir=store, id="r", queue_bytes=2**24)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in range(40):
            log_step(run, "middle", 0, step)
        run.finish()


def test_a_limit_for_the_size_of_files_ends_the_logging_not_the_training(tmp_path):
    process = context.Process(target=log_with_limit, args=(tmp_path / "s",))
    process.start()
    process.join()
    assert process.exitcode == 0
    run_dir = tmp_path / "s" / "runs" / "r"
    assert read_back(run_dir, "middle")[0].steps[0] == 3
    repair_run(run_dir)
    read_back(run_dir, "middle")

"""What a kill in the middle of replacing a file leaves behind goes with the next repair."""

from __future__ import annotations

import os
import socket
import time

import numpy as np
import pytest
from tests.faults.pictures import check_tidy

import filmstrip
from filmstrip.folder import write_writer_info
from filmstrip.record import WriterInfo
from filmstrip.repair import repair_run

HOST = socket.gethostname()
NOBODY = 2**22 + 1
"""A number that no process has."""


@pytest.fixture
def run(tmp_path):
    with filmstrip.init(dir=tmp_path / "s", id="r") as run:
        run.log({"x": filmstrip.Image(np.eye(8))})
    return run


@pytest.mark.parametrize("file", ["run.json", "r0-s0-aaaaaa.json"])
def test_a_half_written_file_goes_when_its_process_is_dead_or_it_is_old(run, file):
    _of_dead, of_living, of_another, old = paths = [
        run.dir / f".{file}.{HOST}.{NOBODY}.0a0b0c0d",
        run.dir / f".{file}.{HOST}.{os.getpid()}.0a0b0c0d",
        run.dir / f".{file}.elsewhere.{NOBODY}.0a0b0c0d",
        run.dir / f".{file}.elsewhere.1.0a0b0c0d",
    ]
    for path in paths:
        path.write_bytes(b"{")
    os.utime(old, (time.time() - 3600,) * 2)
    repair_run(run.dir)
    assert [path.exists() for path in paths] == [False, True, True, False]
    for path in (of_living, of_another):
        path.unlink()
    check_tidy(run.dir)


def test_a_spool_that_was_being_made_goes_when_its_process_is_dead(run):
    info = WriterInfo(name="r0-s0-aaaaaa", host=HOST, pid=NOBODY)
    write_writer_info(run.dir, info)
    (run.dir / ".r0-s0-aaaaaa.spool").write_bytes(b"")
    repair_run(run.dir)
    check_tidy(run.dir)

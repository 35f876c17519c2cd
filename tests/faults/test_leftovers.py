"""What a kill in the middle of replacing a file leaves behind goes with the next repair."""

from __future__ import annotations

import os
import time

import numpy as np
from tests.faults.pictures import check_tidy

import filmstrip
from filmstrip.repair import repair_run

HALF_WRITTEN = (".run.json.17-0a0b0c0d", ".r0-s0-aaaaaa.json.17-0a0b0c0d", ".r0-s0-aaaaaa.spool")


def test_half_written_files_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path):
    with filmstrip.init(dir=tmp_path / "s", id="r") as run:
        run.log({"x": filmstrip.Image(np.eye(8))})
    for name in HALF_WRITTEN:
        (run.dir / name).write_bytes(b"{")
    repair_run(run.dir)
    assert {name for name in HALF_WRITTEN if (run.dir / name).exists()} == set(HALF_WRITTEN)
    for name in HALF_WRITTEN:
        os.utime(run.dir / name, (time.time() - 3600,) * 2)
    repair_run(run.dir)
    check_tidy(run.dir)

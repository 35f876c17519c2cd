"""An encoder that takes the place of one that died knows what that one knew."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from tests.faults.pictures import check_tidy, check_whole, log_step, read_back
from tests.faults.processes import encoders_of, wait_until

import filmstrip


def kill_encoder(run: filmstrip.Run) -> None:
    (pid,) = encoders_of(run.dir.parents[1])
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not encoders_of(run.dir.parents[1]))


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("FILMSTRIP_ENCODER", "process")
    return filmstrip.init(dir=tmp_path / "s", id="r", keep={"kept": "last:2"}, strict=True)


def test_it_keeps_to_the_policies_that_were_given_before(run):
    for step in range(6):
        pixels = np.full((8, 8), step, np.uint8)
        run.log({"kept": filmstrip.Image(pixels, normalize=False)}, step=step)
        assert run._writer.flush()
        if step == 3:
            kill_encoder(run)
    run.finish()
    assert filmstrip.open(run.dir.parents[1]).run("r").steps("kept") == [4, 5]
    check_tidy(run.dir)


def test_however_often_one_dies_after_it_stored_something_another_process_goes_on(run):
    for step in range(8):
        log_step(run, "small", 0, step)
        assert run._writer.flush()
        kill_encoder(run)
        log_step(run, "small", 1, step)
        assert run._writer.flush()
        assert encoders_of(run.dir.parents[1]), "not a thread of this process"
    run.finish()
    report = run._writer.report
    assert (report.num_images, report.num_lost, report.num_spooled) == (48, 0, 0)
    found = read_back(run.dir, "small")
    check_whole(found[0], 8)
    check_whole(found[1], 8)
    check_tidy(run.dir)

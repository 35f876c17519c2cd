from __future__ import annotations

import numpy as np
from tests.faults.dead import killed_run
from tests.faults.processes import wait_until

import filmstrip
from filmstrip.folder import read_writers, write_writer_info
from filmstrip.record import WriterInfo
from filmstrip.repair import dead_spools
from filmstrip.server.mender import Mender


def test_what_a_killed_process_had_logged_shows_by_itself(tmp_path, serve):
    run_dir = killed_run(tmp_path / "store", [{"x": filmstrip.Image(np.eye(8))}])
    with serve(tmp_path / "store"):
        wait_until(lambda: not dead_spools(run_dir))
    assert filmstrip.open(tmp_path / "store").run("r").steps("x") == [0]


def test_another_machines_spool_is_left_alone(tmp_path):
    run_dir = killed_run(tmp_path / "store", [{"x": filmstrip.Image(np.eye(8))}])
    (info,) = read_writers(run_dir)
    elsewhere = {name: getattr(info, name) for name in info.__struct_fields__} | {"host": "other"}
    write_writer_info(run_dir, WriterInfo(**elsewhere))
    Mender(tmp_path / "store").look()
    assert len(dead_spools(run_dir)) == 1
    write_writer_info(run_dir, info)
    Mender(tmp_path / "store").look()
    assert dead_spools(run_dir) == []

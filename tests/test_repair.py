from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tests.spooling import PATIENCE_SECS, WRITER, draft, put, records_in, steps_in, values

import filmstrip
from filmstrip import repair
from filmstrip.folder import read_run_info, read_writer_info, spool_path, write_run_info
from filmstrip.folder import write_writer_info as write_info
from filmstrip.record import RunInfo, WriterInfo
from filmstrip.repair import dead_spools, is_live, repair_run, repair_store
from filmstrip.spool.file import Spool
from filmstrip.spool.ring import Ring
from filmstrip.store import StoredRun
from filmstrip.verify import verify_store

RING_BYTES = 2**20


@pytest.fixture
def run_dir(tmp_path):
    folder = tmp_path / "s" / "runs" / "r1"
    folder.mkdir(parents=True)
    (tmp_path / "s" / ".gitignore").write_text("*\n")
    write_run_info(folder, RunInfo(id="r1", name="r1", project="p", created=0.0))
    return folder


def leave_spool(run_dir: Path, *groups, writer: str = WRITER, spool_dir: Path | None = None):
    """Leave a spool as a writer does that was killed with its encoder; return it, still locked."""
    path = (spool_dir or run_dir) / f"{writer}.spool"
    told = "" if spool_dir is None else str(path)
    write_info(
        run_dir, WriterInfo(name=writer, pid=2**22 + 1, host=os.uname().nodename, spool=told)
    )
    spool, ring, seq = Spool.create(path, RING_BYTES), Ring(RING_BYTES), 1
    for drafts in groups:
        put(spool, ring, drafts, seq)
        seq += len(drafts)
    return spool


def outcome(repaired) -> tuple:
    return (repaired.writer, repaired.num_images, repaired.num_values, repaired.num_lost)


def test_what_a_dead_writer_left_is_stored_in_order_and_its_spool_is_gone(run_dir):
    drafts = [draft(1), values(2), draft(3, (300, 200, 3)), draft(4)]
    leave_spool(run_dir, drafts[:1], drafts[1:]).close()
    assert dead_spools(run_dir) == [run_dir / f"{WRITER}.spool"]
    (repaired,) = repair_run(run_dir)
    assert outcome(repaired) == (WRITER, 3, 1, 0)
    assert (repaired.run_id, repaired.is_done, repaired.problem) == ("r1", True, "")
    assert [(one.step, one.seq) for one in records_in(run_dir)] == [(i, i) for i in range(1, 5)]
    stored = [image.array() for image in StoredRun(run_dir).images("x")]
    pictures = [one.image.content.pixels for one in (drafts[0], drafts[2], drafts[3])]
    assert all(map(np.array_equal, stored, pictures))
    assert dead_spools(run_dir) == []
    assert read_writer_info(run_dir, WRITER).state == "killed"
    assert read_run_info(run_dir).state == "failed"
    assert verify_store(filmstrip.open(run_dir.parents[1])).problems == ()


def test_a_writer_that_was_killed_before_it_logged_left_nothing_and_that_is_no_problem(run_dir):
    leave_spool(run_dir).close()
    (repaired,) = repair_run(run_dir)
    assert (outcome(repaired), repaired.problem) == ((WRITER, 0, 0, 0), "")
    assert sorted(path.name for path in run_dir.iterdir()) == [f"{WRITER}.json", "run.json"]


def test_repairing_twice_is_repairing_once(run_dir):
    leave_spool(run_dir, [draft(1)]).close()
    assert len(repair_run(run_dir)) == 1
    assert repair_run(run_dir) == []
    assert steps_in(run_dir) == [1]


@pytest.mark.parametrize("num_stored", range(5))
def test_what_was_stored_before_the_kill_is_not_stored_again(run_dir, num_stored):
    """The encoder was killed between two batches, or in the middle of one entry."""
    groups = [[draft(1), draft(2)], [values(3), draft(4)]]
    leave_spool(run_dir, *groups).close()
    spool_data = (run_dir / f"{WRITER}.spool").read_bytes()
    repair_run(run_dir)
    (shard,) = run_dir.glob("*.tar")
    _cut_behind(shard, num_stored)
    (run_dir / f"{WRITER}.spool").write_bytes(spool_data)
    (repaired,) = repair_run(run_dir)
    assert repaired.num_images + repaired.num_values == 4 - num_stored
    assert steps_in(run_dir) == [1, 2, 3, 4]


def _cut_behind(shard: Path, num_samples: int) -> None:
    from filmstrip.shard.read import StoredSample, scan_shard

    ends = [one.end_offset for one in scan_shard(shard) if isinstance(one, StoredSample)]
    os.truncate(shard, ([0, *ends])[num_samples] + (300 if num_samples < 4 else 0))


def test_a_writer_that_lives_is_left_alone(run_dir):
    spool = leave_spool(run_dir, [draft(1)])
    write_info(run_dir, WriterInfo(name=WRITER, pid=os.getpid(), host=os.uname().nodename))
    assert is_live(run_dir, read_writer_info(run_dir, WRITER))
    assert dead_spools(run_dir) == []
    assert repair_run(run_dir) == []
    assert steps_in(run_dir) == []
    assert spool.path.exists()
    spool.close()
    assert not is_live(run_dir, read_writer_info(run_dir, WRITER))


@pytest.mark.parametrize(
    ("fields", "is_so"),
    [
        ({"pid": os.getpid()}, True),
        ({"pid": 2**22 + 1}, False),
        ({"pid": 2**22 + 1, "host": "another"}, True),
    ],
    ids=["own process", "no process", "another machine's"],
)
def test_whose_spool_is_locked_lives_unless_only_its_encoder_does(run_dir, fields, is_so):
    spool = leave_spool(run_dir)
    info = WriterInfo(**{"name": WRITER, "host": os.uname().nodename} | fields)
    assert is_live(run_dir, info) is is_so
    spool.close()
    assert not is_live(run_dir, info)


def test_a_killed_process_that_nobody_asked_about_yet_does_not_live(run_dir):
    spool = leave_spool(run_dir)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        info = WriterInfo(name=WRITER, pid=process.pid, host=os.uname().nodename)
        assert is_live(run_dir, info)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_live(run_dir, info)
    spool.close()


def test_a_writer_that_has_just_said_who_it_is_counts_as_alive(run_dir):
    info = WriterInfo(name=WRITER, pid=os.getpid(), started=time.time())
    assert is_live(run_dir, info)
    assert not is_live(run_dir, WriterInfo(name=WRITER, started=time.time() - 60))


def test_an_encoder_that_outlived_its_writer_is_waited_for(run_dir):
    spool = leave_spool(run_dir, [draft(1)])
    done = []
    waiting = threading.Thread(target=lambda: done.extend(repair_run(run_dir)))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    spool.close()
    waiting.join(PATIENCE_SECS)
    assert [outcome(one) for one in done] == [(WRITER, 1, 0, 0)]


def test_an_encoder_that_takes_too_long_is_not_waited_for_for_ever(run_dir):
    spool = leave_spool(run_dir, [draft(1)])
    assert repair_run(run_dir, patience_secs=0.01) == []
    spool.close()


def test_who_only_asks_whether_a_spool_is_locked_keeps_no_repair_from_it(run_dir, monkeypatch):
    """A viewer asks again and again, and has a shared lock while it does."""
    leave_spool(run_dir, [draft(1)]).close()
    asking = os.open(run_dir / f"{WRITER}.spool", os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    own_sleep = time.sleep

    def sleep(secs):
        fcntl.flock(asking, fcntl.LOCK_UN)
        own_sleep(secs)

    monkeypatch.setattr(repair, "_wait_for_orphans", lambda *args: None)
    monkeypatch.setattr(repair.time, "sleep", sleep)
    assert [outcome(one) for one in repair_run(run_dir)] == [(WRITER, 1, 0, 0)]
    os.close(asking)


@pytest.mark.parametrize("num", [2, 6])
def test_of_several_repairs_at_once_one_drains_each_spool(run_dir, num):
    for rank in range(3):
        leave_spool(run_dir, [draft(rank)], writer=f"r{rank}-s0-abcdef").close()
    start = threading.Barrier(num)
    done = []

    def work():
        start.wait(PATIENCE_SECS)
        done.extend(repair_run(run_dir))

    threads = [threading.Thread(target=work) for _ in range(num)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECS)
    assert sorted(map(outcome, done)) == [(f"r{rank}-s0-abcdef", 1, 0, 0) for rank in range(3)]
    assert sorted(steps_in(run_dir)) == [0, 1, 2]


def test_a_spool_on_another_disk_is_found_by_what_its_writer_said(run_dir, tmp_path):
    local = tmp_path / "local"
    local.mkdir()
    leave_spool(run_dir, [draft(1)], spool_dir=local).close()
    assert dead_spools(run_dir) == [local / f"{WRITER}.spool"]
    assert spool_path(run_dir, read_writer_info(run_dir, WRITER)) == local / f"{WRITER}.spool"
    assert [outcome(one) for one in repair_run(run_dir)] == [(WRITER, 1, 0, 0)]
    assert steps_in(run_dir) == [1]
    assert list(local.iterdir()) == []


def test_a_spool_on_a_disk_that_is_not_here_is_none(run_dir, tmp_path):
    write_info(run_dir, WriterInfo(name=WRITER, spool=str(tmp_path / "gone" / "w.spool")))
    assert (dead_spools(run_dir), repair_run(run_dir)) == ([], [])


@pytest.mark.parametrize("data", [b"", b"filmspl1", b"\0" * 8192])
def test_a_spool_with_a_damaged_first_page_is_set_aside_and_told_of(run_dir, data):
    leave_spool(run_dir, [draft(1)]).close()
    path = run_dir / f"{WRITER}.spool"
    path.write_bytes(data)
    (repaired,) = repair_run(run_dir)
    assert outcome(repaired) == (WRITER, 0, 0, 0)
    assert repaired.problem == f"its first page is not that of a spool: {path}"
    assert not path.exists()
    assert path.with_suffix(".spool.damaged").read_bytes() == data
    assert repair_run(run_dir) == []


def test_a_damaged_picture_is_counted_and_the_rest_is_stored(run_dir):
    spool = leave_spool(run_dir, [draft(1), draft(2)], [draft(3)])
    place = next(spool.find(1))
    os.pwrite(spool.fd, b"\xff\x00", 4096 + place.size_bytes - 60)
    spool.close()
    (repaired,) = repair_run(run_dir)
    assert outcome(repaired) == (WRITER, 2, 0, 1)
    assert repaired.problem == (
        "PartDamagedError: pixels of 'x' at step 2 differ from those that were logged"
    )
    assert steps_in(run_dir) == [1, 3]
    assert read_writer_info(run_dir, WRITER).num_lost == 1


def test_what_the_disk_does_not_take_stays_for_the_next_repair(run_dir, monkeypatch):
    leave_spool(run_dir, [draft(1)]).close()
    with monkeypatch.context() as patch:
        patch.setenv("FILMSTRIP_MIN_FREE_BYTES", str(2**62))
        patch.setattr("filmstrip.encoder_process._PATIENCE_SECS", dict.fromkeys(range(3), 0.0))
        (repaired,) = repair_run(run_dir)
        assert (repaired.is_done, repaired.num_images) == (False, 0)
        assert repaired.problem.startswith("OSError: [Errno 28] No space left on device")
    assert [outcome(one) for one in repair_run(run_dir)] == [(WRITER, 1, 0, 0)]


def test_a_store_s_runs_are_repaired_each_in_its_turn(run_dir):
    other = run_dir.with_name("r0")
    other.mkdir()
    (run_dir.parent / "a file").write_text("")
    for folder in (run_dir, other):
        leave_spool(folder, [draft(1)]).close()
    assert [one.run_id for one in repair_store(run_dir.parents[1])] == ["r0", "r1"]


def test_a_spool_whose_writer_left_no_word_is_drained_all_the_same(run_dir):
    leave_spool(run_dir, [draft(1)]).close()
    (run_dir / f"{WRITER}.json").unlink()
    assert [outcome(one) for one in repair_run(run_dir)] == [(WRITER, 1, 0, 0)]
    assert steps_in(run_dir) == [1]


KILLED = """
import os, signal
import numpy as np
import filmstrip
run = filmstrip.init(id="r1", dir="s")
for step in range(40):
    run.log({"x": filmstrip.Image(np.full((300, 300, 3), step, np.uint8), normalize=False)})
os.kill(run._writer._encoder._process.pid, signal.SIGSTOP)
for step in range(40, 60):
    run.log({"x": filmstrip.Image(np.full((300, 300, 3), step, np.uint8), normalize=False)})
os.kill(run._writer._encoder._process.pid, signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_process_killed_with_its_encoder_loses_nothing(tmp_path, monkeypatch, is_elsewhere):
    monkeypatch.setenv("FILMSTRIP_ENCODER", "process")
    if is_elsewhere:
        monkeypatch.setenv("FILMSTRIP_SPOOL", str(tmp_path / "local"))
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, timeout=60)
    assert done.returncode == -9
    run_dir = tmp_path / "s" / "runs" / "r1"
    assert len(dead_spools(run_dir)) == 1
    repair_store(tmp_path / "s")
    images = StoredRun(run_dir).images("x")
    assert [(one.step, int(one.array()[0, 0, 0])) for one in images] == [(i, i) for i in range(60)]
    assert dead_spools(run_dir) == []
    assert verify_store(filmstrip.open(tmp_path / "s")).problems == ()

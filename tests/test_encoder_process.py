from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.spooling import (
    PATIENCE_SECS,
    WRITER,
    draft,
    num_open_files,
    put,
    steps_in,
    values,
    wait_for_leaving_writers,
)

from filmstrip import encoder_process
from filmstrip.encoder_process import NOBODY_TELLS, EncoderTask, command, run_task
from filmstrip.folder import read_run_info, read_writer_info, write_run_info, write_writer_info
from filmstrip.record import RunInfo, WriterInfo
from filmstrip.spool.control import Control, Counter, Ending, Phase
from filmstrip.spool.file import Spool
from filmstrip.spool.ring import Ring

RING_BYTES = 2**20


class Producer:
    """A writer's side of a spool, without the writer."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        run_dir.mkdir()
        write_run_info(run_dir, RunInfo(id="r1", name="r1", project="p", created=0.0))
        write_writer_info(run_dir, WriterInfo(name=WRITER))
        self.spool = Spool.create(run_dir / f"{WRITER}.spool", RING_BYTES)
        self.ring = Ring(RING_BYTES)
        self.control, self.theirs = Control.pair()
        self.seq = 1

    def task(self, told_seq: int = 1, **fields) -> EncoderTask:
        return EncoderTask(
            run_dir=str(self.run_dir), writer=WRITER, spool=str(self.spool.path),
            spool_fd=self.spool.fd, page_fd=self.theirs.page_fd,
            entries_fd=self.theirs.entries_fd, changes_fd=self.theirs.changes_fd,
            told_seq=told_seq, sys_path=sys.path, **fields,
        )  # fmt: skip

    def log(self, *drafts, is_told: bool = True) -> None:
        place = put(self.spool, self.ring, drafts, self.seq)
        self.seq += len(drafts)
        self.control[Counter.SEQ] = self.seq
        self.control[Counter.HEAD] = self.ring.head
        if is_told:
            assert self.control.send(place.position)

    def finish(self, ending: Ending = Ending.FINISHED) -> None:
        self.control[Counter.ENDING] = ending
        self.control.end_entries()

    def run(self, **fields) -> bool:
        return run_task(self.task(**fields), self.theirs, self.spool)

    def wait_for(self, counter: Counter, number: int) -> None:
        while self.control[counter] < number:
            self.control.wait(PATIENCE_SECS)

    @contextmanager
    def process(self, **fields):
        """Run the encoder as a process of its own."""
        task = self.task(**fields)
        fds = (task.spool_fd, task.page_fd, task.entries_fd, task.changes_fd)
        with subprocess.Popen(command(task), pass_fds=fds, start_new_session=True) as started:
            self.theirs.close()
            try:
                yield started
            finally:
                started.kill()

    def close(self) -> None:
        self.spool.close()
        self.control.close()
        self.theirs.close()


@pytest.fixture
def producer(tmp_path):
    made = Producer(tmp_path / "r1")
    yield made
    made.close()


def info(producer: Producer) -> WriterInfo:
    return read_writer_info(producer.run_dir, WRITER)


@pytest.mark.parametrize(
    ("ending", "state"), [(Ending.FINISHED, "finished"), (Ending.FAILED, "failed")]
)
def test_all_is_drained_the_writer_described_and_the_spool_gone(producer, ending, state):
    producer.log(draft(1), values(2))
    producer.log(draft(3))
    producer.control[Counter.DROPPED] = 7
    producer.finish(ending)
    assert producer.run()
    assert steps_in(producer.run_dir) == [1, 2, 3]
    told = info(producer)
    assert (told.state, told.num_lost, told.num_dropped) == (state, 0, 7)
    assert told.shards == {p.name: p.stat().st_size for p in producer.run_dir.glob("*.tar")}
    assert told.finished is not None
    assert not producer.spool.path.exists()
    assert producer.control[Counter.PHASE] == Phase.DONE
    assert read_run_info(producer.run_dir).state == "running"  # that is for the run to say


@pytest.mark.parametrize(
    ("fields", "state", "run_state"),
    [
        ({}, "killed", "failed"),
        ({"rank": 1}, "killed", "running"),
        ({"is_child": True}, "finished", "running"),
    ],
)
def test_a_writer_that_never_said_it_was_finished_was_killed(producer, fields, state, run_state):
    """A data loader's worker ends so every time; and one rank is not the run."""
    write_writer_info(producer.run_dir, WriterInfo(name=WRITER, **fields))
    producer.log(draft(1))
    producer.control.close()
    assert producer.run()
    assert steps_in(producer.run_dir) == [1]
    assert info(producer).state == state
    assert read_run_info(producer.run_dir).state == run_state


def test_what_was_written_but_never_told_of_is_drained_too(producer):
    producer.log(draft(1))
    producer.log(draft(2), is_told=False)
    producer.finish(Ending.KILLED)
    assert producer.run()
    assert steps_in(producer.run_dir) == [1, 2]


def test_nobody_to_tell_means_all_is_found(producer):
    for step in (1, 2, 3):
        producer.log(draft(step), is_told=False)
    producer.finish(Ending.KILLED)
    assert producer.run(told_seq=NOBODY_TELLS)
    assert steps_in(producer.run_dir) == [1, 2, 3]


def test_one_in_place_of_another_that_died_goes_on_and_counts_what_that_one_stored(producer):
    producer.log(draft(1), values(2))
    producer.control.end_entries()
    assert producer.run()
    for counter in (Counter.IMAGES, Counter.VALUES, Counter.TAIL, Counter.PHASE):
        producer.control[counter] = 0
    again = Producer.__new__(Producer)
    again.__dict__.update(producer.__dict__)
    again.control, again.theirs = Control.pair()
    again.log(draft(3), is_told=False)
    again.log(draft(4))
    again.finish()
    assert again.run(told_seq=4)
    assert steps_in(producer.run_dir) == [1, 2, 3, 4]
    assert (again.control[Counter.IMAGES], again.control[Counter.VALUES]) == (3, 1)
    assert again.control[Counter.TAIL] == again.ring.head
    again.close()


def test_a_shard_that_cannot_be_mended_is_tried_again_and_then_left(producer, monkeypatch):
    tried = []

    def refuse(run_dir, writer):
        tried.append(producer.control[Counter.PHASE])
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(encoder_process, "mend_shards", refuse)
    monkeypatch.setattr(encoder_process, "_MEND_AGAIN_SECS", 0.001)
    monkeypatch.setitem(encoder_process._PATIENCE_SECS, Ending.FINISHED, 0.01)
    producer.log(draft(1))
    producer.finish()
    assert not producer.run()
    assert tried[-1] == Phase.FAILING
    assert producer.control[Counter.PHASE] == Phase.GAVE_UP
    assert producer.control.text == "OSError: [Errno 5] Input/output error"
    assert producer.spool.path.exists()
    assert info(producer).state == "running"


def test_what_the_disk_refuses_to_the_end_stays_in_the_spool(producer, monkeypatch):
    monkeypatch.setenv("FILMSTRIP_MIN_FREE_BYTES", str(2**62))
    monkeypatch.setitem(encoder_process._PATIENCE_SECS, Ending.FINISHED, 0.0)
    producer.log(draft(1))
    producer.finish()
    assert not producer.run()
    assert producer.control[Counter.PHASE] == Phase.GAVE_UP
    assert producer.spool.path.exists()
    assert info(producer).state == "running"
    monkeypatch.delenv("FILMSTRIP_MIN_FREE_BYTES")
    assert producer.run(told_seq=NOBODY_TELLS)
    assert steps_in(producer.run_dir) == [1]


def test_a_repair_adds_to_what_was_counted_before(producer):
    write_writer_info(producer.run_dir, WriterInfo(name=WRITER, num_dropped=5, num_lost=2))
    producer.finish(Ending.KILLED)
    assert producer.run(told_seq=NOBODY_TELLS)
    assert (info(producer).num_dropped, info(producer).num_lost) == (5, 2)


def test_with_power_safety_the_disk_holds_each_entry_soon_and_no_thread_stays(
    producer, monkeypatch
):
    synced = []
    own = os.fdatasync
    monkeypatch.setattr(
        encoder_process.os, "fdatasync", lambda fd: (synced.append(producer.ring.head), own(fd))
    )
    wait_for_leaving_writers()
    before = threading.active_count()
    thread = threading.Thread(target=lambda: producer.run(is_power_safe=True))
    thread.start()
    producer.log(draft(1))
    producer.wait_for(Counter.DURABLE, producer.ring.head)
    assert synced[-1] == producer.ring.head
    producer.finish()
    thread.join(PATIENCE_SECS)
    assert threading.active_count() == before


def test_a_disk_that_fails_to_sync_is_told_of_and_nothing_called_durable(producer, monkeypatch):
    def refuse(fd):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(encoder_process.os, "fdatasync", refuse)
    thread = threading.Thread(target=lambda: producer.run(is_power_safe=True))
    thread.start()
    producer.log(draft(1))
    producer.wait_for(Counter.FAILURES, 1)
    assert producer.control[Counter.DURABLE] == 0
    producer.finish()
    thread.join(PATIENCE_SECS)
    assert steps_in(producer.run_dir) == [1]


def test_a_task_leaves_no_file_open(producer):
    producer.log(draft(1))
    producer.finish()
    before = num_open_files()
    assert producer.run(is_power_safe=True)
    assert num_open_files() == before


def test_the_command_is_this_python_with_this_path_and_nothing_else_of_the_site(producer):
    first, isolated, no_site, _, code, task = command(producer.task())
    assert (first, isolated, no_site) == (sys.executable, "-I", "-S")
    assert "sys.path[:]=t['sys_path']" in code
    assert '"told_seq":1' in task


def test_the_process_drains_to_the_end_and_exits_with_success(producer):
    with producer.process() as process:
        for step in range(3):
            producer.log(draft(step))
        producer.finish()
        assert process.wait(PATIENCE_SECS) == 0
    assert steps_in(producer.run_dir) == [0, 1, 2]
    assert info(producer).state == "finished"


def test_it_ignores_the_signals_that_end_its_parent_and_ends_when_that_is_gone(producer):
    with producer.process() as process:
        producer.log(draft(0))
        producer.wait_for(Counter.IMAGES, 1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
        producer.log(draft(1))
        producer.wait_for(Counter.IMAGES, 2)
        producer.control.close()
        producer.spool.close()
        assert process.wait(PATIENCE_SECS) == 0
    assert steps_in(producer.run_dir) == [0, 1]
    assert info(producer).state == "killed"
    assert not producer.spool.path.exists()

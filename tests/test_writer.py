from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from tests.spooling import PATIENCE_SECS, WRITER, draft, num_open_files, steps_in, values

from filmstrip import encoder, encoder_process, writer
from filmstrip.errors import FilmstripWarning
from filmstrip.folder import read_writer_info, write_run_info, write_writer_info
from filmstrip.record import RunInfo, WriterInfo
from filmstrip.repair import repair_run
from filmstrip.sample import encode_samples
from filmstrip.shard import append
from filmstrip.spool.control import Counter, Ending
from filmstrip.spool.file import is_locked
from filmstrip.store import StoredRun
from filmstrip.writer import Writer, WriterOptions

LARGE = (200, 100, 3)
"""One such image is 60,000 bytes: two do not fit into a spool of 2**16 bytes."""
SMALL_SPOOL_BYTES = 2**16
FULL = "of images wait to be encoded; log fewer, or raise init(queue_bytes=...)"


class Gate:
    """Stands in for the encoding: holds every batch until it is opened."""

    def __init__(self) -> None:
        self.opened, self.reached = threading.Event(), threading.Event()

    def __call__(self, samples, known):
        self.reached.set()
        assert self.opened.wait(PATIENCE_SECS)
        return encode_samples(samples, known)


@pytest.fixture
def gate(monkeypatch):
    made = Gate()
    monkeypatch.setattr(encoder, "encode_samples", made)
    yield made
    made.opened.set()


@pytest.fixture
def run_dir(tmp_path):
    folder = tmp_path / "r1"
    folder.mkdir()
    write_run_info(folder, RunInfo(id="r1", name="r1", project="p", created=0.0))
    write_writer_info(folder, WriterInfo(name=WRITER))
    return folder


@pytest.fixture
def make(run_dir):
    made = []

    def make(*, has_process: bool = False, **options) -> Writer:
        made.append(Writer(run_dir, WRITER, WriterOptions(has_process=has_process, **options)))
        return made[-1]

    yield make
    for one in made:
        one.close(timeout_secs=PATIENCE_SECS)


@pytest.mark.parametrize("has_process", [True, False])
def test_what_is_submitted_is_stored_in_order_and_the_spool_is_gone(make, run_dir, has_process):
    made = make(has_process=has_process)
    for step in range(0, 30, 3):
        made.submit([draft(step), values(step + 1), draft(step + 2, LARGE)])
    assert made.close()
    assert steps_in(run_dir) == list(range(30))
    report = made.report
    assert (report.num_images, report.num_values, report.num_lost) == (20, 10, 0)
    assert (report.num_spooled, report.num_dropped, report.is_failing, report.cause) == (
        0, 0, False, "",
    )  # fmt: skip
    assert report.pixel_bytes == 10 * (64 + 60_000)
    assert not made.spool_path.exists()
    assert read_writer_info(run_dir, WRITER).state == "finished"


def test_closing_without_anything_leaves_no_shard_and_no_spool(make, run_dir):
    assert make().close()
    assert sorted(path.name for path in run_dir.iterdir()) == [f"{WRITER}.json", "run.json"]


def test_a_failed_run_is_told_so(make, run_dir):
    assert make().close(is_failed=True)
    assert read_writer_info(run_dir, WRITER).state == "failed"


def test_pixels_of_every_size_come_back_through_a_spool_of_any_size(make, run_dir):
    made = make(spool_bytes=40 * 2**20)  # large enough for its own pixel memory
    drafts = [draft(step, shape) for step, shape in enumerate([(1, 1), (8, 8), LARGE, (900, 1000)])]
    made.submit(drafts)
    made.close()
    stored = [image.array() for image in StoredRun(run_dir).images("x")]
    assert all(map(np.array_equal, stored, (one.image.content.pixels for one in drafts)))


def test_flush_waits_until_all_is_in_the_shards(make, run_dir):
    made = make()
    made.submit([draft(step) for step in range(50)])
    assert made.flush() is True
    assert steps_in(run_dir) == list(range(50))


def test_flush_gives_up_after_its_timeout(make, gate):
    made = make()
    made.submit([draft(0)])
    assert made.flush(timeout_secs=0.001) is False
    gate.opened.set()
    assert made.flush(timeout_secs=PATIENCE_SECS) is True


def test_while_one_thread_flushes_another_may_submit_at_once(make, gate, monkeypatch):
    monkeypatch.setattr(writer, "_CHECK_SECS", PATIENCE_SECS)
    made = make()
    made.submit([draft(0)])
    waiting = threading.Thread(target=made.flush)
    waiting.start()
    assert gate.reached.wait(PATIENCE_SECS)
    started = time.monotonic()
    for step in range(1, 20):
        made.submit([draft(step)])
    assert time.monotonic() - started < PATIENCE_SECS / 2
    gate.opened.set()
    waiting.join(PATIENCE_SECS)
    assert not waiting.is_alive()


def test_a_full_spool_makes_the_caller_wait_until_there_is_room(make, gate, run_dir):
    made = make(spool_bytes=SMALL_SPOOL_BYTES)
    made.submit([draft(0, LARGE)])
    assert gate.reached.wait(PATIENCE_SECS)
    goes_on = threading.Event()

    def submit_more():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FilmstripWarning)
            made.submit([draft(1, LARGE)])
        goes_on.set()

    caller = threading.Thread(target=submit_more)
    caller.start()
    assert not goes_on.wait(0.05)
    gate.opened.set()
    caller.join(PATIENCE_SECS)
    assert goes_on.is_set()
    made.close()
    assert steps_in(run_dir) == [0, 1]


@pytest.mark.parametrize("spool_bytes", [1, 1000, SMALL_SPOOL_BYTES])
def test_an_image_over_the_limit_passes_when_nothing_else_waits(make, run_dir, spool_bytes):
    made = make(spool_bytes=spool_bytes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FilmstripWarning)
        made.submit([draft(step, (300, 300, 3)) for step in range(5)])
        made.submit([values(5)])
    made.close()
    assert steps_in(run_dir) == list(range(6))


def test_a_full_spool_is_warned_about_once_and_at_the_caller_s_line(make, gate, monkeypatch):
    seen = []

    def show(message, category, filename, lineno, *rest):
        seen.append((str(message), category, filename))
        gate.opened.set()

    monkeypatch.setattr(warnings, "showwarning", show)
    made = make(spool_bytes=2**20)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for step in range(40):
            made.submit([draft(step, LARGE)])
    assert seen == [(f"log() waits: 1 MiB {FULL}", FilmstripWarning, __file__)]


def test_on_full_drop_counts_what_it_drops_and_says_so_once(make, gate, run_dir):
    made = make(spool_bytes=SMALL_SPOOL_BYTES, on_full="drop")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(4):
            made.submit([draft(step, LARGE)])
    assert [str(one.message) for one in caught] == [f"log() drops images: 0 MiB {FULL}"]
    assert made.report.num_dropped == 3
    gate.opened.set()
    assert made.flush(PATIENCE_SECS)
    made.submit([draft(9, LARGE)])
    made.close()
    assert steps_in(run_dir) == [0, 9]
    report = made.report
    assert (report.num_images, report.num_dropped, report.num_spooled) == (2, 3, 0)
    assert read_writer_info(run_dir, WRITER).num_dropped == 3


def test_a_spool_that_the_disk_takes_nothing_more_into_drops_counts_and_goes_on(
    make, run_dir, monkeypatch
):
    made = make()
    made.submit([draft(0)])
    with monkeypatch.context() as patch:
        patch.setenv("FILMSTRIP_MIN_FREE_BYTES", str(2**62))
        patch.setattr(made, "_spool_end", 0)
        made.submit([draft(1), values(2)])
        report = made.report
        assert (report.num_dropped, report.is_failing) == (2, True)
        assert report.cause.startswith("OSError: [Errno 28] No space left on device: ")
    made.submit([draft(3)])
    made.close()
    assert steps_in(run_dir) == [0, 3]
    assert (made.report.num_dropped, made.report.is_failing, made.report.cause) == (2, False, "")


@pytest.mark.parametrize("num_submitters", [2, 8])
def test_many_threads_may_submit_at_once(make, run_dir, num_submitters):
    made = make()

    def submit(first: int):
        for step in range(first, 200, num_submitters):
            made.submit([draft(step)])

    callers = [threading.Thread(target=submit, args=(i,)) for i in range(num_submitters)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(PATIENCE_SECS)
    made.close()
    found = steps_in(run_dir)
    assert sorted(found) == list(range(200))
    first_caller_s = [step for step in found if step % num_submitters == 0]
    assert first_caller_s == sorted(first_caller_s)


def test_more_entries_may_wait_than_their_pipe_holds(make, gate, run_dir, monkeypatch):
    monkeypatch.setattr("filmstrip.spool.control._PIPE_BYTES", 4096)
    made = make(spool_bytes=4 * 2**20)
    done = threading.Event()

    def submit():
        for step in range(1500):
            made.submit([values(step)])
        done.set()

    caller = threading.Thread(target=submit)
    made.submit([draft(10_000)])
    assert gate.reached.wait(PATIENCE_SECS)
    caller.start()
    assert not done.wait(0.2)
    gate.opened.set()
    caller.join(PATIENCE_SECS)
    made.close()
    assert steps_in(run_dir) == [10_000, *range(1500)]


def kill(made: Writer) -> None:
    process = made._encoder._process
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def test_an_encoder_that_is_killed_is_replaced_and_nothing_is_lost_or_doubled(make, run_dir):
    made = make(has_process=True)
    for step in range(120):
        made.submit([draft(step, LARGE)])
        if step in (0, 40, 80):
            kill(made)
        elif step in (20, 60):
            assert made.flush(PATIENCE_SECS)
    made.close()
    assert steps_in(run_dir) == list(range(120))
    assert (made.report.num_images, made.report.num_lost, made.report.num_spooled) == (120, 0, 0)


@pytest.mark.parametrize("is_killed_after_all", [True, False])
def test_an_encoder_that_is_killed_before_the_end_is_replaced_for_the_end(
    make, run_dir, is_killed_after_all
):
    made = make(has_process=True)
    made.submit([draft(0)])
    if is_killed_after_all:
        assert made.flush(PATIENCE_SECS)
    kill(made)
    assert made.close(timeout_secs=PATIENCE_SECS)
    assert steps_in(run_dir) == [0]
    assert read_writer_info(run_dir, WRITER).state == "finished"
    assert not made.spool_path.exists()


@pytest.mark.parametrize("error", [OSError("no more processes"), ValueError("bad value")])
def test_where_no_process_can_be_had_a_thread_encodes(make, run_dir, monkeypatch, error):
    def refuse(*args, **kwargs):
        raise error

    monkeypatch.setattr(subprocess, "Popen", refuse)
    made = make(has_process=True)
    assert type(made._encoder).__name__ == "_EncoderThread"
    made.submit([draft(0), draft(1)])
    made.close()
    assert steps_in(run_dir) == [0, 1]


def test_a_process_that_dies_at_once_every_time_is_replaced_by_a_thread(make, run_dir, monkeypatch):
    monkeypatch.setattr(writer, "command", lambda task: [sys.executable, "-c", "exit(3)"])
    monkeypatch.setattr(writer, "_CHECK_SECS", 0.01)
    made = make(has_process=True)
    made.submit([draft(0)])
    made.submit([draft(1)])
    assert made.close(timeout_secs=PATIENCE_SECS)
    assert type(made._encoder).__name__ == "_EncoderThread"
    assert steps_in(run_dir) == [0, 1]


def test_encoders_that_all_die_leave_the_rest_to_a_repair_and_closing_ends(
    make, run_dir, monkeypatch
):
    def die(*args):
        raise MemoryError("no room")

    monkeypatch.setattr(writer, "_CHECK_SECS", 0.001)
    with monkeypatch.context() as patch:
        patch.setattr(writer, "run_task", die)
        made = make()
        made.submit([draft(0)])
        assert made.close(timeout_secs=PATIENCE_SECS)
        assert made.report.num_spooled == 1
    assert steps_in(run_dir) == []
    (repaired,) = repair_run(run_dir)
    assert (repaired.num_images, steps_in(run_dir)) == (1, [0])


def test_closing_may_be_given_up_and_the_encoder_goes_on_by_itself(make, run_dir):
    made = make(has_process=True)
    made.submit([draft(step, LARGE) for step in range(30)])
    assert made.close(timeout_secs=0) is False
    assert made._encoder.has_ended(PATIENCE_SECS)
    assert steps_in(run_dir) == list(range(30))
    assert read_writer_info(run_dir, WRITER).state == "finished"
    assert not made.spool_path.exists()


def test_while_closing_it_tells_how_far_it_is(make, gate):
    made = make()
    made.submit([draft(0), values(1)])
    told = []

    def on_wait(report):
        told.append(report.num_spooled)
        gate.opened.set()

    assert made.close(on_wait=on_wait)
    assert told[0] == 2
    assert made.report.num_spooled == 0


@pytest.mark.parametrize("has_process", [True, False])
def test_a_closed_writer_leaves_no_file_and_no_thread(make, has_process):
    gc.collect()
    num_files = num_open_files()
    threads = set(threading.enumerate())
    made = make(has_process=has_process, durability="power")
    made.submit([draft(0)])
    made.close()
    for thread in set(threading.enumerate()) - threads:
        thread.join(PATIENCE_SECS)
        assert not thread.is_alive()
    assert num_open_files() == num_files


@pytest.mark.parametrize("durability", ["process", "power"])
def test_sync_waits_until_the_disk_holds_all(make, run_dir, monkeypatch, durability):
    synced = []

    def watch(own):
        return lambda fd: (synced.append(Path(f"/proc/self/fd/{fd}").readlink()), own(fd))

    monkeypatch.setattr(os, "fsync", watch(os.fsync))
    monkeypatch.setattr(os, "fdatasync", watch(os.fdatasync))
    made = make(durability=durability)
    made.submit([draft(0)])
    assert made.sync(PATIENCE_SECS) is True
    if durability == "process":
        assert synced == [run_dir / f"{WRITER}-00000.tar", run_dir]
    else:
        assert made.spool_path in synced


def test_with_power_safety_sync_need_not_wait_for_the_encoder(make, gate):
    made = make(durability="power")
    made.submit([draft(0)])
    assert made.sync(PATIENCE_SECS) is True
    assert made.flush(0) is False


def test_sync_gives_up_after_its_timeout(make, gate):
    made = make()
    made.submit([draft(0)])
    assert made.sync(timeout_secs=0.001) is False


def test_sync_says_so_when_the_disk_fails(make, monkeypatch):
    def refuse(path):
        raise OSError(5, "Input/output error")

    made = make()
    made.submit([draft(0)])
    with monkeypatch.context() as patch:
        patch.setattr(writer, "sync_path", refuse)
        assert made.sync(PATIENCE_SECS) is False


def test_with_power_safety_shards_are_synced_before_their_entries_may_be_written_over(
    make, run_dir, monkeypatch
):
    tails = []
    own = os.fsync
    made = make(durability="power")
    monkeypatch.setattr(
        append.os, "fsync", lambda fd: (tails.append(made._control[Counter.TAIL]), own(fd))
    )
    made.submit([draft(0)])
    assert made.flush(PATIENCE_SECS)
    assert tails
    assert set(tails) == {0}
    assert made._control[Counter.TAIL] > 0


def test_a_spool_may_be_in_another_folder_which_is_made(make, run_dir, tmp_path):
    made = make(spool_dir=tmp_path / "local" / "disk")
    made.submit([draft(0)])
    assert made.spool_path.parent == tmp_path / "local" / "disk"
    assert is_locked(made.spool_path)
    made.close()
    assert steps_in(run_dir) == [0]
    assert list((tmp_path / "local" / "disk").iterdir()) == []


def test_writes_that_fail_to_the_end_are_reported_and_flush_does_not_wait_for_ever(
    make, run_dir, monkeypatch
):
    monkeypatch.setattr("filmstrip.drain._RETRY_SECS", (0.001, 0.002))
    monkeypatch.setitem(encoder_process._PATIENCE_SECS, Ending.FINISHED, 0.0)
    monkeypatch.setenv("FILMSTRIP_MIN_FREE_BYTES", "0")
    made = make()
    made.submit([draft(0)])
    assert made.flush(PATIENCE_SECS)
    monkeypatch.setattr(append.os, "writev", _refuse_to_write)
    made.submit([draft(1), values(2)])
    assert made.flush() is False
    made.close()
    report = made.report
    assert (report.num_images, report.num_spooled, report.is_failing) == (1, 2, True)
    assert report.cause == "OSError: [Errno 5] Input/output error"


def _refuse_to_write(fd, buffers):
    raise OSError(5, "Input/output error")


def test_a_handler_that_logs_in_the_middle_of_logging_waits_for_its_turn(make, run_dir):
    made = make()
    own, is_first = made._write, [True]

    def write(*args):
        if is_first.pop() if is_first else False:
            made.submit([draft(1)])  # as a signal's handler would
        return own(*args)

    made._write = write
    made.submit([draft(0)])
    made.submit([draft(2)])
    made.close()
    assert steps_in(run_dir) == [0, 1, 2]


def test_an_entry_whose_telling_was_interrupted_is_stored_all_the_same(make, run_dir, monkeypatch):
    made = make()
    made.submit([draft(0)])
    with monkeypatch.context() as patch:
        patch.setattr(made._control, "send", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            made.submit([draft(1)])
    made.close()
    assert steps_in(run_dir) == [0, 1]


def _interrupt(position):
    raise KeyboardInterrupt

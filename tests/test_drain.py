from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from tests.spooling import WRITER, draft, put, records_in, steps_in, values

from filmstrip import drain as drain_module
from filmstrip import encoder
from filmstrip.drain import Drain
from filmstrip.live_prune import LivePruning
from filmstrip.logged import LoggedImage
from filmstrip.sample import encode_samples
from filmstrip.shard import append
from filmstrip.shard.append import ShardAppender
from filmstrip.spool.control import Control, Counter, Phase
from filmstrip.spool.file import Mark, Spool
from filmstrip.spool.ring import Ring
from filmstrip.store import StoredRun

RING_BYTES = 2**21


class Bench:
    """A spool with its producer's side, and a drain beside it."""

    def __init__(self, run_dir, *, next_seq: int = 1) -> None:
        self.run_dir = run_dir
        run_dir.mkdir(exist_ok=True)
        self.spool = Spool.create(run_dir / f"{WRITER}.spool", RING_BYTES)
        self.ring = Ring(RING_BYTES)
        self.ours, self._theirs = Control.pair()
        self.seq = 1
        self.drain = self.new_drain(next_seq)

    def new_drain(self, next_seq: int = 1) -> Drain:
        number = len(list(self.run_dir.glob("*.tar")))
        self.appender = ShardAppender(
            self.run_dir, WRITER, first_shard=number, first_values=next_seq
        )
        pruning = LivePruning("r0-s0-w", self.appender)
        return Drain(
            self.spool,
            self.appender,
            next_seq=next_seq,
            control=self._theirs,
            pruning=pruning,
        )

    def put(self, *drafts, is_logged: bool = True):
        tail = self.ours[Counter.TAIL]
        place = put(self.spool, self.ring, drafts, self.seq, tail, is_logged=is_logged)
        self.seq += len(drafts)
        return place

    def spoil(self, place, at: int, num_bytes: int = 1) -> None:
        """Alter bytes of an entry, counted from its beginning."""
        where = 4096 + self.ring.offset(place.position) + at
        before = os.pread(self.spool.fd, num_bytes, where)
        os.pwrite(self.spool.fd, bytes(byte ^ 0xFF for byte in before), where)

    def counts(self) -> tuple[int, int, int]:
        """Return how many images and values were stored and how many records lost."""
        return tuple(self.ours[c] for c in (Counter.IMAGES, Counter.VALUES, Counter.LOST))

    def close(self) -> None:
        self.spool.close()
        self.ours.close()
        self._theirs.close()


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "r1")
    yield made
    made.close()


def test_entries_become_samples_in_their_order_with_the_pixels_that_were_logged(bench):
    drafts = [draft(1), values(2), draft(3, (300, 400, 3)), draft(4), values(5)]
    for group in (drafts[:2], drafts[2:]):
        bench.drain.take(bench.put(*group).position)
    bench.drain.close(0)
    assert [(one.step, one.seq) for one in records_in(bench.run_dir)] == [
        (1, 1), (2, 2), (3, 3), (4, 4), (5, 5),
    ]  # fmt: skip
    images: list[LoggedImage] = StoredRun(bench.run_dir).images("x")
    pictures = [one.image.content.pixels for one in (drafts[0], drafts[2], drafts[3])]
    assert all(map(np.array_equal, (image.array() for image in images), pictures))
    assert bench.counts() == (3, 2, 0)
    assert bench.ours[Counter.TAIL] == bench.ring.head
    assert bench.ours[Counter.PIXEL_BYTES] == 64 + 300 * 400 * 3 + 64
    (shard,) = bench.run_dir.glob("*.tar")
    assert bench.ours[Counter.SHARD_BYTES] == shard.stat().st_size - 1024


def test_an_entry_is_stored_once_however_often_it_is_told_of(bench):
    place = bench.put(draft(1), draft(2))
    for _ in range(3):
        bench.drain.take(place.position)
    bench.drain.take_found(bench.seq)
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1, 2]


@pytest.mark.parametrize("num_stored", range(4))
def test_of_an_entry_that_was_stored_in_part_the_rest_is(bench, num_stored):
    place = bench.put(draft(1), values(2), draft(3))
    bench.drain = bench.new_drain(1 + num_stored)
    bench.drain.take(place.position)
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1, 2, 3][num_stored:]
    assert bench.counts()[2] == 0


def test_what_nobody_told_of_is_found_before_what_is_told_next(bench):
    """log() was interrupted between writing an entry and telling of it."""
    bench.put(draft(1))
    bench.put(values(2))
    bench.drain.take(bench.put(draft(3)).position)
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1, 2, 3]
    assert bench.counts() == (2, 1, 0)


def test_take_found_leaves_what_will_be_told_of(bench):
    for step in (1, 2, 3):
        bench.put(draft(step))
    bench.drain.take_found(3)
    assert bench.drain.next_seq == 3
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1, 2]


@pytest.mark.parametrize("part", ["header", "items", "pixels"])
def test_the_newest_entry_of_a_dead_writer_may_be_torn_and_is_then_not_lost(bench, part):
    bench.put(draft(1))
    newest = bench.put(draft(2, (100, 100)), is_logged=False)
    first_bad = {"header": 0, "items": 70, "pixels": newest.size_bytes - newest.body_bytes + 4000}
    os.truncate(bench.spool.path, 4096 + newest.position + first_bad[part])
    bench.drain.take_left()
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1]
    assert bench.counts() == (1, 0, 0)


def test_whole_images_of_a_torn_entry_are_kept(bench):
    newest = bench.put(draft(1), draft(2), draft(3), is_logged=False)
    bench.spoil(newest, newest.size_bytes - 1)
    bench.drain.take_left()
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1, 2]
    assert bench.counts() == (2, 0, 0)


def test_a_damaged_picture_is_lost_alone_and_the_reason_is_told(bench):
    place = bench.put(draft(1), draft(2), draft(3))
    bench.spoil(place, place.size_bytes - place.body_bytes + 64)
    bench.drain.take(place.position)
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1, 3]
    assert bench.counts() == (2, 0, 1)
    assert bench.ours.text == (
        "PartDamagedError: pixels of 'x' at step 2 differ from those that were logged"
    )


@pytest.mark.parametrize("at", [0, 20, 70])
def test_every_item_of_a_damaged_entry_is_counted_as_lost(bench, at):
    first, second, third = bench.put(draft(1)), bench.put(draft(2), values(3)), bench.put(draft(4))
    bench.spoil(second, at)
    for place in (first, second, third):
        bench.drain.take(place.position)
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1, 4]
    assert bench.counts() == (2, 0, 2)
    assert bench.ours.text.startswith("SpoolDamagedError: ")
    assert bench.ours[Counter.TAIL] == bench.ring.head


def test_what_is_missing_at_the_end_is_counted_too(bench):
    bench.drain.take(bench.put(draft(1)).position)
    place = bench.put(draft(2), draft(3))
    bench.spoil(place, 0)
    bench.drain.take(place.position)
    bench.drain.end_at(bench.seq)
    bench.drain.close(0)
    assert bench.counts() == (1, 0, 2)


def test_in_a_dead_writer_s_spool_a_gap_is_counted(bench):
    for step in (1, 2, 3):
        place = bench.put(draft(step))
        if step == 2:
            bench.spoil(place, 20)
    bench.drain.take_left()
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1, 3]
    assert bench.counts() == (2, 0, 1)


@pytest.mark.parametrize("part", ["header", "items", "pixels"])
def test_what_log_returned_for_is_lost_when_the_newest_entry_is_damaged(bench, part):
    bench.put(draft(1))
    newest = bench.put(draft(2), draft(3))
    first_bad = {"header": 0, "items": 70, "pixels": newest.size_bytes - newest.body_bytes}
    bench.spoil(newest, first_bad[part], newest.size_bytes - first_bad[part])
    bench.drain.take_left()
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1]
    assert bench.counts() == (1, 0, 2)


@pytest.mark.parametrize("num_bytes", [1, 12])
def test_without_its_mark_a_spool_is_drained_and_what_is_not_known_is_said(bench, num_bytes):
    bench.put(draft(1))
    newest = bench.put(draft(2))
    os.pwrite(bench.spool.fd, b"\xff" * num_bytes, Mark.LOGGED)
    bench.spoil(newest, newest.size_bytes - 1)
    bench.drain.take_left()
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1]
    assert bench.counts() == (1, 0, 0)
    assert bench.ours.text == ("the spool's first page is damaged: what its end held is not known")


def test_what_is_marked_as_drained_is_not_taken_again_though_the_shards_do_not_hold_it(bench):
    """It could not be stored, and was counted then."""
    bench.put(draft(1))
    bench.put(draft(2))
    bench.spool.set_mark(Mark.DRAINED, 2)
    bench.drain = bench.new_drain()
    bench.drain.take_left()
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [2]
    assert bench.counts() == (1, 0, 0)
    assert bench.spool.mark(Mark.DRAINED) == 3


def test_a_record_that_cannot_be_stored_takes_no_other_with_it(bench, monkeypatch):
    own = append.encode_record

    def encode(record):
        if record.step == 2:
            raise TypeError("no JSON")
        return own(record)

    monkeypatch.setattr(append, "encode_record", encode)
    bench.drain.take(bench.put(draft(1), draft(2), draft(3)).position)
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1, 3]
    assert bench.counts() == (2, 0, 1)
    assert bench.ours.text == "TypeError: no JSON"


def test_a_picture_that_cannot_be_encoded_is_counted_and_the_rest_is_stored(bench, monkeypatch):
    def encode(samples, known):
        if any(one.record.step == 2 for one in samples):
            raise ValueError("no picture 2")
        return encode_samples(samples, known)

    monkeypatch.setattr(encoder, "encode_samples", encode)
    bench.drain.take(bench.put(draft(1), draft(2), draft(3)).position)
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [1, 3]
    assert bench.counts() == (2, 0, 1)
    assert bench.ours.text == "ValueError: no picture 2"


def test_the_same_picture_is_encoded_once_and_stored_once(bench, monkeypatch):
    encoded = []
    own = encode_samples

    def encode(samples, known):
        made = own(samples, known)
        encoded.extend(type(image.members[0]).__name__ for image in made)
        return made

    monkeypatch.setattr(encoder, "encode_samples", encode)
    for _ in range(5):
        bench.drain.take(bench.put(draft(7, (600, 600, 3))).position)
        bench.drain._encoder.flush()
    bench.drain.close(0)
    assert encoded == ["EncodedMember"] + ["KnownMember"] * 4
    (shard,) = bench.run_dir.glob("*.tar")
    assert shard.read_bytes().count(b"\x89PNG") == 1
    links = [record.members[0].link for record in records_in(bench.run_dir)]
    assert links == [""] + ["x/7-0.png"] * 4


@pytest.mark.parametrize(("count", "num_members"), [(8, 1), (70, 2)])
def test_pictures_of_one_call_that_are_known_share_a_member(bench, count, num_members):
    drafts = [draft(step, (60, 60, 3)) for step in range(count)]
    for _ in range(3):
        bench.drain.take(bench.put(*drafts).position)
        bench.drain._encoder.flush()
    bench.drain.close(0)
    assert steps_in(bench.run_dir) == [*range(count)] * 3
    (shard,) = bench.run_dir.glob("*.tar")
    assert shard.read_bytes().count(b"__revisits.") == 2 * num_members
    assert bench.counts() == (3 * count, 0, 0)


class FullDisk:
    """Refuses the first so many writes."""

    def __init__(self, num_refused: int) -> None:
        self.num_refused, self.own = num_refused, os.writev

    def __call__(self, fd, buffers):
        self.num_refused -= 1
        if self.num_refused >= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.own(fd, buffers)


def test_a_write_that_fails_is_tried_again_until_it_succeeds(bench, monkeypatch):
    monkeypatch.setattr(drain_module, "_RETRY_SECS", (0.001, 0.002))
    monkeypatch.setattr(append.os, "writev", FullDisk(3))
    for step in (1, 2):
        bench.drain.take(bench.put(draft(step)).position)
    bench.drain.close(30)
    assert steps_in(bench.run_dir) == [1, 2]
    assert bench.counts() == (2, 0, 0)
    assert bench.ours[Counter.FAILURES] == 3
    assert bench.ours[Counter.PHASE] == Phase.WORKING
    assert bench.ours.text == "OSError: [Errno 28] No space left on device"
    assert not bench.drain.has_given_up


def test_what_is_refused_to_the_end_stays_in_the_spool_for_the_next(bench, monkeypatch):
    monkeypatch.setattr(drain_module, "_RETRY_SECS", (0.001, 0.002))
    bench.drain.take(bench.put(draft(1)).position)
    bench.drain._encoder.flush()
    tail = bench.ours[Counter.TAIL]
    with monkeypatch.context() as patch:
        patch.setattr(append.os, "writev", FullDisk(10**9))
        for step in (2, 3):
            bench.drain.take(bench.put(draft(step)).position)
        bench.drain.close(0)
    assert bench.drain.has_given_up
    assert bench.ours[Counter.TAIL] == tail
    assert bench.counts() == (1, 0, 0)
    again = bench.new_drain(next_seq=2)
    again.take_left()
    again.close(0)
    assert steps_in(bench.run_dir) == [1, 2, 3]


def test_a_disk_with_little_space_left_is_as_good_as_full(bench, monkeypatch):
    monkeypatch.setenv("FILMSTRIP_MIN_FREE_BYTES", str(2**62))
    bench.drain.take(bench.put(draft(1)).position)
    bench.drain.close(0)
    assert bench.drain.has_given_up
    assert bench.ours.text == f"OSError: [Errno 28] No space left on device: '{bench.run_dir}'"
    assert steps_in(bench.run_dir) == []


@pytest.mark.parametrize("is_full_at_close", [True, False])
def test_once_nobody_waits_any_longer_one_more_try_decides(bench, monkeypatch, is_full_at_close):
    """Space that came back before the end must not be missed for having failed just before."""
    monkeypatch.setattr(drain_module, "_RETRY_SECS", (60.0, 60.0))
    disk = FullDisk(1)
    monkeypatch.setattr(append.os, "writev", disk)
    bench.drain.take(bench.put(draft(1)).position)
    while not bench.ours[Counter.FAILURES]:
        bench.ours.wait(30)
    disk.num_refused = 10**9 if is_full_at_close else 0
    bench.drain.close(0)
    assert bench.drain.has_given_up is is_full_at_close
    assert steps_in(bench.run_dir) == ([] if is_full_at_close else [1])


def test_a_drain_in_place_of_one_that_died_says_what_is_stored_already(bench):
    places = [bench.put(draft(step)) for step in (1, 2, 3)]
    for place in places[:2]:
        bench.drain.take(place.position)
    bench.drain.close(0)
    bench.ours[Counter.TAIL] = 0
    again = bench.new_drain(next_seq=3)
    again.go_on()
    assert bench.ours[Counter.TAIL] == places[2].position
    again.take_found(bench.seq)
    again.close(0)
    assert steps_in(bench.run_dir) == [1, 2, 3]
    assert bench.ours[Counter.TAIL] == bench.ring.head

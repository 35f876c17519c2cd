from __future__ import annotations

import threading

import numpy as np
import pytest
from tests.spooling import PATIENCE_SECS, image_draft, values

from filmstrip import Image, encoder
from filmstrip.draft import KeepRule
from filmstrip.encoder import Batch, Encoder
from filmstrip.media.frame import DIGEST_SEED
from filmstrip.recent import Recent
from filmstrip.record import ValuesRecord
from filmstrip.sample import Sample, encode_samples, sample_from_item
from filmstrip.shard.append import EncodedImage
from filmstrip.spool.items import decode_items, encode_items, part_slices

SMALL, LARGE = (8, 8), (600, 600, 3)


def sample(step: int, shape: tuple[int, ...] = SMALL) -> Sample:
    image = Image(np.full(shape, step % 256, np.uint8), normalize=False)
    made = encode_items([image_draft(image, step)], 1)
    body = np.frombuffer(b"".join(memoryview(b).cast("B") for b in made.buffers), np.uint8)
    items = decode_items(made.meta)
    (slices,) = part_slices(items, 0)
    return sample_from_item(items[0], [body[one] for one in slices], DIGEST_SEED)


class Stored:
    """What an encoder handed on."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def __call__(self, batch: Batch) -> None:
        self.batches.append(batch)

    @property
    def steps(self) -> list[int]:
        items = [item for batch in self.batches for item in batch.encoded]
        return [(i.record if isinstance(i, EncodedImage) else i).step for i in items]


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
def stored():
    return Stored()


@pytest.fixture
def make(stored):
    made = []

    def make(**options) -> Encoder:
        made.append(Encoder(stored, Recent(100), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def names() -> list[str]:
    return sorted(t.name for t in threading.enumerate() if "filmstrip-encoder-" in t.name)


@pytest.mark.parametrize("num_threads", [1, 2, 8])
def test_batches_are_handed_on_in_the_order_they_came(make, stored, num_threads):
    made = make(num_threads=num_threads)
    shapes = [LARGE, SMALL, (300, 300), SMALL]
    for step in range(60):
        made.submit(Batch([sample(step, shapes[step % 4]) if step % 5 else values(step)], 0))
    made.flush()
    assert stored.steps == list(range(60))


def test_one_that_is_encoded_first_waits_for_those_before_it(make, stored, monkeypatch):
    first_may_end, second_is_encoded = threading.Event(), threading.Event()

    def encode(samples, known):
        if samples[0].record.step == 0:
            assert first_may_end.wait(PATIENCE_SECS)
            return encode_samples(samples, known)
        second_is_encoded.set()
        return encode_samples(samples, known)

    monkeypatch.setattr(encoder, "encode_samples", encode)
    made = make(num_threads=2)
    made.submit(Batch([sample(0, LARGE)], 0))
    made.submit(Batch([sample(1, LARGE)], 0))
    assert second_is_encoded.wait(PATIENCE_SECS)
    assert stored.steps == []
    first_may_end.set()
    made.flush()
    assert stored.steps == [0, 1]


def test_samples_values_and_rules_keep_their_places_in_a_batch(make, stored):
    rule = KeepRule("val/*", "last:20")
    made = make()
    made.submit(Batch([values(0), sample(1), rule, sample(2), values(3)], 512))
    made.flush()
    (batch,) = stored.batches
    assert [type(one) for one in batch.encoded] == [
        ValuesRecord, EncodedImage, KeepRule, EncodedImage, ValuesRecord,
    ]  # fmt: skip
    assert batch.end_position == 512


def test_an_empty_batch_passes_in_its_turn(make, stored):
    made = make()
    made.submit(Batch([sample(0)], 0))
    made.submit(Batch([], 512))
    made.flush()
    assert [batch.end_position for batch in stored.batches] == [0, 512]


def submit_until_it_waits(made: Encoder, batches) -> tuple[list[int], threading.Thread]:
    """Submit on another thread; return the list that it counts in, and the thread."""
    submitted: list[int] = []

    def submit() -> None:
        for number, batch in enumerate(batches):
            made.submit(batch)
            submitted.append(number)

    thread = threading.Thread(target=submit)
    thread.start()
    return submitted, thread


def test_whoever_submits_waits_while_many_batches_wait(make, gate, stored):
    made = make(num_threads=1)
    submitted, thread = submit_until_it_waits(
        made, [Batch([sample(step)], 0) for step in range(20)]
    )
    assert gate.reached.wait(PATIENCE_SECS)
    thread.join(0.05)
    assert thread.is_alive()
    assert len(submitted) == 4
    gate.opened.set()
    thread.join(PATIENCE_SECS)
    made.flush()
    assert stored.steps == list(range(20))


def test_whoever_submits_waits_while_many_bytes_wait(make, gate, stored, monkeypatch):
    one = sample(0, LARGE)
    monkeypatch.setattr(encoder, "_WAITING_BYTES", 2 * one.size_bytes)
    made = make(num_threads=8)
    submitted, thread = submit_until_it_waits(made, [Batch([one], 0) for _ in range(6)])
    assert gate.reached.wait(PATIENCE_SECS)
    thread.join(0.05)
    assert len(submitted) == 2
    gate.opened.set()
    thread.join(PATIENCE_SECS)
    made.flush()
    assert len(stored.batches) == 6


def test_a_batch_over_the_limit_passes_when_nothing_else_waits(make, stored, monkeypatch):
    monkeypatch.setattr(encoder, "_WAITING_BYTES", 1)
    made = make()
    for step in range(4):
        made.submit(Batch([sample(step, LARGE)], 0))
    made.flush()
    assert stored.steps == list(range(4))


@pytest.mark.parametrize("error", [ValueError("no picture"), MemoryError()])
def test_a_picture_that_cannot_be_encoded_is_lost_alone(make, stored, monkeypatch, error):
    def encode(samples, known):
        if any(one.record.step in (1, 3) for one in samples):
            raise error
        return encode_samples(samples, known)

    monkeypatch.setattr(encoder, "encode_samples", encode)
    made = make()
    made.submit(Batch([values(9), *(sample(step) for step in range(5))], 0))
    made.submit(Batch([sample(7)], 0))
    made.flush()
    assert stored.steps == [9, 0, 2, 4, 7]
    assert [batch.failures for batch in stored.batches] == [[error, error], []]


def test_small_images_are_left_to_one_thread(make, gate):
    made = make(num_threads=4)
    for step in range(8):
        made.submit(Batch([sample(step)] * 3, 0))
    assert names() == ["filmstrip-encoder-0"]


def test_large_images_get_as_many_threads_as_there_is_work_for(make, gate):
    made = make(num_threads=3)
    counts = []
    for step in range(5):
        made.submit(Batch([sample(step, LARGE)], 0))
        counts.append(len(names()))
    assert counts == [1, 2, 3, 3, 3]


def test_threads_end_when_it_is_closed(make):
    before = threading.active_count()
    made = make(num_threads=4)
    for step in range(8):
        made.submit(Batch([sample(step, LARGE)], 0))
    made.close()
    assert threading.active_count() == before


def test_where_no_thread_can_be_started_the_caller_does_the_work(make, stored, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    made = make()
    for step, shape in enumerate([SMALL, LARGE, LARGE]):
        made.submit(Batch([sample(step, shape)], 0))
        assert stored.steps == list(range(step + 1))


def test_what_is_known_reaches_the_encoding(stored, monkeypatch):
    seen = []
    monkeypatch.setattr(encoder, "encode_samples", lambda samples, known: seen.append(known) or [])
    known: Recent = Recent(1)
    made = Encoder(stored, known)
    made.submit(Batch([], 0))
    made.close()
    assert seen == [known]

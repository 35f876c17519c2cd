from __future__ import annotations

import errno
import threading
import warnings

import numpy as np
import pytest

from filmstrip import Image, writer
from filmstrip.draft import image_record
from filmstrip.errors import FilmstripWarning
from filmstrip.record import ValuesRecord
from filmstrip.sample import ImageDraft, encode_draft
from filmstrip.shard.append import ShardAppender
from filmstrip.shard.read import StoredSample, scan_shard
from filmstrip.writer import Writer

SMALL, LARGE = (8, 8), (600, 600, 3)
PATIENCE_SECS = 30
"""How long a test waits for what must come, before it fails."""


def draft(step: int, shape: tuple[int, ...] = SMALL) -> ImageDraft:
    image = Image(np.full(shape, step % 256, np.uint8))
    record = image_record(image, run_id="r", key="x", step=step, index=0, time=0.0, session=0)
    return ImageDraft(record, image)


def values(step: int) -> ValuesRecord:
    return ValuesRecord(run_id="r", step=step, time=0.0, values={"loss": 0.5})


class Gate:
    """Stands in for the encoder: holds every image until it is opened."""

    def __init__(self) -> None:
        self.opened, self.reached = threading.Event(), threading.Event()

    def __call__(self, one, *file):
        self.reached.set()
        assert self.opened.wait(PATIENCE_SECS)
        return encode_draft(one)


@pytest.fixture
def gate(monkeypatch):
    made = Gate()
    monkeypatch.setattr(writer, "encode_draft", made)
    yield made
    made.opened.set()


@pytest.fixture
def make(tmp_path):
    made = []

    def make(**options) -> Writer:
        made.append(Writer(ShardAppender(tmp_path, "w"), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def steps_in(folder) -> list[int]:
    shards = sorted(folder.glob("*.tar"))
    found = [sample for shard in shards for sample in scan_shard(shard)]
    return [sample.record.step for sample in found if isinstance(sample, StoredSample)]


@pytest.mark.parametrize("num_threads", [1, 2, 8])
def test_samples_are_stored_in_the_order_they_came(make, tmp_path, num_threads):
    made = make(num_threads=num_threads)
    shapes = [LARGE, SMALL, (300, 300), SMALL]
    for step in range(60):
        made.submit([draft(step, shapes[step % 4]) if step % 5 else values(step)])
    made.close()
    assert steps_in(tmp_path) == list(range(60))


def test_an_image_that_is_encoded_first_waits_for_those_before_it(make, tmp_path, monkeypatch):
    first_may_end, second_is_encoded = threading.Event(), threading.Event()

    def encode(one, *file):
        if one.record.step == 0:
            assert first_may_end.wait(PATIENCE_SECS)
        else:
            second_is_encoded.set()
        return encode_draft(one)

    monkeypatch.setattr(writer, "encode_draft", encode)
    made = make(num_threads=2)
    made.submit([draft(0, LARGE)])
    made.submit([draft(1, LARGE)])
    assert second_is_encoded.wait(PATIENCE_SECS)
    assert not made.flush(timeout_secs=0)
    assert steps_in(tmp_path) == []
    first_may_end.set()
    made.close()
    assert steps_in(tmp_path) == [0, 1]


def test_flush_waits_until_all_is_in_the_shard(make, tmp_path):
    made = make()
    made.submit([draft(step) for step in range(50)])
    assert made.flush() is True
    assert steps_in(tmp_path) == list(range(50))


def test_flush_gives_up_after_its_timeout(make, gate, tmp_path):
    made = make()
    made.submit([draft(0)])
    assert made.flush(timeout_secs=0.001) is False
    gate.opened.set()
    assert made.flush(timeout_secs=PATIENCE_SECS) is True


def test_closing_without_anything_leaves_no_file(make, tmp_path):
    make().close()
    assert list(tmp_path.iterdir()) == []


def test_one_image_over_the_limit_passes_when_nothing_else_waits(make, tmp_path):
    made = make(queue_bytes=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FilmstripWarning)
        made.submit([draft(step, LARGE) for step in range(5)])
    made.close()
    assert steps_in(tmp_path) == list(range(5))


def test_a_full_queue_makes_the_caller_wait_until_there_is_room(make, gate, tmp_path):
    made = make(queue_bytes=1_500_000, num_threads=1)
    made.submit([draft(0, LARGE)])  # 1,080,000 bytes
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
    assert steps_in(tmp_path) == [0, 1]


def test_a_full_queue_is_warned_about_once_and_at_the_caller_s_line(make, gate, monkeypatch):
    seen = []

    def show(message, category, filename, lineno, *rest):
        seen.append((str(message), category, filename))
        gate.opened.set()

    monkeypatch.setattr(warnings, "showwarning", show)
    made = make(queue_bytes=1, num_threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for step in range(20):
            made.submit([draft(step, LARGE)])
    (message, category, filename) = seen[0]
    assert message == (
        "log() waits: 1 MiB of images are queued, as many as queue_bytes allows; "
        "log fewer, or raise init(queue_bytes=...)"
    )
    assert (len(seen), category, filename) == (1, FilmstripWarning, __file__)


def test_values_count_in_the_queue_too(make, gate):
    made = make(queue_bytes=20_000)
    made.submit([values(0)] * 10)
    with pytest.raises(FilmstripWarning, match=r"^log\(\) waits"):
        made.submit([values(0)] * 10)


def test_what_cannot_be_encoded_is_counted_and_the_rest_is_stored(make, tmp_path, monkeypatch):
    def encode(one, *file):
        if one.record.step in (1, 3):
            raise ValueError(f"no picture {one.record.step}")
        return encode_draft(one)

    monkeypatch.setattr(writer, "encode_draft", encode)
    made = make()
    made.submit([draft(step) for step in range(5)])
    made.close()
    assert steps_in(tmp_path) == [0, 2, 4]
    assert made.failure.num_lost == 2
    assert str(made.failure.cause) == "no picture 1"


def test_a_record_that_cannot_be_stored_takes_no_other_with_it(make, tmp_path):
    made = make()
    broken = ValuesRecord(run_id="r", step=1, time=0.0, values={"x": object()})
    made.submit([draft(0), broken, draft(2)])
    made.close()
    assert steps_in(tmp_path) == [0, 2]
    assert made.failure.num_lost == 1
    assert isinstance(made.failure.cause, TypeError)


class FailingAppender(ShardAppender):
    """Fails as a full disk does, from the second call to the one before last."""

    def append(self, batch):
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls in (2, 3):
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(batch)


def test_what_cannot_be_written_is_counted_and_what_came_before_and_after_is_stored(tmp_path):
    made = Writer(FailingAppender(tmp_path, "w"), num_threads=1)
    for step in range(5):
        made.submit([draft(2 * step), draft(2 * step + 1)])
        made.flush()
    assert made.failure.num_lost == 4
    made.close()
    assert steps_in(tmp_path) == [0, 1, 6, 7, 8, 9]


def test_a_shard_that_cannot_be_sealed_is_a_failure_that_lost_nothing(tmp_path, monkeypatch):
    made = Writer(ShardAppender(tmp_path, "w"))
    made.submit([draft(0)])
    made.flush()

    def refuse(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ShardAppender, "close", refuse)
    made.close()
    assert made.failure.num_lost == 0
    assert steps_in(tmp_path) == [0]


def test_there_is_no_failure_while_all_goes_well(make):
    made = make()
    made.submit([draft(0)])
    made.close()
    assert made.failure is None


def test_where_no_thread_can_be_started_the_caller_s_does_the_work(make, tmp_path, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    made = make()
    made.submit([draft(0), draft(1, LARGE), draft(2, LARGE)])
    assert steps_in(tmp_path) == [0, 1, 2]


def test_threads_end_when_the_writer_is_closed(make):
    before = threading.active_count()
    made = make(num_threads=4)
    for step in range(8):
        made.submit([draft(step, LARGE)])
    made.close()
    assert threading.active_count() == before


def test_small_images_are_left_to_one_thread(make, gate):
    made = make(num_threads=4)
    for step in range(8):
        made.submit([draft(step)])
    assert [t.name for t in threading.enumerate() if "filmstrip" in t.name] == [
        "filmstrip-encoder-0"
    ]


@pytest.fixture
def forever(monkeypatch):
    """Small images are put off for as long as they can be."""
    monkeypatch.setattr(writer, "_QUIET_SECS", 1e6)
    monkeypatch.setattr(writer, "_LINGER_SECS", 1e6)


def test_small_images_wait_while_the_caller_is_busy(make, gate, forever):
    make().submit([draft(0)])
    assert not gate.reached.wait(0.05)
    gate.opened.set()


def test_a_large_image_does_not_wait_nor_do_small_ones_before_it(make, gate, forever):
    made = make()
    made.submit([draft(0)])
    made.submit([draft(1, LARGE)])
    made.submit([draft(2)])
    assert gate.reached.wait(PATIENCE_SECS)


def test_small_images_are_encoded_once_the_caller_is_quiet(make, gate, forever, monkeypatch):
    monkeypatch.setattr(writer, "_QUIET_SECS", 0.01)
    make().submit([draft(0)])
    assert gate.reached.wait(PATIENCE_SECS)


def test_small_images_are_encoded_in_the_end_of_a_caller_that_is_never_quiet(
    make, gate, forever, monkeypatch
):
    monkeypatch.setattr(writer, "_LINGER_SECS", 0.01)
    make().submit([draft(0)])
    assert gate.reached.wait(PATIENCE_SECS)


def test_nobody_waits_for_images_that_are_put_off(make, forever, tmp_path):
    made = make(queue_bytes=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FilmstripWarning)
        for step in range(5):
            made.submit([draft(step)])
    assert made.flush(timeout_secs=PATIENCE_SECS)
    assert steps_in(tmp_path) == list(range(5))


@pytest.mark.parametrize("num_submitters", [2, 8])
def test_many_threads_may_submit_at_once(make, tmp_path, num_submitters):
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
    found = steps_in(tmp_path)
    assert sorted(found) == list(range(200))
    first_caller_s = [step for step in found if step % num_submitters == 0]
    assert first_caller_s == sorted(first_caller_s)

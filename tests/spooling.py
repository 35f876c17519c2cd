"""What the tests of the spool and of those that drain it share: drafts, and what became of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from filmstrip import Image
from filmstrip.draft import Draft, ImageDraft, image_record
from filmstrip.record import Record, ValuesRecord
from filmstrip.shard.read import StoredSample, scan_shard
from filmstrip.spool.file import EntryPlace, Mark, Spool, entry_bytes, entry_place
from filmstrip.spool.items import encode_items
from filmstrip.spool.ring import Ring

WRITER = "r0-s0-abcdef"

PATIENCE_SECS = 30
"""How long a test waits for what must come, before it fails."""


def draft(step: int, shape: tuple[int, ...] = (8, 8), **image: object) -> ImageDraft:
    """Return an image that is like no other step's."""
    pixels = np.random.default_rng(step).integers(0, 256, shape, np.uint8)
    return image_draft(Image(pixels, **image), step)


def image_draft(image: Image, step: int = 0) -> ImageDraft:
    record = image_record(image, run_id="r1", key="x", step=step, index=0, time=7.5, session=0)
    return ImageDraft(record, image)


def values(step: int) -> ValuesRecord:
    return ValuesRecord(run_id="r1", step=step, time=7.5, values={"loss": 0.5})


def put(
    spool: Spool,
    ring: Ring,
    drafts: Sequence[Draft],
    seq: int,
    tail: int = 0,
    *,
    is_logged: bool = True,
) -> EntryPlace:
    """Write drafts into a spool as a writer does, and return where they stand.

    `is_logged` is False for a writer that is killed before it has said that it did.
    """
    items = encode_items(drafts, seq)
    position = ring.place(entry_bytes(items), tail)
    assert position is not None
    place = entry_place(position, seq, len(drafts), items)
    spool.write(place, items)
    if is_logged:
        spool.set_mark(Mark.LOGGED, place.end_seq)
    return place


def records_in(run_dir: Path) -> list[Record]:
    """Return what the shards hold, in the order in which it stands there."""
    shards = sorted(run_dir.glob("*.tar"))
    found = [sample for shard in shards for sample in scan_shard(shard)]
    return [sample.record for sample in found if isinstance(sample, StoredSample)]


def steps_in(run_dir: Path) -> list[int]:
    return [record.step for record in records_in(run_dir)]


def wait_for_leaving_writers() -> None:
    """Wait until no closed writer of this process has anything left; it takes some 20 ms."""
    for thread in threading.enumerate():
        if thread.name == "filmstrip-leave":
            thread.join()


def num_open_files() -> int:
    """Return how many files this process has open, once closed writers have let go of theirs."""
    wait_for_leaving_writers()
    return len(list(Path("/proc/self/fd").iterdir()))

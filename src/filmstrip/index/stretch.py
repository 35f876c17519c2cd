"""A stretch of a shard as the tables take it: columns and facts, made without a database.

A process of its own can make them while another stores those before; `msgspec` carries them over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from filmstrip.index.cells import digest_head, image_number, int64, stored_text
from filmstrip.index.facts import Facts
from filmstrip.record import ImageRecord, Member, ValuesRecord
from filmstrip.shard.read import Location, StoredSample, scan_shard
from filmstrip.shard.revisits import line_end

__all__ = [
    "FirstSeen",
    "ImageColumns",
    "LinkedFile",
    "NumberFacts",
    "StoredFile",
    "StoredValues",
    "Stretch",
    "TextFacts",
    "read_stretches",
    "unique_numbers",
]

FIRST_SAMPLES, MAX_SAMPLES = 2000, 8000
"""Samples of a shard's first stretch; each is twice as long as the one before, up to the second
number. A stretch is stored in one transaction: long ones cost less, but who reads waits longer."""


class _Part(msgspec.Struct, frozen=True, array_like=True):
    """Base of what is carried over: immutable, small."""


class FirstSeen(_Part, frozen=True):
    """A key, and which of its images comes first."""

    key: str
    session: int
    offset: int


class ImageColumns(_Part, frozen=True):
    """Images, a list each column, in the order they stand."""

    nums: list[int] = []
    """No two are the same."""
    key_at: list[int] = []
    """Places in `Stretch.keys`."""
    steps: list[int] = []
    sessions: list[int] = []
    ranks: list[int] = []
    indexes: list[int] = []
    times: list[float] = []
    offsets: list[int] = []
    sizes: list[int] = []
    flags: list[int] = []
    words: list[str | None] = []


class StoredFile(_Part, frozen=True):
    """A file with bytes of its own."""

    head: int
    offset: int
    size_bytes: int
    format: str
    digest: bytes


class LinkedFile(_Part, frozen=True):
    """A file whose bytes stand with another sample."""

    head: int
    link: str
    link_shard: str
    format: str
    digest: bytes


class TextFacts(_Part, frozen=True):
    """Which images have which texts in a field."""

    kind: str
    name: str
    nums_by_text: dict[str, list[int]]


class NumberFacts(_Part, frozen=True):
    """Numbers of images in a field: value, number of the image, place of its key."""

    kind: str
    name: str
    rows: list[tuple[float, int, int]]


class StoredValues(_Part, frozen=True):
    """A record of values, and where it stands."""

    offset: int
    size_bytes: int
    record: ValuesRecord


class Stretch(_Part, frozen=True):
    """Whole samples that follow each other in a shard."""

    end: int
    """Where the next sample begins."""
    is_last: bool
    tail_offset: int | None
    """Where the last sample's record ends; None when there is no sample."""
    keys: list[FirstSeen] = []
    images: ImageColumns = ImageColumns()
    files: list[StoredFile] = []
    links: list[LinkedFile] = []
    marks: list[TextFacts] = []
    labels: list[TextFacts] = []
    measures: list[NumberFacts] = []
    values: list[StoredValues] = []


def read_stretches(shard: Path, start: int) -> Iterator[Stretch]:
    """Yield what follows a place in a shard; the last stretch may be empty.

    A shard that is gone, or cannot be read further, ends there.
    """
    samples: list[StoredSample] = []
    end, length = start, min(FIRST_SAMPLES, MAX_SAMPLES)
    try:
        for found in scan_shard(shard, start=start):
            if isinstance(found, StoredSample):
                samples.append(found)
                end = found.end_offset
                if len(samples) >= length:
                    yield _stretch(samples, end, is_last=False)
                    samples, length = [], min(2 * length, MAX_SAMPLES)
    except OSError:
        pass
    yield _stretch(samples, end, is_last=True)


def unique_numbers(wanted: Iterable[int], taken: set[int]) -> list[int]:
    """Return the numbers, those that are taken counted up to the next free one; take them.

    Examples
    --------
    >>> unique_numbers([5, 5, 6, 9], {9})
    [5, 6, 7, 10]
    """
    numbers = []
    for number in wanted:
        free = number
        while free in taken:
            free += 1
        taken.add(free)
        numbers.append(free)
    return numbers


def _stretch(samples: list[StoredSample], end: int, *, is_last: bool) -> Stretch:
    if not samples:
        return Stretch(end, is_last, None)
    records, places, values = [], [], []
    for sample in samples:
        record = sample.record
        if isinstance(record, ImageRecord):
            records.append(record)
            places.append(sample)
        else:
            values.append(StoredValues(sample.line.offset, sample.line.size_bytes, record))
    last = samples[-1].line
    tail_offset = line_end(last.offset, last.size_bytes)
    if not records:
        return Stretch(end, is_last, tail_offset, values=values)
    keys, key_at = _keys(records, places)
    nums = unique_numbers(map(image_number, records), set())
    facts = Facts()
    told = [
        facts.add(record, num, at) for record, num, at in zip(records, nums, key_at, strict=True)
    ]
    files, links = _files(records, places)
    return Stretch(
        end,
        is_last,
        tail_offset,
        keys,
        ImageColumns(
            nums=nums,
            key_at=key_at,
            steps=_held([record.step for record in records]),
            sessions=_held([record.session for record in records]),
            ranks=_held([record.rank for record in records]),
            indexes=_held([record.index for record in records]),
            times=[record.time for record in records],
            offsets=[sample.line.offset for sample in places],
            sizes=[sample.line.size_bytes for sample in places],
            flags=[flags for flags, _ in told],
            words=[words for _, words in told],
        ),
        files,
        links,
        [TextFacts(*field, nums_by_text) for field, nums_by_text in facts.marks.items()],
        [TextFacts(*field, nums_by_text) for field, nums_by_text in facts.labels.items()],
        [NumberFacts(*field, rows) for field, rows in facts.measures.items()],
        values,
    )


def _held(values: list[int]) -> list[int]:
    """Return the integers as a database holds them."""
    if max(values) < 2**63 and min(values) >= -(2**63):
        return values
    return [int64(value) for value in values]


def _keys(
    records: list[ImageRecord], places: list[StoredSample]
) -> tuple[list[FirstSeen], list[int]]:
    """Return the keys of images with where each was first logged, and the place of each image's."""
    firsts: dict[str, tuple[int, int]] = {}
    place_of: dict[str, int] = {}
    key_at = []
    for record, sample in zip(records, places, strict=True):
        key, seen = record.key, (record.session, sample.line.offset)
        if seen < firsts.setdefault(key, seen):
            firsts[key] = seen
        key_at.append(place_of.setdefault(key, len(place_of)))
    return [FirstSeen(key, int64(at[0]), at[1]) for key, at in firsts.items()], key_at


def _files(
    records: list[ImageRecord], places: list[StoredSample]
) -> tuple[list[StoredFile], list[LinkedFile]]:
    """Return the files that stand here, and each of those that stand elsewhere once."""
    files: list[StoredFile] = []
    links: dict[str, LinkedFile] = {}
    for record, sample in zip(records, places, strict=True):
        locations = sample.locations
        for member in record.members:
            location = locations.get(member.name)
            if location is not None:
                files.append(_stored_file(member, location, _format(record, member)))
            elif member.sha256 not in links:
                links[member.sha256] = _linked_file(member, _format(record, member))
    return files, list(links.values())


def _format(record: ImageRecord, member: Member) -> str:
    is_mask = record.masks and any(layer.member == member.name for layer in record.masks)
    return "png" if is_mask else stored_text(record.format)


def _stored_file(member: Member, location: Location, file_type: str) -> StoredFile:
    digest = bytes.fromhex(member.sha256)
    return StoredFile(digest_head(digest), location.offset, location.size_bytes, file_type, digest)


def _linked_file(member: Member, file_type: str) -> LinkedFile:
    digest = bytes.fromhex(member.sha256)
    return LinkedFile(digest_head(digest), member.link, member.link_shard, file_type, digest)

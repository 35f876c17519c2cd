"""Reading shards: every whole sample, and a word about everything that is not whole.

A sample counts when its record is whole and each member it names stands before it. Reading goes on
behind a damaged block at the next header that is whole.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import msgspec

from filmstrip.errors import DamagedError
from filmstrip.record import ImageRecord, Member, Record, RecordDamagedError, decode_record
from filmstrip.shard.names import RECORD_MEMBER, sample_path
from filmstrip.shard.revisits import header_offset, is_revisits, revisit_offset, unpack_revisits
from filmstrip.shard.tar import BLOCK_SIZE, END_OF_ARCHIVE, TarHeader, parse_header

__all__ = [
    "Damage",
    "DamageKind",
    "Location",
    "ShardEnd",
    "StoredSample",
    "read_member",
    "scan_shard",
]

_TORN = "the file ends inside a sample"

_WINDOW_BYTES = 2**15
"""How much is read at once."""

_RESYNC_BYTES = 2**20
"""How much is searched at once for the next header behind a damaged block."""


class DamageKind(Enum):
    """What is wrong with a place in a shard."""

    TORN = "cut off"
    """The file ends inside a sample: the writer was killed, or the file was cut."""
    HEADER = "damaged header"
    RECORD = "damaged record"
    MEMBER = "damaged member"
    MISSING = "missing member"


class Location(msgspec.Struct, frozen=True):
    """Where bytes are stored."""

    shard: Path
    offset: int
    size_bytes: int


_NO_FILES: Mapping[str, Location] = {}


@dataclass(frozen=True, slots=True)
class Damage:
    """A place in a shard that does not hold what was written there."""

    shard: Path
    offset: int
    """Byte offset in the shard."""
    kind: DamageKind
    sample: str
    """Path of the sample in the shard, or of the last one before the damage."""
    detail: str
    locations: Mapping[str, Location] = field(default_factory=dict)
    """Members of the sample that stand before the damage: hard links elsewhere may name them."""


class StoredSample(msgspec.Struct, frozen=True):
    """A whole sample: its record, and where each member stands that has bytes of its own."""

    path: str
    record: Record
    offset: int
    end_offset: int
    """Where the next sample begins; a later scan can start there."""
    locations: Mapping[str, Location]
    line: Location
    """Where `read_line` finds the record."""
    size_bytes: int
    """What it takes in the shard: of a member with several records, its share."""
    line_bytes: int
    """What of that its record takes."""
    is_revisit: bool = False
    """Whether its record stands among others, since all its files are stored with earlier ones."""


@dataclass(frozen=True, slots=True)
class ShardEnd:
    """The two zero blocks that a sealed shard ends with."""

    offset: int


@dataclass(slots=True)
class _Scan:
    """The state of one pass over a shard."""

    shard: Path
    file: io.FileIO
    size_bytes: int
    offset: int
    start: int
    """Samples that begin before it are passed over."""
    sample: str = ""
    sample_offset: int = 0
    parts: dict[str, TarHeader] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)
    window: bytes = b""
    """What was read last: headers and records stand close together, behind big pictures too."""
    window_offset: int = 0

    def begin(self, path: str) -> None:
        self.sample, self.sample_offset = path, self.offset
        self.parts, self.locations = {}, {}

    def read(self, offset: int, size_bytes: int) -> bytes:
        """Return bytes of the file as long as it was when the pass began: it may be growing."""
        start = offset - self.window_offset
        if start < 0 or start + size_bytes > len(self.window):
            self.file.seek(offset)
            length = max(size_bytes, _WINDOW_BYTES)
            self.window = self.file.read(max(0, min(length, self.size_bytes - offset)))
            self.window_offset, start = offset, 0
        return self.window[start : start + size_bytes]

    def header(self) -> TarHeader | None:
        """Return the header that stands here, if it and the member behind it are in the file."""
        header = parse_header(self.read(self.offset, BLOCK_SIZE))
        is_inside = header and self.offset + BLOCK_SIZE + header.size_bytes <= self.size_bytes
        return header if is_inside else None

    def is_sealed_here(self) -> bool:
        """Return whether nothing follows but the end of the archive."""
        is_near_end = self.size_bytes - self.offset <= len(END_OF_ARCHIVE)
        return is_near_end and not self.read(self.offset, len(END_OF_ARCHIVE)).strip(b"\0")

    def damage(self, kind: DamageKind, detail: str, *, offset: int | None = None) -> Damage:
        where = self.offset if offset is None else offset
        return Damage(self.shard, where, kind, self.sample, detail, self.locations)

    def damaged_header(self) -> Damage:
        return self.damage(DamageKind.HEADER, "the header's checksum does not match")

    def torn(self) -> Damage:
        where = self.sample_offset if self.parts else self.offset
        return self.damage(DamageKind.TORN, _TORN, offset=where)


def scan_shard(shard: Path, *, start: int = 0) -> Iterator[StoredSample | Damage | ShardEnd]:
    """Yield each sample of a shard, each damaged place, and its end when it is sealed.

    Parameters
    ----------
    shard
        Path of the file.
    start
        Byte offset to begin at: 0, or the ``end_offset`` of a sample seen before.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with shard.open("rb", buffering=0) as file:
        scan = _Scan(shard, file, os.fstat(file.fileno()).st_size, header_offset(start), start)
        while scan.offset < scan.size_bytes:
            header = scan.header()
            if header is not None:
                yield from _take(scan, header)
            elif scan.is_sealed_here():
                yield from _uncommitted(scan)
                yield ShardEnd(scan.offset)
                return
            elif (next_offset := _next_header(scan)) is not None:
                yield scan.damaged_header()
                scan.parts, scan.offset = {}, next_offset
            else:
                yield _damaged_tail(scan)
                return
        if scan.parts or scan.offset > scan.size_bytes:
            yield scan.torn()


def read_member(location: Location, member: Member) -> bytes:
    """Return a member's bytes.

    Raises
    ------
    DamagedError
        The bytes are not those that were written.
    OSError
        The file cannot be read.
    """
    with location.shard.open("rb") as file:
        file.seek(location.offset)
        data = file.read(location.size_bytes)
    if len(data) != member.size_bytes or hashlib.sha256(data).hexdigest() != member.sha256:
        raise DamagedError(
            f"other bytes in member {member.name!r}", shard=location.shard, offset=location.offset
        )
    return data


def _take(scan: _Scan, header: TarHeader) -> Iterable[StoredSample | Damage]:
    """Move past one member; return what is known now: the samples that it commits."""
    sample, member = _split(header.path)
    found: list[StoredSample | Damage] = []
    if sample != scan.sample or not scan.parts:
        if scan.parts:
            found.extend(_uncommitted(scan))
        scan.begin(sample)
    data_offset = scan.offset + BLOCK_SIZE
    next_offset = data_offset + header.size_bytes + -header.size_bytes % BLOCK_SIZE
    if is_revisits(header.path):
        data = scan.read(data_offset, header.size_bytes)
        found.extend(_revisits(scan, data, data_offset, next_offset))
    elif member == RECORD_MEMBER:
        line = scan.read(data_offset, header.size_bytes)
        found.append(_committed(scan, line, data_offset, next_offset))
        scan.parts = {}
    else:
        scan.parts[member] = header
        if not header.link:
            scan.locations[member] = Location(scan.shard, data_offset, header.size_bytes)
    scan.offset = next_offset
    return found


def _committed(
    scan: _Scan, line: bytes, data_offset: int, next_offset: int
) -> StoredSample | Damage:
    try:
        record = decode_record(line)
    except RecordDamagedError as error:
        return scan.damage(DamageKind.RECORD, str(error), offset=data_offset)
    for member in record.members if isinstance(record, ImageRecord) else ():
        if not _is_announced(scan.parts.get(member.name), member):
            detail = f"member {member.name!r} does not stand before its record"
            return scan.damage(DamageKind.MISSING, detail)
    where = Location(scan.shard, data_offset, len(line))
    return StoredSample(
        scan.sample, record, scan.sample_offset, next_offset, scan.locations, where,
        next_offset - scan.sample_offset, len(line),
    )  # fmt: skip


def _revisits(
    scan: _Scan, data: bytes, data_offset: int, next_offset: int
) -> Iterable[StoredSample | Damage]:
    """Return the samples of a member, which are all whole, or it is damaged."""
    try:
        records = [_revisit(line) for line in unpack_revisits(scan.sample, data)]
    except RecordDamagedError as error:
        return [scan.damage(DamageKind.RECORD, str(error), offset=data_offset)]
    count = len(records)
    inner = [revisit_offset(data_offset, number) for number in range(count)]
    ends = [*inner[1:], next_offset]
    samples = [
        StoredSample(
            sample_path(record.key, record.step, record.index), record,
            inner[number] if number else scan.offset, ends[number], _NO_FILES,
            Location(scan.shard, inner[number], len(data)),
            size_bytes=_share(next_offset - scan.offset, number, count),
            line_bytes=_share(len(data), number, count), is_revisit=True,
        )
        for number, record in enumerate(records)
    ]  # fmt: skip
    return [sample for sample in samples if sample.offset >= scan.start]


def _revisit(line: bytes) -> ImageRecord:
    record = decode_record(line)
    if not isinstance(record, ImageRecord) or not all(member.link for member in record.members):
        raise RecordDamagedError("a record that stands among revisits is none")
    return record


def _share(size_bytes: int, number: int, count: int) -> int:
    """Return the part of one of `count` that share a size; the parts make up the whole."""
    return size_bytes * (number + 1) // count - size_bytes * number // count


def _is_announced(part: TarHeader | None, member: Member) -> bool:
    """Return whether a header is that of the member which a record names."""
    if part is None or part.link != member.link:
        return False
    return bool(part.link) or part.size_bytes == member.size_bytes


def _damaged_tail(scan: _Scan) -> Damage:
    """Return the damage at a place behind which nothing whole stands."""
    block = scan.read(scan.offset, BLOCK_SIZE)
    header = parse_header(block)
    if header is None:
        return scan.torn() if len(block) < BLOCK_SIZE else scan.damaged_header()
    sample, _ = _split(header.path)
    if sample != scan.sample or not scan.parts:
        scan.begin(sample)
    return scan.damage(DamageKind.TORN, _TORN, offset=scan.sample_offset)


def _uncommitted(scan: _Scan) -> Iterator[Damage]:
    """Yield the sample before this place if no record came behind its members."""
    if scan.parts:
        where = scan.sample_offset
        yield scan.damage(
            DamageKind.MISSING, "its record does not stand behind its members", offset=where
        )


def _split(path: str) -> tuple[str, str]:
    """Return sample and member of a path in a shard; a record of values is its own sample."""
    folder, slash, name = path.rpartition("/")
    if not slash:
        return path, RECORD_MEMBER
    sample, _, member = name.partition(".")
    return f"{folder}/{sample}", member


def _next_header(scan: _Scan) -> int | None:
    """Return where the next whole header stands behind a damaged block, None when there is none."""
    offset = scan.offset + BLOCK_SIZE
    while len(chunk := scan.read(offset, _RESYNC_BYTES)) >= BLOCK_SIZE:
        for at in range(0, len(chunk) - BLOCK_SIZE + 1, BLOCK_SIZE):
            is_candidate = chunk[at + 257 : at + 262] == b"ustar"
            if is_candidate and parse_header(chunk[at : at + BLOCK_SIZE]) is not None:
                return offset + at
        offset += len(chunk) - len(chunk) % BLOCK_SIZE
    return None

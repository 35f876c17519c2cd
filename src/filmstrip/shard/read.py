"""Reading shards: every whole sample, and a word about everything that is not whole.

A sample counts when its record is whole and each member it names stands before it. Reading goes on
behind a damaged block at the next header that is whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from filmstrip.errors import DamagedError
from filmstrip.record import ImageRecord, Member, Record, RecordDamagedError, decode_record
from filmstrip.shard.names import RECORD_MEMBER
from filmstrip.shard.tar import BLOCK_SIZE, TarHeader, padding, parse_header

__all__ = [
    "Damage",
    "DamageKind",
    "Location",
    "ShardEnd",
    "StoredSample",
    "read_member",
    "scan_shard",
]

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


@dataclass(frozen=True, slots=True)
class Damage:
    """A place in a shard that does not hold what was written there."""

    shard: Path
    offset: int
    """Byte offset in the shard."""
    kind: DamageKind
    sample: str
    """Path of the sample in the shard, or of the last whole one before the damage."""
    detail: str


@dataclass(frozen=True, slots=True)
class Location:
    """Where bytes are stored."""

    shard: Path
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A whole sample: its record, and where each member stands that is not a hard link."""

    path: str
    record: Record
    offset: int
    end_offset: int
    """Where the next sample begins; a later scan can start there."""
    locations: Mapping[str, Location]


@dataclass(frozen=True, slots=True)
class ShardEnd:
    """The two zero blocks that a sealed shard ends with."""

    offset: int


@dataclass(slots=True)
class _Scan:
    """The state of one pass over a shard."""

    shard: Path
    file: BinaryIO
    offset: int
    sample: str = ""
    sample_offset: int = 0
    parts: dict[str, TarHeader] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)

    def damage(self, kind: DamageKind, detail: str, *, offset: int | None = None) -> Damage:
        where = self.offset if offset is None else offset
        return Damage(self.shard, where, kind, self.sample, detail)

    def begin(self, path: str) -> None:
        self.sample, self.sample_offset = path, self.offset
        self.parts, self.locations = {}, {}


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
    with shard.open("rb") as file:
        scan = _Scan(shard, file, start)
        while True:
            file.seek(scan.offset)
            block = file.read(BLOCK_SIZE)
            if len(block) < BLOCK_SIZE:
                if block or scan.parts:
                    where = scan.sample_offset if scan.parts else scan.offset
                    yield scan.damage(
                        DamageKind.TORN, "the file ends inside a sample", offset=where
                    )
                return
            header = parse_header(block)
            if header is None and _is_end(block, file):
                yield ShardEnd(scan.offset)
                return
            if header is None:
                yield scan.damage(DamageKind.HEADER, "the header's checksum does not match")
                if not _resync(scan):
                    return
                continue
            yield from _take(scan, header)


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


def _take(scan: _Scan, header: TarHeader) -> Iterator[StoredSample | Damage]:
    """Move past one member; when it is a record, yield the sample that it commits."""
    sample, _, member = _split(header.path)
    if sample != scan.sample or not scan.parts:
        scan.begin(sample)
    data_offset = scan.offset + BLOCK_SIZE
    next_offset = data_offset + header.size_bytes + len(padding(header.size_bytes))
    if member != RECORD_MEMBER:
        scan.parts[member] = header
        if not header.link:
            scan.locations[member] = Location(scan.shard, data_offset, header.size_bytes)
        scan.offset = next_offset
        return
    line = scan.file.read(header.size_bytes)
    tail = scan.file.read(len(padding(header.size_bytes)))
    if len(line) + len(tail) < next_offset - data_offset:
        yield scan.damage(
            DamageKind.TORN, "the file ends inside a record", offset=scan.sample_offset
        )
    else:
        yield from _committed(scan, line, data_offset, next_offset)
    scan.offset = next_offset
    scan.parts = {}


def _committed(
    scan: _Scan, line: bytes, data_offset: int, next_offset: int
) -> Iterator[StoredSample | Damage]:
    try:
        record = decode_record(line)
    except RecordDamagedError as error:
        yield scan.damage(DamageKind.RECORD, str(error), offset=data_offset)
        return
    for member in record.members if isinstance(record, ImageRecord) else ():
        part = scan.parts.get(member.name)
        is_whole = part is not None and part.link == member.link
        if not is_whole or (part and not part.link and part.size_bytes != member.size_bytes):
            yield scan.damage(
                DamageKind.MISSING, f"member {member.name!r} does not stand before its record"
            )
            return
    yield StoredSample(scan.sample, record, scan.sample_offset, next_offset, scan.locations)


def _is_end(block: bytes, file: BinaryIO) -> bool:
    """Return whether the block and the next are zeros and the last of the file."""
    rest = file.read(BLOCK_SIZE + 1)
    return not block.strip(b"\0") and not rest.strip(b"\0") and len(rest) <= BLOCK_SIZE


def _split(path: str) -> tuple[str, str, str]:
    """Return sample and member of a path in a shard; a record of values is its own sample."""
    if path.startswith("__"):
        return path, "", RECORD_MEMBER
    folder, slash, name = path.rpartition("/")
    sample, dot, member = name.partition(".")
    return folder + slash + sample, dot, member


def _resync(scan: _Scan) -> bool:
    """Move to the next whole header behind a damaged block; False when there is none."""
    position = scan.offset + BLOCK_SIZE
    scan.parts = {}
    while True:
        scan.file.seek(position)
        chunk = scan.file.read(_RESYNC_BYTES)
        if len(chunk) < BLOCK_SIZE:
            return False
        for at in range(0, len(chunk) - BLOCK_SIZE + 1, BLOCK_SIZE):
            is_candidate = chunk[at + 257 : at + 262] == b"ustar"
            if is_candidate and parse_header(chunk[at : at + BLOCK_SIZE]) is not None:
                scan.offset = position + at
                return True
        position += len(chunk) - len(chunk) % BLOCK_SIZE

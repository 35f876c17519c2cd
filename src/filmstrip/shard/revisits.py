"""Revisits: images whose files are all stored with earlier ones, many in one member of a shard.

A tar member takes a header and whole blocks, 1024 bytes at least; the record of a picture that is
logged again takes about a hundred when it is compressed with others like it. So these come
together: the member ``__revisits.<crc32>__`` holds them as gzip (RFC 1952), one a line. WebDataset
readers pass over such names. The name has the checksum of the compressed bytes, so that a flipped
bit is found wherever it is.

Each of these records has a place in the shard like any other: the offset of the member's bytes, at
which a block begins, plus the number of its line.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import BinaryIO

from isal import isal_zlib

from filmstrip.record import RecordDamagedError
from filmstrip.shard.tar import BLOCK_SIZE, pack_header, padding

__all__ = [
    "MAX_REVISITS",
    "MAX_REVISIT_BYTES",
    "RevisitsPacker",
    "header_offset",
    "is_revisits",
    "line_end",
    "read_line",
    "revisit_offset",
    "unpack_revisits",
]

MAX_REVISITS = 64
"""Records in a member: damage costs no more than these, and more would save little."""

MAX_REVISIT_BYTES = 2**18
"""Size of the records in a member, in bytes before compression; larger ones are samples."""

_LIMIT_BYTES = 4 * MAX_REVISIT_BYTES
"""What a member can be, its links rewritten; more is damage, and is not decompressed."""

_NAME, _NAME_END = "__revisits.", "__"
_LEVEL = 1
"""isal's: the higher ones make records no smaller."""
_GZIP_BITS, _GZIP_MAGIC = 31, b"\x1f\x8b"


class RevisitsPacker:
    """Puts records together in members.

    Examples
    --------
    >>> from filmstrip.shard.tar import parse_header
    >>> packer = RevisitsPacker()
    >>> [packer.add(line, mtime_secs=0) for line in (b'{"step":1}', b'{"step":2}')]
    [(), ()]
    >>> header, data, padding = packer.flush()
    >>> unpack_revisits(parse_header(header).path, data)
    [b'{"step":1}', b'{"step":2}']
    """

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._size_bytes = 0
        self._mtime_secs = 0

    def add(self, line: bytes, *, mtime_secs: int) -> Sequence[bytes]:
        """Take a record; return the parts of the member of those before, if there was no room."""
        size_bytes = self._size_bytes + len(line)
        is_full = len(self._lines) >= MAX_REVISITS or size_bytes > MAX_REVISIT_BYTES
        packed = self.flush() if is_full else ()
        if not self._lines:
            self._mtime_secs = mtime_secs
        self._lines.append(line)
        self._size_bytes += len(line)
        return packed

    def flush(self) -> Sequence[bytes]:
        """Return the parts of the member of what was added since: none when nothing was."""
        if not self._lines:
            return ()
        data = isal_zlib.compress(b"\n".join(self._lines) + b"\n", _LEVEL, wbits=_GZIP_BITS)
        header = pack_header(_path(data), len(data), mtime_secs=self._mtime_secs)
        self._lines, self._size_bytes = [], 0
        return header, data, padding(len(data))


def is_revisits(path: str) -> bool:
    """Return whether a member of this path holds revisits.

    Examples
    --------
    >>> is_revisits("__revisits.07da33cb__"), is_revisits("val/3-0.json")
    (True, False)
    """
    return path.startswith(_NAME)


def unpack_revisits(path: str, data: bytes) -> Sequence[bytes]:
    """Return the records that a member holds.

    Raises
    ------
    RecordDamagedError
        The bytes are not those that were written.
    """
    if path != _path(data):
        raise RecordDamagedError("the checksum of these records does not match their bytes")
    lines = _lines(data)
    if len(lines) > BLOCK_SIZE:
        raise RecordDamagedError(
            f"expected at most {BLOCK_SIZE} records in a member, got {len(lines)}"
        )
    return lines


def revisit_offset(data_offset: int, number: int) -> int:
    """Return where the record of a number stands, by the offset of its member's bytes."""
    return data_offset + number


def header_offset(offset: int) -> int:
    """Return where the member begins that has the record at this place, or that begins there.

    Examples
    --------
    >>> header_offset(1024), header_offset(revisit_offset(1024 + 512, 3))
    (1024, 1024)
    """
    number = offset % BLOCK_SIZE
    return offset - number - BLOCK_SIZE if number else offset


def line_end(offset: int, size_bytes: int) -> int:
    """Return the end of the member that has the record at this place."""
    return offset - offset % BLOCK_SIZE + size_bytes


def read_line(file: BinaryIO, offset: int, size_bytes: int) -> bytes:
    """Return the record at a place of a shard, in a member of its own or among revisits.

    Parameters
    ----------
    file
        The shard.
    offset
        Where the record stands.
    size_bytes
        Size of the member that has it.

    Raises
    ------
    RecordDamagedError
        No record can be had from there.
    OSError
        The file cannot be read.
    """
    number = offset % BLOCK_SIZE
    file.seek(offset - number)
    data = file.read(size_bytes)
    lines = _lines(data) if data.startswith(_GZIP_MAGIC) else (data,)
    if number >= len(lines):
        raise RecordDamagedError("another record stands there")
    return lines[number]


@lru_cache(maxsize=4)
def _lines(data: bytes) -> Sequence[bytes]:
    stream = isal_zlib.decompressobj(_GZIP_BITS)
    try:
        records = stream.decompress(data, _LIMIT_BYTES)
    except isal_zlib.error as error:  # type: ignore[misc]  # the stub says that it is an instance
        raise RecordDamagedError(f"these records cannot be decompressed: {error}") from error
    if not stream.eof:
        raise RecordDamagedError(f"these records are cut off, or over {_LIMIT_BYTES} bytes")
    return records.removesuffix(b"\n").split(b"\n")


def _path(data: bytes) -> str:
    return f"{_NAME}{isal_zlib.crc32(data):08x}{_NAME_END}"

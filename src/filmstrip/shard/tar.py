"""Tar headers: POSIX ustar (IEEE Std 1003.1-1988), the part that a shard needs.

A header is one block of 512 bytes with a checksum of its own. We write them ourselves because the
tarfile module costs 60 µs a member, and read them ourselves because a damaged block must not end
the reading.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

import msgspec

__all__ = [
    "BLOCK_SIZE",
    "END_OF_ARCHIVE",
    "MAX_PATH_BYTES",
    "TarHeader",
    "pack_header",
    "padding",
    "parse_header",
]

BLOCK_SIZE = 512
"""Size of a tar block in bytes; members are padded to it."""

END_OF_ARCHIVE = bytes(2 * BLOCK_SIZE)
"""Two zero blocks, which end an archive."""

MAX_PATH_BYTES = 100
"""Longest path that a hard link can name."""

_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s155s12s")
_READ_HEADER = struct.Struct("100s24x12s12x8s1s100s5s83x155s12x")
"""Name, size, checksum, kind, link, magic and prefix: the fields that a reader needs."""
_CHECKSUM = slice(148, 156)
_SPACES = b" " * 8
_SUM_OF_SPACES = sum(_SPACES)
_PADDING = bytes(BLOCK_SIZE)
_REGULAR, _HARD_LINK = b"0", b"1"


class TarHeader(msgspec.Struct, frozen=True, gc=False):
    """What a member's header says."""

    path: str
    size_bytes: int
    link: str
    """Path of the member whose bytes this one shares; empty for a regular file."""


def pack_header(path: str, size_bytes: int, *, mtime_secs: int, link: str = "") -> bytes:
    """Return a header block for a regular file, or a hard link to `link`.

    Examples
    --------
    >>> parse_header(pack_header("a/0-0.png", 5, mtime_secs=0))
    TarHeader(path='a/0-0.png', size_bytes=5, link='')
    """
    prefix, name = _split_path(path)
    head = bytearray(
        _HEADER.pack(
            name,
            b"0000644",
            b"0000000",
            b"0000000",
            b"%011o" % size_bytes,
            b"%011o" % mtime_secs,
            _SPACES,
            _HARD_LINK if link else _REGULAR,
            link.encode(),
            b"ustar",
            b"00",
            b"",
            b"",
            b"0000000",
            b"0000000",
            prefix,
            b"",
        )
    )
    head[_CHECKSUM] = b"%06o\0 " % _sum(head)
    return bytes(head)


def parse_header(block: bytes) -> TarHeader | None:
    """Return what a header block says, None when it is no whole header of a file or hard link."""
    if len(block) != BLOCK_SIZE:
        return None
    name, size, checksum, kind, link, magic, prefix = _READ_HEADER.unpack(block)
    if magic != b"ustar" or (kind != _REGULAR and kind != _HARD_LINK):
        return None
    try:
        # Byte for byte: it cannot cover itself, and a flipped bit in it is to be found too.
        if checksum != b"%06o\0 " % (_sum(block) - sum(checksum) + _SUM_OF_SPACES):
            return None
        path = name.rstrip(b"\0").decode("ascii")
        if prefix[0]:
            path = f"{_text(prefix)}/{path}"
        return TarHeader(path, _octal(size), _text(link) if link[0] else "")
    except ValueError:
        return None


def padding(size_bytes: int) -> bytes:
    """Return the zeros between the end of a member and the next block.

    Examples
    --------
    >>> len(padding(500)), len(padding(512))
    (12, 0)
    """
    return _PADDING[: -size_bytes % BLOCK_SIZE]


@lru_cache(maxsize=256)
def _prefix_bytes(prefix: str) -> bytes:
    return prefix.encode()


def _split_path(path: str) -> tuple[bytes, bytes]:
    """Return the header's prefix and name fields, whose ``/`` between them is not stored."""
    if len(path) <= MAX_PATH_BYTES:
        return b"", path.encode()
    folder, _, name = path.rpartition("/")
    return _prefix_bytes(folder), name.encode()


def _sum(head: bytes | bytearray) -> int:
    """Return the sum of the bytes: one less than the low half of their Adler-32 checksum.

    That holds up to 65520. Our headers are ASCII and stay below; others are none of ours.
    """
    return (zlib.adler32(head) & 0xFFFF) - 1


def _octal(field: bytes) -> int:
    digits = field.rstrip(b"\0 ")
    if not digits.isdigit():  # int() would take a sign and underscores too
        raise ValueError(f"no octal number: {field!r}")
    return int(digits, 8)


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii")

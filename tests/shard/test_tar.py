from __future__ import annotations

import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.shard.tar import (
    BLOCK_SIZE,
    END_OF_ARCHIVE,
    TarHeader,
    pack_header,
    padding,
    parse_header,
)

NAMES = st.from_regex(r"[A-Za-z0-9_.-]{1,100}", fullmatch=True)
PATHS = st.one_of(
    NAMES, st.builds("{}/{}".format, st.from_regex(r"[a-z0-9_-]{1,155}", fullmatch=True), NAMES)
)
SIZES = st.integers(0, 8**11 - 1)
LINKS = st.one_of(st.just(""), NAMES)


@given(PATHS, SIZES, LINKS, st.integers(0, 2**33 - 1))
def test_what_a_header_is_made_from_is_read_back(path, size_bytes, link, mtime_secs):
    block = pack_header(path, size_bytes, mtime_secs=mtime_secs, link=link)
    assert parse_header(block) == TarHeader(path, size_bytes, link)


@given(PATHS, SIZES, LINKS, st.integers(0, 2**33 - 1))
def test_python_s_tarfile_reads_the_same_from_a_header(path, size_bytes, link, mtime_secs):
    block = pack_header(path, size_bytes, mtime_secs=mtime_secs, link=link)
    info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    assert (info.name, info.size, info.linkname) == (path, size_bytes, link)
    assert (info.mtime, info.mode, info.islnk()) == (mtime_secs, 0o644, bool(link))


@given(PATHS, SIZES, LINKS, st.integers(0, BLOCK_SIZE * 8 - 1))
def test_a_header_with_one_flipped_bit_is_no_header(path, size_bytes, link, bit):
    block = bytearray(pack_header(path, size_bytes, mtime_secs=1_700_000_000, link=link))
    block[bit // 8] ^= 1 << bit % 8
    ends_the_checksum = bit // 8 in (154, 155)
    unchanged = TarHeader(path, size_bytes, link) if ends_the_checksum else None
    assert parse_header(bytes(block)) in (None, unchanged)


def _with_checksum(block: bytearray) -> bytes:
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@given(st.binary(min_size=0, max_size=40), st.integers(0, BLOCK_SIZE - 1))
def test_no_bytes_of_a_header_make_the_reader_fail(noise, at):
    block = bytearray(pack_header("a/0-0.png", 5, mtime_secs=0))
    block[at : at + len(noise)] = noise
    found = parse_header(_with_checksum(block[:BLOCK_SIZE].ljust(BLOCK_SIZE, b"\0")))
    assert found is None or found.size_bytes >= 0


@pytest.mark.parametrize("size", [b"-0000000005\0", b"+0000000005\0", b"00_00000005\0", b"\0" * 12])
def test_a_size_that_is_no_octal_number_is_no_header(size):
    block = bytearray(pack_header("a/0-0.png", 5, mtime_secs=0))
    block[124:136] = size
    assert parse_header(_with_checksum(block)) is None


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\0" * 511,
        END_OF_ARCHIVE[:512],
        pack_header("a", 1, mtime_secs=0)[:-1],
        pack_header("a", 1, mtime_secs=0) + b"\0",
        pack_header("a", 1, mtime_secs=0).replace(b"ustar", b"vstar"),
    ],
)
def test_other_blocks_are_no_headers(block):
    assert parse_header(block) is None


@pytest.mark.parametrize("kind", [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE])
def test_headers_of_folders_symbolic_links_and_devices_are_not_taken(kind):
    info = tarfile.TarInfo("a")
    info.type = kind
    assert parse_header(info.tobuf(tarfile.USTAR_FORMAT)) is None


def test_headers_that_other_writers_of_ustar_make_are_read():
    info = tarfile.TarInfo("a/0-0.png")
    info.size = 1234
    assert parse_header(info.tobuf(tarfile.USTAR_FORMAT)) == TarHeader("a/0-0.png", 1234, "")


@given(st.integers(0, 10**7))
def test_padding_fills_the_last_block_with_zeros(size_bytes):
    pad = padding(size_bytes)
    assert (size_bytes + len(pad)) % BLOCK_SIZE == 0
    assert pad == bytes(len(pad))
    assert len(pad) < BLOCK_SIZE


def test_no_single_bit_of_a_header_may_flip():
    block = pack_header("a/0-0.png", 5, mtime_secs=7)
    flipped = [
        block[:at] + bytes([block[at] ^ 1 << bit]) + block[at + 1 :]
        for at in range(len(block))
        for bit in range(8)
    ]
    assert not any(map(parse_header, flipped))

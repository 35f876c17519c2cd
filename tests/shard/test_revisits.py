"""Many records in one member: together they are small, and each has its place."""

from __future__ import annotations

import gzip
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.record import RecordDamagedError
from filmstrip.shard.revisits import (
    MAX_REVISITS,
    RevisitsPacker,
    header_offset,
    is_revisits,
    line_end,
    read_line,
    revisit_offset,
    unpack_revisits,
)
from filmstrip.shard.tar import BLOCK_SIZE, pack_header, parse_header

LINES = [b'{"kind":"image","step":%d}' % step for step in range(5)]


def packed(lines: list[bytes]) -> list[tuple[str, bytes]]:
    """Return path and content of each member that lines come to stand in."""
    packer = RevisitsPacker()
    members = [packer.add(line, mtime_secs=7) for line in lines] + [packer.flush()]
    return [(parse_header(member[0]).path, member[1]) for member in members if member]


@given(st.lists(st.binary(min_size=1, max_size=80).filter(lambda line: b"\n" not in line)))
def test_lines_come_back_in_their_order(lines):
    assert [line for path, data in packed(lines) for line in unpack_revisits(path, data)] == lines


def test_nothing_makes_no_member():
    assert RevisitsPacker().flush() == ()


def test_a_member_holds_so_many_records_at_most():
    members = packed([b"{}"] * (2 * MAX_REVISITS + 1))
    assert [len(unpack_revisits(*member)) for member in members] == [MAX_REVISITS, MAX_REVISITS, 1]


def test_records_that_are_large_stand_in_a_member_each():
    lines = [bytes([65 + number]) * 200_000 for number in range(3)]
    assert [unpack_revisits(*member) for member in packed(lines)] == [[line] for line in lines]


def test_a_member_is_gzip_that_fills_whole_blocks_and_has_the_time_of_its_first_record():
    packer = RevisitsPacker()
    packer.add(LINES[0], mtime_secs=8)
    packer.add(LINES[1], mtime_secs=9)
    header, data, zeros = packer.flush()
    path = parse_header(header).path
    assert header == pack_header(path, len(data), mtime_secs=8)
    assert gzip.decompress(data) == LINES[0] + b"\n" + LINES[1] + b"\n"
    assert (len(data + zeros) % BLOCK_SIZE, zeros.strip(b"\0")) == (0, b"")


def test_webdataset_readers_take_its_name_for_metadata():
    ((path, _),) = packed(LINES)
    assert path.startswith("__")
    assert path.endswith("__")
    assert "/" not in path
    assert is_revisits(path)


def test_a_member_that_would_fill_the_memory_is_not_decompressed():
    data = gzip.compress(b"[" * 2**26)
    path = f"__revisits.{zlib.crc32(data):08x}__"
    with pytest.raises(
        RecordDamagedError, match=r"^these records are cut off, or over 1048576 bytes$"
    ):
        unpack_revisits(path, data)


def test_records_of_which_the_end_is_missing_are_damaged():
    ((_, data),) = packed(LINES)
    cut = data[:-9]
    with pytest.raises(RecordDamagedError, match=r"^these records are cut off, or over"):
        unpack_revisits(f"__revisits.{zlib.crc32(cut):08x}__", cut)


def test_every_flipped_bit_is_found():
    ((path, data),) = packed(LINES)
    for place in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(RecordDamagedError) as caught:
            unpack_revisits(path, bytes(flipped))
        assert str(caught.value) == "the checksum of these records does not match their bytes"


@pytest.mark.parametrize("number", range(5))
def test_each_record_is_read_by_its_place(number):
    ((_, data),) = packed(LINES)
    where = revisit_offset(3 * BLOCK_SIZE, number)
    file = io.BytesIO(bytes(3 * BLOCK_SIZE) + data + b"more")
    assert read_line(file, where, len(data)) == LINES[number]
    assert header_offset(where) == (2 if number else 3) * BLOCK_SIZE
    assert line_end(where, len(data)) == 3 * BLOCK_SIZE + len(data)


def test_a_record_in_a_member_of_its_own_is_read_by_its_place():
    file = io.BytesIO(bytes(BLOCK_SIZE) + LINES[3] + bytes(90))
    assert read_line(file, BLOCK_SIZE, len(LINES[3])) == LINES[3]
    assert line_end(BLOCK_SIZE, len(LINES[3])) == BLOCK_SIZE + len(LINES[3])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LINES[0], "another record stands there"),
        (gzip.compress(LINES[0] + b"\n"), "another record stands there"),
        (gzip.compress(LINES[0])[:-4], "these records are cut off, or over "),
        (b"\x1f\x8b" + b"\xff" * 20, "these records cannot be decompressed: "),
        (b"", "another record stands there"),
    ],
)
def test_where_another_record_stands_none_is_read(content, message):
    with pytest.raises(RecordDamagedError) as caught:
        read_line(io.BytesIO(content), 1, len(content))
    assert str(caught.value).startswith(message)


def test_a_member_of_more_records_than_can_be_told_apart_is_damaged():
    data = gzip.compress(b"{}\n" * (BLOCK_SIZE + 1))
    with pytest.raises(RecordDamagedError) as caught:
        unpack_revisits(f"__revisits.{zlib.crc32(data):08x}__", data)
    assert str(caught.value) == "expected at most 512 records in a member, got 513"

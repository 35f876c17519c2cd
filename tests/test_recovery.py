from __future__ import annotations

import random
import tarfile

import pytest
from tests.spooling import WRITER

from filmstrip.recovery import mend_shards
from filmstrip.shard.read import Damage, ShardEnd, StoredSample, scan_shard
from filmstrip.shard.tar import BLOCK_SIZE, END_OF_ARCHIVE

SHARD = f"{WRITER}-00000.tar"


def images(*steps: int) -> list:
    return [("x", step, {"png": random.Random(step).randbytes(700)}) for step in steps]


def seqs(shard) -> list[int]:
    found = list(scan_shard(shard))
    assert not any(isinstance(one, Damage) for one in found)
    assert isinstance(found[-1], ShardEnd)
    return [one.record.seq for one in found if isinstance(one, StoredSample)]


def test_where_there_is_no_shard_all_begins(tmp_path):
    end = mend_shards(tmp_path, WRITER)
    assert (end.next_seq, end.next_shard, end.sealed, end.is_image) == (1, 0, {}, {})


def test_a_sealed_shard_stays_as_it_is(tmp_path, write_shards):
    write_shards(tmp_path, [*images(0, 1), {"step": 2, "loss": 1}])
    before = (tmp_path / SHARD).read_bytes()
    end = mend_shards(tmp_path, WRITER)
    assert (end.next_seq, end.next_shard, end.sealed) == (4, 1, {SHARD: len(before)})
    assert end.is_image == {1: True, 2: True, 3: False}
    assert (tmp_path / SHARD).read_bytes() == before


@pytest.mark.parametrize("cut_bytes", range(0, 2600, 100))
def test_a_torn_tail_is_cut_off_behind_the_last_whole_sample(tmp_path, write_shards, cut_bytes):
    write_shards(tmp_path, images(0, 1, 2), is_sealed=False)
    shard = tmp_path / SHARD
    samples = [one for one in scan_shard(shard) if isinstance(one, StoredSample)]
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) - cut_bytes])
    cut_at = len(whole) - cut_bytes  # inside the padding of a record nothing of it is missing
    kept = [one for one in samples if one.line.offset + one.line.size_bytes <= cut_at]
    end = mend_shards(tmp_path, WRITER)
    assert end.next_seq == len(kept) + 1
    assert seqs(shard) == [one.record.seq for one in kept]
    assert shard.read_bytes() == whole[: kept[-1].end_offset] + END_OF_ARCHIVE
    assert end.sealed == {SHARD: shard.stat().st_size}
    with tarfile.open(shard) as archive:
        assert len(archive.getnames()) == 2 * len(kept)


@pytest.mark.parametrize("num_zeros", [1, BLOCK_SIZE - 1, BLOCK_SIZE, len(END_OF_ARCHIVE) - 1])
def test_an_end_that_was_cut_off_is_completed(tmp_path, write_shards, num_zeros):
    write_shards(tmp_path, images(0, 1), is_sealed=False)
    shard = tmp_path / SHARD
    whole = shard.read_bytes()
    shard.write_bytes(whole + bytes(num_zeros))
    assert mend_shards(tmp_path, WRITER).next_seq == 3
    assert shard.read_bytes() == whole + END_OF_ARCHIVE


@pytest.mark.parametrize("kept_bytes", [0, 100, BLOCK_SIZE, BLOCK_SIZE + 100])
def test_a_shard_in_which_nothing_is_whole_is_empty_and_the_one_before_counts(
    tmp_path, write_shards, kept_bytes
):
    write_shards(tmp_path, images(0, 1))
    later = tmp_path / f"{WRITER}-00001.tar"
    later.write_bytes((tmp_path / SHARD).read_bytes()[:kept_bytes])
    end = mend_shards(tmp_path, WRITER)
    assert (end.next_seq, end.next_shard) == (3, 2)
    assert later.read_bytes() == END_OF_ARCHIVE


def test_the_last_of_several_shards_says_how_far_it_got(tmp_path, write_shards):
    write_shards(tmp_path, images(*range(5)), shard_bytes=1, is_sealed=False)
    end = mend_shards(tmp_path, WRITER)
    shards = sorted(tmp_path.glob("*.tar"))
    assert (end.next_seq, end.next_shard) == (6, 5)
    assert end.sealed == {shard.name: shard.stat().st_size for shard in shards}
    assert seqs(shards[-1]) == [5]


def test_the_shards_of_other_writers_are_left_alone(tmp_path, write_shards):
    write_shards(tmp_path, images(0, 1), writer="r1-s0-abcdef", is_sealed=False)
    other = tmp_path / "r1-s0-abcdef-00000.tar"
    other.write_bytes(other.read_bytes()[:-700])
    before = other.read_bytes()
    assert mend_shards(tmp_path, WRITER).next_seq == 1
    assert other.read_bytes() == before


def test_mending_twice_is_mending_once(tmp_path, write_shards):
    write_shards(tmp_path, images(0, 1, 2), is_sealed=False)
    shard = tmp_path / SHARD
    shard.write_bytes(shard.read_bytes()[:-600])
    first = mend_shards(tmp_path, WRITER)
    data = shard.read_bytes()
    assert mend_shards(tmp_path, WRITER) == first
    assert shard.read_bytes() == data

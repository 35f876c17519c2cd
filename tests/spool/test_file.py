from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spooling import draft, num_open_files, put, values

from filmstrip.media.frame import digest_of
from filmstrip.spool import file
from filmstrip.spool.file import EntryPlace, Mark, Spool, SpoolDamagedError, is_locked
from filmstrip.spool.items import SpooledImage
from filmstrip.spool.ring import BLOCK_BYTES, Ring

RING_BYTES = 2**16


@pytest.fixture
def spool(tmp_path):
    made = Spool.create(tmp_path / "w.spool", RING_BYTES)
    yield made
    made.close()


@pytest.fixture
def ring():
    return Ring(RING_BYTES)


def pixels(spool: Spool, position: int) -> list[np.ndarray]:
    """Return the pictures of an entry, their digests checked."""
    entry = spool.read(position)
    found = []
    for item, parts in zip(entry.items, entry.parts, strict=True):
        if isinstance(item, SpooledImage):
            assert digest_of(parts[0], spool.seed) == item.picture.digest
            found.append(parts[0].view(item.picture.dtype).reshape(item.picture.shape))
    return found


def seqs(spool: Spool, first_seq: int = 1) -> list[int]:
    return [place.seq for place in spool.find(first_seq)]


def test_an_entry_comes_back_as_it_was_written(spool, ring):
    drafts = [values(0), draft(1), draft(2, (30, 20, 3)), values(3)]
    place = put(spool, ring, drafts, seq=5)
    entry = spool.read(place.position)
    assert entry.place == place == spool.place_at(place.position)
    assert (place.seq, place.end_seq, place.num_items) == (5, 9, 4)
    assert entry.items[0] == msgspec.structs.replace(values(0), seq=5)
    assert [item.record.seq for item in entry.items[1:3]] == [6, 7]
    pictures = pixels(spool, place.position)
    assert np.array_equal(pictures[0], drafts[1].image.content.pixels)
    assert np.array_equal(pictures[1], drafts[2].image.content.pixels)


def test_another_process_reads_what_was_written(spool, ring, tmp_path):
    place = put(spool, ring, [draft(1)], seq=1)
    other = Spool.open(tmp_path / "w.spool")
    assert (other.seed, other.ring_bytes) == (spool.seed, spool.ring_bytes)
    assert np.array_equal(pixels(other, place.position)[0], draft(1).image.content.pixels)
    other.close()


@pytest.mark.parametrize("num", [0, 1, 2, 60])
def test_find_yields_entries_by_their_sequence_number_from_any_on(spool, ring, num):
    for seq in range(1, num + 1):
        put(spool, ring, [values(seq)], seq)
    assert seqs(spool) == list(range(1, num + 1))
    assert seqs(spool, num // 2) == list(range(max(1, num // 2), num + 1))


@pytest.mark.parametrize("chunk_bytes", [BLOCK_BYTES, 4 * BLOCK_BYTES, 2**24])
def test_find_looks_into_every_block_up_to_the_file_s_very_end(
    spool, ring, monkeypatch, chunk_bytes
):
    """The last entry may be shorter than a block, and end the file."""
    monkeypatch.setattr(file, "_SEARCH_BYTES", chunk_bytes)
    for seq in range(1, 10):
        place = put(spool, ring, [values(seq)], seq)
        assert place.size_bytes < BLOCK_BYTES
        assert seqs(spool) == list(range(1, seq + 1))


@pytest.mark.parametrize("ring_bytes", [1, 100, BLOCK_BYTES - 1, 10_000, 10_001, 2**14])
def test_find_sees_entries_of_each_lap_whatever_the_ring_s_size(tmp_path, ring_bytes):
    spool = Spool.create(tmp_path / "w.spool", ring_bytes)
    ring, tail = Ring(spool.ring_bytes), 0
    for seq in range(1, 60):
        place = put(spool, ring, [draft(seq, (30, 30))], seq, tail)
        assert list(spool.find(seq)) == [place]
        is_one_left = ring_bytes > 5000 and seq % 3
        tail = place.position if is_one_left else ring.end(place.position, place.size_bytes)
    spool.close()


def test_find_passes_over_entries_whose_items_all_come_before(spool, ring):
    put(spool, ring, [values(0)] * 3, seq=1)
    put(spool, ring, [values(0)] * 3, seq=4)
    assert [seqs(spool, first) for first in (1, 3, 4, 6, 7)] == [[1, 4], [1, 4], [4], [4], []]


def test_find_yields_what_stands_on_both_sides_of_a_gap(spool, ring):
    places = [put(spool, ring, [values(seq)], seq) for seq in (1, 2, 3)]
    os.pwrite(spool.fd, b"\0" * 64, 4096 + places[1].position)
    assert seqs(spool) == [1, 3]
    with pytest.raises(SpoolDamagedError) as caught:
        spool.place_at(places[1].position)
    assert str(caught.value) == f"no entry stands at 512: {spool.path}"


def test_find_takes_the_later_of_two_entries_of_one_number(spool, ring):
    """The first was refused by the disk half way; its header may stand there all the same."""
    put(spool, ring, [values(1)], seq=1)
    head = ring.head
    put(spool, ring, [draft(2)], seq=2)
    ring.head = head
    later = put(spool, ring, [draft(3)], seq=2, tail=head)
    assert later.position == RING_BYTES
    assert list(spool.find(2)) == [later]


def test_an_entry_of_an_earlier_lap_is_not_taken_for_that_of_a_later_one(spool, ring):
    first = put(spool, ring, [values(1)], seq=1)
    tail = ring.head
    second = put(spool, ring, [values(2)], seq=2, tail=tail)
    assert spool.place_at(second.position).seq == 2
    with pytest.raises(SpoolDamagedError, match=r"^no entry stands at 0: "):
        spool.read(first.position)


def test_an_entry_larger_than_the_ring_reaches_past_its_end_and_comes_back(spool, ring):
    big = draft(1, (400, 300))
    place = put(spool, ring, [big], seq=1)
    assert place.size_bytes > RING_BYTES
    assert np.array_equal(pixels(spool, place.position)[0], big.image.content.pixels)
    assert list(spool.find(1)) == [place]


def test_an_entry_of_more_parts_than_the_kernel_takes_at_once_comes_back(spool, ring):
    drafts = [draft(i, (2, 3)) for i in range(1100)]
    place = put(spool, ring, drafts, seq=1)
    found = pixels(spool, place.position)
    assert all(map(np.array_equal, found, (one.image.content.pixels for one in drafts)))
    assert len(found) == 1100


@pytest.mark.parametrize("num_bytes", [1, 63, 64, 100, 3000])
def test_a_kernel_that_writes_less_than_it_was_given_is_given_the_rest(
    spool, ring, monkeypatch, num_bytes
):
    own_write = os.pwrite
    monkeypatch.setattr(
        file.os,
        "pwritev",
        lambda fd, buffers, at: own_write(fd, b"".join(map(bytes, buffers))[:num_bytes], at),
    )
    monkeypatch.setattr(file.os, "pwrite", lambda fd, data, at: own_write(fd, data[:777], at))
    one = draft(1, (50, 40, 3))
    place = put(spool, ring, [values(0), one], seq=1)
    assert np.array_equal(pixels(spool, place.position)[0], one.image.content.pixels)


@pytest.mark.parametrize("kept_bytes", [0, 1, 63, 64, 100, 300])
def test_an_entry_that_is_cut_off_is_told_from_a_whole_one(spool, ring, kept_bytes):
    first = put(spool, ring, [values(1)], seq=1)
    second = put(spool, ring, [draft(2)], seq=2)
    os.truncate(spool.path, 4096 + second.position + kept_bytes)
    assert spool.read(first.position).place == first
    with pytest.raises(SpoolDamagedError):
        spool.read(second.position)
    assert seqs(spool) == ([1, 2] if kept_bytes >= 64 else [1])


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_bit_anywhere_in_an_entry_is_noticed(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("flipped")
    spool = Spool.create(folder / "w.spool", RING_BYTES)
    drafts = [values(0), draft(1), draft(2, (5, 5, 3))]
    place = put(spool, Ring(RING_BYTES), drafts, seq=1)
    at = data.draw(st.integers(0, place.size_bytes - 1))
    byte = os.pread(spool.fd, 1, 4096 + at)[0] ^ (1 << data.draw(st.integers(0, 7)))
    os.pwrite(spool.fd, bytes([byte]), 4096 + at)
    try:
        found = spool.read(place.position)
    except SpoolDamagedError:
        spool.close()
        return
    whole = [
        digest_of(part, spool.seed) == item.picture.digest
        for item, (part,) in zip(found.items[1:], found.parts[1:], strict=True)
    ]
    is_between = _is_padding(place, found, at)
    assert whole.count(False) == (0 if is_between else 1)
    spool.close()


def _is_padding(place: EntryPlace, found: file.Entry, at: int) -> bool:
    """Return whether no part of the entry stands at a byte; header and items are told of before."""
    body = place.size_bytes - place.body_bytes
    sizes = [item.picture.size_bytes for item in found.items[1:]]
    second = body + -(-sizes[0] // 16) * 16
    return not (body <= at < body + sizes[0] or second <= at < second + sizes[1])


def test_items_that_were_altered_with_their_header_intact_are_named(spool, ring):
    place = put(spool, ring, [values(1)], seq=1)
    os.pwrite(spool.fd, b"\xff", 4096 + place.position + 70)
    with pytest.raises(SpoolDamagedError) as caught:
        spool.read(place.position)
    assert str(caught.value) == f"the items of the entry at 0 differ: {spool.path}"


@pytest.mark.parametrize(
    "damage",
    [
        lambda page: b"",
        lambda page: page[:20],
        lambda page: b"x" + page[1:],
        lambda page: page[:30] + b"\xff" + page[31:],
        lambda page: b"\0" * len(page),
    ],
)
def test_a_file_whose_first_page_is_not_that_of_a_spool_is_an_error(spool, damage):
    page = spool.path.read_bytes()
    spool.path.write_bytes(damage(page))
    num_open = num_open_files()
    with pytest.raises(SpoolDamagedError) as caught:
        Spool.open(spool.path)
    assert str(caught.value) == f"its first page is not that of a spool: {spool.path}"
    assert num_open_files() == num_open


@pytest.mark.parametrize("mark", Mark)
def test_a_mark_is_kept_apart_from_the_others_and_a_damaged_one_is_none(spool, ring, mark):
    assert spool.mark(mark) == 1
    spool.set_mark(mark, 2**40)
    place = put(spool, ring, [values(1)], seq=1, is_logged=False)
    other = Spool.open(spool.path)
    assert {one: other.mark(one) for one in Mark} == dict.fromkeys(Mark, 1) | {mark: 2**40}
    other.close()
    os.pwrite(spool.fd, b"\x01", mark)
    assert spool.mark(mark) == 0
    assert spool.read(place.position).place == place


def test_a_spool_that_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    def refuse(fd, data, offset):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file.os, "pwrite", refuse)
    with pytest.raises(OSError, match="No space left"):
        Spool.create(tmp_path / "w.spool", RING_BYTES)
    assert list(tmp_path.iterdir()) == []


def test_a_spool_is_seen_only_once_it_is_locked(tmp_path, monkeypatch):
    seen = []
    own_lock = file.fcntl.flock

    def lock(fd, kind):
        seen.append([path.name for path in tmp_path.glob("*.spool")])
        own_lock(fd, kind)

    monkeypatch.setattr(file.fcntl, "flock", lock)
    Spool.create(tmp_path / "w.spool", RING_BYTES).close()
    assert [name for names in seen for name in names if not name.startswith(".")] == []


LOCKING = """
import sys
from pathlib import Path
from filmstrip.spool.file import Spool
spool = Spool.create(Path(sys.argv[1]), 2**16)
print("made", flush=True)
sys.stdin.read()
"""


def test_a_lock_is_held_for_as_long_as_its_process_lives(tmp_path):
    path = tmp_path / "w.spool"
    command = [sys.executable, "-c", LOCKING, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "made\n"
        other = Spool.open(path)
        assert (is_locked(path), other.try_lock()) == (True, False)
        process.kill()
        process.wait()
        assert (is_locked(path), other.try_lock()) == (False, True)
        assert is_locked(path)
        other.close()
    assert not is_locked(path)


def test_a_lock_is_shared_by_whoever_was_given_the_open_file(spool):
    """That is how it outlives its process: with the encoder."""
    shared = Spool.open(spool.path, os.dup(spool.fd))
    spool.close()
    assert is_locked(shared.path)
    shared.close()
    assert not is_locked(shared.path)


def test_asking_whether_a_spool_is_locked_takes_no_lock(spool):
    spool.close()
    assert [is_locked(spool.path) for _ in range(2)] == [False, False]
    other = Spool.open(spool.path)
    assert other.try_lock()
    other.close()


def test_a_spool_that_is_not_there_is_not_locked(tmp_path):
    assert not is_locked(tmp_path / "none.spool")


def test_closing_twice_is_once(spool):
    spool.close()
    reused = os.open(Path(spool.path), os.O_RDONLY)
    spool.close()
    os.fstat(reused)
    os.close(reused)

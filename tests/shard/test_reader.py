"""Reading a run's shards again and again: what is new is read, what is replaced is read anew."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import filmstrip.shard.reader
from filmstrip.shard.reader import ShardsReader
from filmstrip.store import StoredRun

PICTURES = [bytes([value]) * 700 for value in range(4)]


def log(*steps: int) -> list:
    return [("x", step, {"png": PICTURES[step % 4]}) for step in steps]


def steps(reader: ShardsReader) -> list[int]:
    reader.refresh()
    return [sample.record.step for sample in reader.samples()]


@pytest.fixture
def run_dir(tmp_path) -> Path:
    return tmp_path / "r1"


@pytest.fixture
def scans(monkeypatch) -> list[int]:
    """The offsets at which scans begin."""
    seen: list[int] = []
    scan = filmstrip.shard.reader.scan_shard

    def scan_and_note(shard: Path, *, start: int = 0):
        seen.append(start)
        return scan(shard, start=start)

    monkeypatch.setattr(filmstrip.shard.reader, "scan_shard", scan_and_note)
    return seen


def test_what_has_not_changed_is_not_read_again(write_shards, run_dir, scans):
    write_shards(run_dir, log(0, 1))
    reader = ShardsReader(run_dir)
    assert (steps(reader), steps(reader)) == ([0, 1], [0, 1])
    assert scans == [0]


def test_a_shard_that_grows_is_read_from_its_last_sample_on(write_shards, run_dir, scans, tmp_path):
    write_shards(run_dir, log(0, 1), is_sealed=False)
    write_shards(tmp_path / "more", log(0, 1, 2))
    (shard,) = run_dir.glob("*.tar")
    reader = ShardsReader(run_dir)
    assert steps(reader) == [0, 1]
    with shard.open("ab") as file:
        file.write((tmp_path / "more" / shard.name).read_bytes()[shard.stat().st_size :])
    assert steps(reader) == [0, 1, 2]
    assert scans == [0, 2560, 5120]  # the last sample, to see that it is the same file, and on


def test_a_shard_that_grows_by_revisits_is_read_on(write_shards, run_dir, scans, tmp_path):
    logged = [*log(0, 1), *log(0, 1)]
    write_shards(run_dir, logged, is_sealed=False)
    (shard,) = run_dir.glob("*.tar")
    write_shards(tmp_path / "more", [*logged, *log(2), *log(0, 2)])
    reader = ShardsReader(run_dir)
    assert steps(reader) == [0, 1, 0, 1]
    first, last = reader.samples()[2:]
    with shard.open("ab") as file:
        file.write((tmp_path / "more" / shard.name).read_bytes()[shard.stat().st_size :])
    assert steps(reader) == [0, 1, 0, 1, 2, 0, 2]
    assert scans == [0, last.offset, last.end_offset]
    assert last.offset == first.line.offset + 1
    places = [reader.locate(sample)["png"] for sample in reader.samples()]
    assert [place.offset for place in places[2:4]] == [place.offset for place in places[:2]]


def test_another_file_with_the_same_inode_number_and_more_bytes_is_read_anew(write_shards, run_dir):
    write_shards(run_dir, log(0, 1))
    reader = ShardsReader(run_dir)
    assert steps(reader) == [0, 1]
    write_shards(run_dir, log(1, 2, 3))  # written in place: as if the number had been given again
    assert steps(reader) == [1, 2, 3]


def test_a_shard_that_is_gone_is_forgotten(write_shards, run_dir):
    write_shards(run_dir, log(0, 1, 0), shard_bytes=3000)
    first, last = sorted(run_dir.glob("*.tar"))
    reader = ShardsReader(run_dir)
    assert steps(reader) == [0, 1, 0]
    first.unlink()
    assert steps(reader) == [0]
    assert reader.locate(reader.samples()[0]) == {}
    assert list(reader.samples_by_shard()) == [last]


def test_a_link_to_a_link_is_followed_by_its_digest(write_shards, run_dir):
    """As while a run is pruned: what the last shard names has its bytes in another one still."""
    write_shards(run_dir, log(0, 0, 0), shard_bytes=1, is_packed=False)
    write_shards(run_dir.with_name("other"), log(9, 0, 0), shard_bytes=1, is_packed=False)
    last = "r0-s0-abcdef-00002.tar"
    pruned = (run_dir.with_name("other") / last).read_bytes()
    assert b'"link":"x/0-0.png","link_shard":"r0-s0-abcdef-00001.tar"' in pruned
    (run_dir / "new").write_bytes(pruned)
    (run_dir / "new").replace(run_dir / last)
    images = StoredRun(run_dir).images("x")
    assert [image.bytes() for image in images] == [PICTURES[0]] * 3


def test_a_replaced_shard_is_read_anew_even_if_it_ends_alike(write_shards, run_dir):
    write_shards(run_dir, log(0, 2))
    reader = ShardsReader(run_dir)
    assert steps(reader) == [0, 2]
    (shard,) = run_dir.glob("*.tar")
    write_shards(run_dir.with_name("other"), log(1, 2))
    (run_dir / "new").write_bytes((run_dir.with_name("other") / shard.name).read_bytes())
    (run_dir / "new").replace(shard)
    assert steps(reader) == [1, 2]


def test_copies_of_bytes_are_found_in_what_was_added_since(write_shards, run_dir):
    write_shards(run_dir, log(0), writer="r0-s0-a")
    reader = ShardsReader(run_dir)
    reader.refresh()
    (member,) = reader.samples()[0].record.members
    assert [place.shard.name for place in reader.copies(member)] == ["r0-s0-a-00000.tar"]
    write_shards(run_dir, log(0), writer="r0-s0-b")
    assert [place.shard.name for place in reader.copies(member)] == [
        "r0-s0-a-00000.tar", "r0-s0-b-00000.tar",
    ]  # fmt: skip


def test_an_image_sent_to_another_process_takes_no_run_with_it(write_shards, run_dir):
    write_shards(run_dir, log(*range(200)))
    image = StoredRun(run_dir).images("x")[7]
    sent = pickle.dumps(image)
    assert len(sent) < 2000
    assert pickle.loads(sent).bytes() == PICTURES[3]

"""What takes how much: every byte of every file is counted, once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import filmstrip
from filmstrip.usage import RunUsage, StoreUsage, measure_run, measure_store

PICTURES = [b"p" * 10, b"q" * 600, b"r" * 512, b"s" * 1500]


def disk_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def parts_bytes(run: RunUsage) -> int:
    """The sum of all that is told apart in a run."""
    for key in run.keys:
        parts = (key.picture_bytes, key.mask_bytes, key.record_bytes, key.header_bytes)
        assert sum(parts) == key.size_bytes
    others = (
        run.values_bytes, run.ends_bytes, run.unreadable_bytes, run.spool_bytes, run.other_bytes,
    )  # fmt: skip
    return sum(key.size_bytes for key in run.keys) + sum(others)


def check(usage: StoreUsage, store: Path) -> None:
    assert usage.size_bytes == disk_bytes(store)
    assert usage.size_bytes == usage.other_bytes + sum(run.size_bytes for run in usage.runs)
    for run in usage.runs:
        assert parts_bytes(run) == run.size_bytes == disk_bytes(store / "runs" / run.run_id)


@pytest.fixture
def store(tmp_path) -> Path:
    path = tmp_path / "store"
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (30, 40, 3), np.uint8)
    for run_id, num_steps in (("small", 1), ("large", 4)):
        with filmstrip.init(dir=path, id=run_id) as run:
            for step in range(num_steps):
                masks = {"m": {"mask_data": rng.integers(0, 9, (30, 40))}}
                fresh = rng.integers(0, 256, (30, 40, 3), np.uint8)
                run.log({"same": filmstrip.Image(picture), "loss": 0.5}, step=step)
                run.log({"new": filmstrip.Image(fresh, masks=masks)}, step=step)
    return path


def test_every_file_is_counted_once_to_the_byte(store):
    (store / "index.sqlite").write_bytes(b"i" * 1234)
    (store / "runs" / "stray.txt").write_bytes(b"s" * 7)
    run_dir = store / "runs" / "large"
    (run_dir / "r0-s0-x.spool").write_bytes(b"w" * 5000)
    (run_dir / "notes").mkdir()
    (run_dir / "notes" / "a.txt").write_bytes(b"n" * 11)
    usage = measure_store(store)
    check(usage, store)
    assert [run.run_id for run in usage.runs] == ["large", "small"]
    assert usage.other_bytes == 1234 + 7 + len(b"*\n")
    assert usage.runs[0].spool_bytes == 5000


def test_what_images_share_is_counted_with_the_first(store):
    large, small = measure_store(store).runs
    keys = {key.key: key for key in large.keys}
    assert [key.key for key in large.keys] == ["new", "same"]
    assert (keys["same"].images, keys["new"].images, large.values) == (4, 4, 4)
    assert keys["same"].shared_bytes == 3 * keys["same"].picture_bytes > 0
    assert (keys["new"].shared_bytes, keys["same"].mask_bytes) == (0, 0)
    stored = filmstrip.open(store).run("large").images("new")
    assert keys["new"].picture_bytes == sum(image.size_bytes for image in stored)
    assert keys["new"].mask_bytes == sum(i.record.members[1].size_bytes for i in stored)
    assert small.keys[0].images == 1


def test_images_whose_records_stand_together_share_what_these_take(write_shards, tmp_path):
    run_dir = tmp_path / "r1"
    keys = ["a", "a", "b", "b", "b"]
    write_shards(run_dir, [(key, step, {"png": b"p" * 700}) for step, key in enumerate(keys)])
    usage = measure_run(run_dir)
    assert parts_bytes(usage) == usage.size_bytes == disk_bytes(run_dir)
    a, b = sorted(usage.keys, key=lambda key: key.key)
    assert (a.images, b.images, b.picture_bytes, b.shared_bytes) == (2, 3, 0, 2100)
    assert 300 <= b.header_bytes <= b.size_bytes <= 1024


@pytest.mark.parametrize("cut", [1, 600, 1500, 3000])
def test_damaged_and_unfinished_parts_are_counted_as_such(store, cut):
    (shard,) = (store / "runs" / "large").glob("*.tar")
    data = bytearray(shard.read_bytes()[:-cut])
    data[data.index(b'"key":"new"') + 7] ^= 1
    shard.write_bytes(data)
    usage = measure_store(store)
    check(usage, store)
    large = next(run for run in usage.runs if run.run_id == "large")
    assert large.unreadable_bytes > 0


def test_an_empty_store_takes_its_marker(tmp_path):
    filmstrip.init(dir=tmp_path / "s", id="r").finish()
    usage = measure_store(tmp_path / "s")
    check(usage, tmp_path / "s")
    assert (usage.runs[0].keys, usage.other_bytes) == ([], 2)


def test_a_store_without_runs(tmp_path):
    filmstrip.init(dir=tmp_path / "s", id="r").finish()
    filmstrip.open(tmp_path / "s").remove("r")
    assert measure_store(tmp_path / "s") == StoreUsage(
        path=str(tmp_path / "s"), runs=[], other_bytes=2, size_bytes=2
    )


def test_progress_counts_the_bytes_of_shards(write_shards, store):
    seen = []
    measure_store(store, on_bytes=lambda done, total: seen.append((done, total)))
    total = sum(shard.stat().st_size for shard in store.rglob("*.tar"))
    assert seen == sorted(seen)
    assert {each for _, each in seen} == {total}
    run_dir = store / "runs" / "large"
    seen.clear()
    measure_run(run_dir, on_bytes=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] - 1024

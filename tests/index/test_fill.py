"""Filling reads what is new, once, whoever else fills; and follows shards that are replaced."""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from tests.index.stores import Sample, append, make_store
from tests.index.test_scan import all_items, check_is_the_same

import filmstrip
from filmstrip.folder import write_run_info
from filmstrip.index import Index, KeyChange, batch, parse_query, stretch
from filmstrip.index.batch import new_generation
from filmstrip.index.fill import Filler
from filmstrip.index.shelf import Shelf
from filmstrip.record import RunInfo


def sample(step: int, **options) -> Sample:
    values = {"run": 0, "rank": 0, "session": 0, "key": "val", "msecs": 0, "picture": step % 4}
    return Sample(**{**values, "step": step, "caption": f"w{step}", **options})


def shard_of(store: Path, name: str) -> Path:
    return store / "runs" / "run0" / f"{name}-00000.tar"


@pytest.fixture
def store() -> Path:
    return make_store(Path("store").absolute(), [sample(step, loss=0.5) for step in range(6)])


def test_the_first_refresh_says_what_there_is_and_the_second_nothing(store, open_index):
    index = open_index(store)
    changes = index.refresh()
    assert changes.keys == [KeyChange(run_id="run0", key="val", step=5, num_images=6)]
    assert (changes.runs, changes.num_images, bool(changes)) == (["run0"], 6, True)
    again = index.refresh()
    assert (again.keys, again.runs, again.num_images, bool(again)) == ([], [], 0, False)


def test_only_what_is_new_is_read(store, open_index, monkeypatch):
    index = open_index(store)
    index.refresh()
    starts = []

    def scan(shard, *, start=0):
        starts.append((shard.name, start))
        return iter_scan(shard, start=start)

    iter_scan = stretch.scan_shard
    monkeypatch.setattr(stretch, "scan_shard", scan)
    assert not index.refresh()
    assert starts == []
    append(store, [sample(7)], writer="x")
    assert index.refresh().num_images == 1
    assert starts == [("r0-s0-x-00000.tar", 0)]


def test_a_shard_that_grows_is_read_on_from_its_last_sample(store, open_index):
    shard = shard_of(store, "r0-s0-w")
    whole = shard.read_bytes()
    index = open_index(store)
    counts = []
    for size in range(0, len(whole) + 512, 512):
        shard.write_bytes(whole[:size])  # the same file, emptied and longer again
        index.refresh()
        counts.append(index.images(parse_query("")).total)
        if size % 2048 == 0:
            check_is_the_same(index, store)
    shard.write_bytes(whole)
    index.refresh()
    assert counts[-1] == 6
    assert counts == sorted(counts)
    check_is_the_same(index, store)


def test_progress_counts_the_bytes_that_are_read(store, open_index):
    seen = []
    open_index(store).refresh(progress=lambda done, total: seen.append((done, total)))
    size = shard_of(store, "r0-s0-w").stat().st_size
    assert seen[-1][1] == size
    assert 0 < seen[-1][0] <= size


@pytest.mark.parametrize("max_batch", [1, 2, 2000])
def test_batches_of_any_size_give_the_same(store, open_index, monkeypatch, max_batch):
    monkeypatch.setattr(stretch, "MAX_SAMPLES", max_batch)
    append(store, [sample(step, rank=1) for step in range(14)], writer="r")
    append(store, [sample(step % 3, rank=1, loss=0.25) for step in range(7)], writer="x")
    append(store, [sample(1, session=1), sample(1, session=1, loss=2)], writer="y")
    index = open_index(store)
    index.refresh()
    check_is_the_same(index, store)


def test_a_shard_that_is_replaced_is_read_anew(store, open_index):
    index = open_index(store)
    index.refresh()
    other = make_store(Path("other").absolute(), [sample(step, loss=1) for step in (1, 3)])
    shard_of(other, "r0-s0-w").replace(shard_of(store, "r0-s0-w"))
    changes = index.refresh()
    assert [(change.key, change.num_images) for change in changes.keys] == [("val", 2)]
    check_is_the_same(index, store)
    assert [item.step for item in all_items(index, "w1")] == [1]
    assert all_items(index, "w2") == []


def test_a_shard_that_is_replaced_by_a_longer_one_with_its_inode_is_noticed(store, open_index):
    index = open_index(store)
    index.refresh()
    other = make_store(Path("other").absolute(), [sample(step, key="b") for step in range(9)])
    shard_of(store, "r0-s0-w").write_bytes(shard_of(other, "r0-s0-w").read_bytes())
    index.refresh()
    check_is_the_same(index, store)
    assert [key.key for key in index.runs()[0].keys] == ["b"]


def test_what_a_deleted_shard_superseded_is_shown_again(store, open_index):
    append(store, [sample(2, session=1, key="val", loss=9), sample(3, session=1, key="new")])
    index = open_index(store)
    index.refresh()
    check_is_the_same(index, store)
    shard_of(store, "r0-s1-w").unlink()
    index.refresh()
    check_is_the_same(index, store)
    assert [key.key for key in index.runs()[0].keys] == ["val"]


def test_pictures_of_a_deleted_shard_are_found_nowhere(store, open_index):
    append(store, [sample(9, picture=77)], writer="x")
    index = open_index(store)
    index.refresh()
    (item,) = all_items(index, "w9")
    assert index.member(item.digest) is not None
    shard_of(store, "r0-s0-x").unlink()
    index.refresh()
    assert index.member(item.digest) is None
    assert index.item(item.id) is None


def test_a_deleted_run_goes(store, open_index):
    append(make_store(store, [sample(0, run=1)]), [])
    index = open_index(store)
    index.refresh()
    shutil.rmtree(store / "runs" / "run0")
    assert index.refresh().runs == ["run0"]
    check_is_the_same(index, store)
    assert [item.run_id for item in all_items(index, "")] == ["run1"]


def test_a_run_that_comes_back_is_read_again(store, open_index):
    index = open_index(store)
    index.refresh()
    before = all_items(index, "")
    shutil.move(store / "runs" / "run0", "away")
    index.refresh()
    shutil.move("away", store / "runs" / "run0")
    index.refresh()
    assert all_items(index, "") == before
    check_is_the_same(index, store)


def test_only_the_runs_asked_for_are_read(store, open_index):
    make_store(store, [sample(0, run=1)])
    index = open_index(store)
    assert index.refresh(["run1", "none"]).runs == ["run1"]
    assert [row.run_id for row in index.runs()] == ["run1"]


def test_a_change_of_run_json_is_told(store, open_index):
    index = open_index(store)
    index.refresh()
    info = RunInfo(id="run0", name="better", project="p", created=0.0, state="finished")
    write_run_info(store / "runs" / "run0", info)
    assert index.refresh().runs == ["run0"]
    assert index.runs()[0].info == info


def test_a_picture_whose_own_record_is_damaged_is_found_by_those_that_link_to_it(open_index):
    samples = [sample(0, picture=7), sample(1, picture=7), sample(2, picture=8)]
    store = make_store(Path("store").absolute(), samples)
    shard = shard_of(store, "r0-s0-w")
    data = bytearray(shard.read_bytes())
    place = data.index(b'"caption":"w0"')
    data[place + 12] ^= 1
    shard.write_bytes(data)
    index = open_index(store)
    index.refresh()
    assert [item.step for item in all_items(index, "sort:step")] == [1, 2]
    check_is_the_same(index, store)  # reads every picture


def test_a_run_without_run_json_is_there_with_what_is_known(store, open_index):
    (store / "runs" / "run0" / "run.json").write_bytes(b"{}")
    index = open_index(store)
    index.refresh()
    check_is_the_same(index, store)


def test_a_store_that_is_gone_is_an_error_and_drops_nothing(store, open_index):
    index = open_index(store)
    index.refresh()
    (store / "runs").rename("away")
    with pytest.raises(FileNotFoundError):
        index.refresh()
    assert [row.num_images for row in index.runs()] == [6]


def test_rebuilding_gives_the_same_ids(store, open_index):
    index = open_index(store)
    index.refresh()
    before = all_items(index, "")
    index.rebuild()
    assert all_items(index, "") == before


def fill_it(store: Path, url: str | None, barrier) -> None:
    barrier.wait()
    index = Index.open(store, url)
    for _ in range(3):
        index.refresh()
    index.close()


def test_processes_that_fill_at_once_store_each_image_once(store, database_url, open_index):
    append(store, [sample(step, key="more") for step in range(300)], writer="x")
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    workers = [
        context.Process(target=fill_it, args=(store, database_url, barrier)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    index = open_index(store)
    assert not index.refresh()
    check_is_the_same(index, store)


def test_fillers_that_meet_in_one_shard_store_each_image_once(store, open_index, monkeypatch):
    monkeypatch.setattr(stretch, "MAX_SAMPLES", 1)
    index = open_index(store)
    fillers = [Filler(index._home.database, Shelf(store)) for _ in range(4)]
    threads = [threading.Thread(target=filler.refresh) for filler in fillers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_is_the_same(index, store)


KILLED = """
import os, sys
from pathlib import Path
from filmstrip.index import Index, fill, stretch
stretch.MAX_SAMPLES = 5
batches = 0
insert = fill.insert_images
def insert_and_die(*args, **options):
    global batches
    touched = insert(*args, **options)
    batches += 1
    if batches == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    return touched
fill.insert_images = insert_and_die
Index.open(Path(sys.argv[1]), sys.argv[3] or None).refresh()
"""


@pytest.mark.parametrize("loss", [1, None], ids=["samples", "revisits"])
@pytest.mark.parametrize("at_batch", [1, 3])
def test_a_kill_in_mid_refresh_loses_nothing(store, database_url, open_index, at_batch, loss):
    append(store, [sample(step, key="more", loss=loss) for step in range(20)], writer="a")
    command = [sys.executable, "-c", KILLED, store, str(at_batch), database_url or ""]
    assert subprocess.run(command).returncode == -9
    index = open_index(store)
    index.refresh()
    check_is_the_same(index, store)


def test_numbers_that_rows_have_are_forgotten_when_another_drops_them(store, open_index):
    index = open_index(store)
    index.refresh()
    other = open_index(store)
    other.refresh()
    other.rebuild()  # rows of keys and fields have other numbers now
    append(store, [sample(11, key="later", camera="front", loss=3)], writer="x")
    index.refresh()
    check_is_the_same(index, store)
    check_is_the_same(other, store)
    assert len(all_items(index, "meta.camera=front key:later")) == 1


def test_integers_that_no_database_holds_are_kept_at_its_ends(store, open_index):
    append(store, [sample(2**63 - 1), sample(-(2**63))], writer="x")
    index = open_index(store)
    index.refresh()
    check_is_the_same(index, store)


def test_a_zero_character_in_a_key_is_kept(store, open_index):
    append(store, [sample(0, key="a\0b"), sample(0, key="a\1b")], writer="x")
    index = open_index(store)
    index.refresh()
    assert [key.key for key in index.runs()[0].keys] == ["val", "a\0b", "a\1b"]
    assert len(index.latest(None, ["a\0b"], 5)) == 1


def test_the_public_writer_s_runs_are_read_as_they_are(open_index):
    with filmstrip.init(dir="store", id="a") as run:
        pictures = [filmstrip.Image(np.full((2, 2), value)) for value in (0.0, 1.0, 1.0)]
        run.log({"x": pictures, "loss": 1})
    index = open_index(Path("store"))
    index.refresh()
    check_is_the_same(index, Path("store"))


@pytest.mark.parametrize("max_near", [0, 1, 1000])
def test_images_of_one_tick_get_numbers_of_their_own(open_index, monkeypatch, max_near):
    monkeypatch.setattr(batch, "_MAX_NEAR", max_near)
    monkeypatch.setattr(stretch, "MAX_SAMPLES", 300)
    samples = [sample(0, picture=i % 7, rank=i % 2, key=f"key{i % 3}") for i in range(700)]
    store = make_store(Path("store").absolute(), samples)
    index = open_index(store)
    index.refresh()
    assert sum(key.num_stored for key in index.runs()[0].keys) == 700
    check_is_the_same(index, store)


def test_what_is_known_of_fields_and_links_is_kept_until_rows_are_dropped(open_index):
    store = make_store(Path("store").absolute(), [sample(step, picture=1) for step in range(3)])
    index = open_index(store)
    index.refresh()
    numbering = index._filler._numbering
    with index._home.database.write() as connection:
        numbering.begin(connection)
    assert len(numbering.fields) == 2
    assert len(numbering.heads) == 1
    with index._home.database.write() as connection:
        new_generation(connection)
        numbering.begin(connection)
    assert len(numbering.fields) + len(numbering.heads) == 0

"""Damage is found, counted and told; the end of a live run's shard is none."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

import filmstrip
from filmstrip.server.damage import DamageWatch
from filmstrip.server.footprint import take_footprint


def log(store, run_id: str, num_images: int = 6) -> None:
    with filmstrip.init(dir=store, id=run_id) as run:
        for step in range(num_images):
            run.log({"x": filmstrip.Image(np.full((4, 4), step, np.uint8))}, step=step)


def break_record(store, run_id: str, step: int) -> None:
    """Change one byte of a step's record."""
    (shard,) = (store / "runs" / run_id).glob("*.tar")
    data = bytearray(shard.read_bytes())
    at = data.index(b'"step":%d,' % step) + 8
    data[at] ^= 1
    with shard.open("r+b") as file:
        file.write(data)


@pytest.fixture
def store(tmp_path):
    log(tmp_path, "a")
    log(tmp_path, "b")
    return tmp_path


def watch(store, *live: str, told: list[str] | None = None) -> DamageWatch:
    return DamageWatch(
        store,
        footprint=lambda: take_footprint(store),
        is_live=live.__contains__,
        tell=[].append if told is None else told.append,
    )


def line(run: str, places: str) -> str:
    return (
        f"run '{run}' is damaged in {places}, and what stood there is not shown; "
        "`filmstrip verify` names them"
    )


def test_a_whole_store_has_no_problems(store):
    watching = watch(store)
    watching.look()
    assert watching.problems == []


def test_damaged_records_are_counted_by_run(store):
    watching = watch(store)
    for step in (1, 3):
        break_record(store, "b", step)
    watching.look()
    assert watching.problems == [line("b", "2 places")]


def test_what_was_counted_is_not_counted_again(store):
    break_record(store, "a", 5)
    watching = watch(store)
    (shard,) = (store / "runs/a").glob("*.tar")
    for _ in range(3):
        watching.look()
        assert watching.problems == [line("a", "1 place")]
        copy = shard.with_suffix(".copy")
        copy.write_bytes(shard.read_bytes())
        copy.replace(shard)  # another file, which is read from its start


def test_each_problem_is_told_once(store):
    told: list[str] = []
    watching = watch(store, told=told)
    watching.look()
    for step in (2, 4):
        break_record(store, "b", step)
        (shard,) = (store / "runs/b").glob("*.tar")
        shard.with_suffix(".copy").write_bytes(shard.read_bytes())
        shard.with_suffix(".copy").replace(shard)
        watching.look()
        watching.look()
    assert told == [line("b", "1 place"), line("b", "2 places")]


@pytest.mark.parametrize(("live", "problems"), [((), [line("a", "1 place")]), (("a",), [])])
def test_a_torn_end_is_damage_unless_it_is_being_written(store, live, problems):
    (shard,) = (store / "runs/a").glob("*.tar")
    with shard.open("r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) - 1500)
    watching = watch(store, *live)
    watching.look()
    assert watching.problems == problems


def test_a_run_that_is_deleted_is_forgotten(store):
    break_record(store, "a", 2)
    watching = watch(store)
    watching.look()
    filmstrip.open(store).remove("a")
    watching.look()
    assert watching.problems == []


def test_the_page_is_told(store, serve):
    break_record(store, "a", 2)
    with serve(store) as served:
        deadline = time.monotonic() + 20
        while not (problems := served.client.get("/api/store").json()["problems"]):
            assert time.monotonic() < deadline
        assert problems == [line("a", "1 place")]
        assert served.client.get("/api/store").json()["num_images"] == 11

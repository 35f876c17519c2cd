"""`Store.query` and `Store.latest` give images as `StoredRun.images` does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import filmstrip
from filmstrip import Image
from filmstrip.errors import QueryError


@pytest.fixture
def store() -> filmstrip.Store:
    for name in ("a", "b"):
        with filmstrip.init(dir="store", id=name) as run:
            for step in range(0, 50, 10):
                mask = {"m": {"mask_data": np.eye(4, dtype=np.uint8) * (step // 10)}}
                pictures = [
                    Image(np.full((4, 4), i * 9, np.uint8), caption=f"w{i}", masks=mask)
                    for i in range(3)
                ]
                run.log({"x": pictures, "y": pictures[0], "epoch": step / 20}, step=step)
    return filmstrip.open("store")


def same(found, expected):
    assert [(i.run_id, i.key, i.step, i.index) for i in found] == [
        (i.run_id, i.key, i.step, i.index) for i in expected
    ]
    for one, other in zip(found, expected, strict=True):
        assert one.record == other.record
        assert one.bytes() == other.bytes()
        assert np.array_equal(one.masks["m"].array, other.masks["m"].array)


def test_a_query_finds_images_whole(store):
    same(store.query("run:a key:x sort:step"), store.run("a").images("x"))
    expected = [image for image in store.run("b").images("x", steps=[20, 30]) if image.index == 1]
    same(store.query("run:b w1 step:20..30 sort:step"), expected)


def test_the_newest_images_come_first_and_a_limit_holds(store):
    assert [(i.run_id, i.step, i.index) for i in store.query("key:x", limit=4)] == [
        ("b", 40, 0), ("b", 40, 1), ("b", 40, 2), ("b", 30, 0)
    ]  # fmt: skip
    assert store.query("key:x", limit=0) == []
    assert len(store.query()) == 40


def test_the_latest_images_are_those_of_the_newest_step_at_or_before(store):
    same(store.latest(25, runs=["a"], keys=["x"]), store.run("a").images("x", steps=20))
    assert [(i.run_id, i.key, i.step) for i in store.latest(max_images=1)] == [
        ("a", "x", 40), ("a", "y", 40), ("b", "x", 40), ("b", "y", 40)
    ]  # fmt: skip
    assert [i.step for i in store.latest(1.2, axis="epoch", keys=["y"])] == [20, 20]
    assert store.latest(-1) == []


def test_what_is_logged_after_a_query_is_in_the_next(store):
    assert store.query("late") == []
    with filmstrip.init(dir="store", id="c") as run:
        run.log({"x": Image(np.zeros((2, 2)), caption="late")})
    assert [image.run_id for image in store.query("late")] == ["c"]


def test_a_text_that_is_no_query_is_an_error_that_names_the_place(store):
    with pytest.raises(QueryError, match=r"got 'abc' at character 6;"):
        store.query("step:abc")


def test_images_of_a_store_that_moved_are_found(store):
    store.query()
    Path("store").rename("moved")
    images = filmstrip.open("moved").query("run:a key:y sort:step")
    assert [image.array()[0, 0] for image in images] == [0] * 5

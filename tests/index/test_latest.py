"""The newest images at or before a place, for many runs and keys at once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.index.stores import KEYS, SAMPLES, Sample, make_store

import filmstrip
from filmstrip.index import Index


def scanned(store: Path, at: float, axis: str, keys: list[str]) -> list:
    """Say the same of all images that a scan gives."""
    found = []
    for run in sorted(filmstrip.open(store).runs(), key=lambda run: run.id):
        numbers = {
            v.step: v.values["loss"]
            for v in run.values()
            if isinstance(v.values.get("loss"), (int, float))
        }
        reached = [(value, step) for step, value in numbers.items() if value <= at]
        for key in [key for key in run.keys() if key in keys]:  # noqa: SIM118
            images = run.images(key)
            times = {i.step: min(j.time for j in images if j.step == i.step) for i in images}
            if axis == "step":
                before = [step for step in times if step <= at]
            elif axis == "time":
                newest = max(((t, s) for s, t in times.items() if t <= at), default=(0, None))
                before = [newest[1]] if newest[1] is not None else []
            else:
                limit = max(reached, default=(0, None))[1] if axis == "loss" else None
                before = [step for step in times if limit is not None and step <= limit]
            if before:
                found += [(run.id, key, i.step, i.index) for i in images if i.step == max(before)]
    return sorted(found)


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    samples=st.lists(SAMPLES, min_size=1, max_size=15),
    place=st.sampled_from(
        [("step", -4), ("step", 1), ("step", 5.5), ("step", 2**63), ("time", 1.7e9),
         ("time", 1.7e9 + 0.0025), ("loss", 0.3), ("loss", 5), ("loss", -9), ("none", 1)]
    ),
    keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=3),
)  # fmt: skip
def test_the_latest_are_those_that_a_scan_gives(database_url, samples, place, keys):
    store = make_store(Path(tempfile.mkdtemp(prefix="store-", dir=".")), samples)
    index = Index.open(store, database_url)
    try:
        index.rebuild()
        found = index.latest(None, keys, place[1], place[0])
        named = index.latest(["run1"], keys, place[1], place[0])
    finally:
        index.close()
    expected = scanned(store, place[1], place[0], keys)
    assert sorted((i.run_id, i.key, i.step, i.index) for i in found) == expected
    assert sorted((i.run_id, i.key, i.step, i.index) for i in named) == [
        row for row in expected if row[0] == "run1"
    ]


@pytest.mark.parametrize(("runs", "keys"), [([], None), (None, []), (["no"], None), (None, ["no"])])
def test_of_no_run_or_key_there_is_nothing(open_index, runs, keys):
    index = open_index(make_store(Path("store"), [Sample(0, 0, 0, "val", 0, 0, 0, None)]))
    index.refresh()
    assert index.latest(runs, keys, 5) == []


def test_images_come_by_run_and_in_their_order_and_no_more_than_asked(open_index):
    samples = [Sample(run, 0, 0, "val", 3, 0, i, None) for i in range(4) for run in (1, 0)]
    index = open_index(make_store(Path("store"), samples))
    index.refresh()
    found = index.latest(["run1", "run0"], None, 9, max_images=2)
    assert [(i.run_id, i.index) for i in found] == [
        ("run0", 0), ("run0", 1), ("run1", 0), ("run1", 1)
    ]  # fmt: skip


def test_more_pairs_than_one_statement_takes(open_index):
    samples = [Sample(0, 0, 0, f"key {i}", i % 5, 0, 0, None) for i in range(150)]
    index = open_index(make_store(Path("store"), samples))
    index.refresh()
    assert len(index.latest(None, None, 3)) == 120

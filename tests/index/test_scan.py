"""What the index says is what a scan of the shards says."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.index.stores import SAMPLES, append, make_store

import filmstrip
from filmstrip.index import Index, parse_query
from filmstrip.index import plan as plan_module

FEW = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def all_items(index: Index, query: str, limit: int = 3) -> list:
    """Follow the cursors to the end."""
    items, cursor = [], None
    while True:
        page = index.images(parse_query(query), cursor=cursor, limit=limit)
        items += page.items
        cursor = page.cursor
        if cursor is None:
            return items


def is_same_value(one, other):
    return one == other or (one != one and other != other)


def check_is_the_same(index: Index, store: Path) -> None:
    scanned = filmstrip.open(store).runs()
    rows = index.runs()
    assert [row.run_id for row in rows] == [run.id for run in scanned]
    for run, row in zip(scanned, rows, strict=True):
        assert row.info == run.info
        assert [key.key for key in row.keys] == run.keys()
        for key in row.keys:
            images = run.images(key.key)
            steps = run.steps(key.key)
            assert (key.num_images, key.num_steps) == (len(images), len(steps))
            assert (key.first_step, key.last_step) == (steps[0], steps[-1])
            counts = [sum(image.step == step for image in images) for step in steps]
            assert key.max_per_step == max(counts)
            assert [(s.step, s.num_images) for s in index.steps(run.id, key.key)] == list(
                zip(steps, counts, strict=True)
            )
            found = all_items(index, f'run:{run.id} key:"{key.key}" sort:step')
            assert [(i.step, i.index, i.digest, i.record) for i in found] == [
                (i.step, i.index, i.digest, i.record) for i in images
            ]
            assert len({item.id for item in found}) == len(found)
            for item, image in zip(found, images, strict=True):
                assert index.item(item.id) == item
                place = index.member(item.digest)
                data = place.shard.read_bytes()[place.offset : place.offset + place.size_bytes]
                assert data == image.bytes()
        for values in run.values():
            found = index.values_at(run.id, values.step)
            assert found.keys() == values.values.keys()
            assert all(is_same_value(found[name], v) for name, v in values.values.items())
        (series,) = index.series(run.id, ["loss"]) or [None]
        numbers = {
            v.step: (v.time, v.values["loss"])
            for v in run.values()
            if isinstance(v.values.get("loss"), (int, float))
        }
        assert (series is None) == (not numbers)
        if series is not None:
            assert row.series == ["loss"]
            assert series.steps == sorted(numbers)
            assert series.times == [numbers[step][0] for step in series.steps]
            assert all(map(is_same_value, series.values, [numbers[s][1] for s in series.steps]))


@FEW
@given(
    samples=st.lists(SAMPLES, min_size=1, max_size=20),
    more=st.lists(SAMPLES, max_size=10),
    max_gathered=st.sampled_from([0, 1000]),
)
def test_the_index_says_what_a_scan_says(database_url, monkeypatch, samples, more, max_gathered):
    monkeypatch.setattr(plan_module, "MAX_GATHERED", max_gathered)
    store = make_store(Path(tempfile.mkdtemp(prefix="store-", dir=".")), samples)
    index = Index.open(store, database_url)
    try:
        index.rebuild()
        check_is_the_same(index, store)
        assert not index.refresh()
        appended = [sample for sample in more if sample.run in {s.run for s in samples}]
        append(store, appended, writer="x")
        assert bool(index.refresh()) == bool(appended)
        check_is_the_same(index, store)
    finally:
        index.close()

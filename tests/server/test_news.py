"""What is told after a look."""

from __future__ import annotations

import pytest

from filmstrip.index.rows import IndexChanges, KeyChange, KeyRow, RunRow
from filmstrip.record import RunInfo
from filmstrip.server.news import News
from filmstrip.server.schema import RunEvent


def row(run: str, **num_images: int) -> RunRow:
    keys = [
        KeyRow(key=key, num_images=n, num_stored=n, num_steps=n, first_step=0, last_step=n - 1,
               max_per_step=1)
        for key, n in num_images.items()
    ]  # fmt: skip
    info = RunInfo(id=run, name=run, project="p", created=0.0)
    return RunRow(run_id=run, info=info, num_images=0, num_stored=0, keys=keys, series=[])


STATES = {"a": "running", "b": "finished"}


@pytest.fixture
def news():
    found = News()
    found.events(IndexChanges(), changed=[], rows=[row("a", x=1), row("b", y=2)], states=STATES)
    return found


def change(run: str, key: str, step: int, num_images: int) -> KeyChange:
    return KeyChange(run_id=run, key=key, step=step, num_images=num_images)


def test_nothing_new_is_nothing_told(news):
    assert news.events(
        IndexChanges(), changed=[], rows=[row("a", x=1), row("b", y=2)], states=STATES
    ) == []  # fmt: skip


def test_what_another_process_put_into_the_index_is_told(news):
    rows = [row("a", x=3, z=1), row("b", y=2)]
    assert news.events(IndexChanges(), changed=["a"], rows=rows, states=STATES) == [
        change("a", "x", 2, 3), change("a", "z", 0, 1)
    ]  # fmt: skip


def test_what_the_index_says_is_more_exact(news):
    changes = IndexChanges(keys=[change("a", "x", -5, 3)])
    rows = [row("a", x=3), row("b", y=2)]
    assert news.events(changes, changed=["a"], rows=rows, states=STATES) == [
        change("a", "x", -5, 3)
    ]


def test_a_change_without_images_is_told_of_its_run(news):
    rows = [row("a", x=1), row("b", y=2)]
    assert news.events(IndexChanges(), changed=["a"], rows=rows, states=STATES) == [
        RunEvent(run_id="a", state="running")
    ]


def test_a_run_that_went_is_told(news):
    rows = [row("a", x=1)]
    assert news.events(IndexChanges(runs=["b"]), changed=["b"], rows=rows, states={}) == [
        RunEvent(run_id="b", state="deleted")
    ]


def test_the_first_look_tells_what_the_index_found_and_no_more():
    assert News().events(IndexChanges(), changed=[], rows=[row("a", x=1)], states=STATES) == []

"""A store's footprint is other after every change, and the same when there was none."""

from __future__ import annotations

import pytest

from filmstrip.server.footprint import changed_runs, take_footprint


@pytest.fixture
def store(tmp_path):
    for run in ("a", "b"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "r0-00000.tar").write_bytes(b"x" * 512)
    (tmp_path / "runs" / "a file").write_text("is no run")
    return tmp_path


def test_nothing_changes_by_looking(store):
    assert changed_runs(take_footprint(store), take_footprint(store)) == []


def append(run):
    with (run / "r0-00000.tar").open("ab") as shard:
        shard.write(b"y")


def replace(run):
    (run / "new").write_bytes(b"x" * 512)
    (run / "new").replace(run / "r0-00000.tar")


def add(run):
    (run / "r0-00001.tar").touch()


def remove(run):
    (run / "r0-00000.tar").unlink()
    run.rmdir()


@pytest.mark.parametrize("change", [append, replace, add, remove])
def test_a_change_is_seen_in_its_run(store, change):
    before = take_footprint(store)
    change(store / "runs" / "b")
    assert changed_runs(before, take_footprint(store)) == ["b"]


def test_a_new_run_is_seen(store):
    before = take_footprint(store)
    (store / "runs" / "c").mkdir()
    assert changed_runs(before, take_footprint(store)) == ["c"]


def test_a_store_that_is_gone_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        take_footprint(tmp_path / "gone")


@pytest.mark.parametrize(
    ("change", "is_seen"), [(append, False), (replace, True), (add, True), (remove, True)]
)
def test_of_a_settled_run_only_its_folder_is_looked_at(store, change, is_seen):
    before = take_footprint(store)
    change(store / "runs" / "b")
    now = take_footprint(store, known=before, settled={"a", "b"})
    assert changed_runs(before, now) == (["b"] if is_seen else [])


def test_a_run_that_is_not_settled_is_looked_at(store):
    before = take_footprint(store)
    append(store / "runs" / "b")
    now = take_footprint(store, known=before, settled={"a"})
    assert changed_runs(before, now) == ["b"]

"""``filmstrip du``: what it prints; what it counts is in ``tests/test_usage.py``."""

from __future__ import annotations

import json

import pytest

from filmstrip.cli.text import size_text


def disk_bytes(folder) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_store_is_shown_by_run_and_key_largest_first(cli, store, evil):
    outcome = cli("du", store)
    assert (outcome.code, outcome.err) == (0, "")
    header, *lines, last = outcome.out.splitlines()
    assert header.split() == [
        "run", "key", "images", "pictures", "masks", "records", "headers", "shared", "size",
    ]  # fmt: skip
    keys = [line[9:].split("  ")[0] for line in lines]
    assert keys[0] == "pair"
    assert {"val/cats", evil.shown[:-1] + "c", "(numbers and texts)", "(other)"} <= set(keys)
    assert last == f"2 runs, 5 images: {size_text(disk_bytes(store))}"
    assert cli("du", "--store", store).out == outcome.out


def test_a_run_is_shown_by_key(cli, store):
    outcome = cli("du", "baseline", "--store", store)
    header, *lines, last = outcome.out.splitlines()
    assert header.startswith("key ")
    (cats,) = [line for line in lines if line.startswith("val/cats")]
    cells = [cell.strip() for cell in cats.split("  ") if cell]
    assert (cells[:3], cells[-2]) == (["val/cats", "2", "150 B"], "150 B")
    assert last == f"4 images: {size_text(disk_bytes(store / 'runs' / 'lr-0.1'))}"


def test_json_has_every_byte(cli, store):
    usage = json.loads(cli("du", store, "--json").out)
    assert usage["size_bytes"] == disk_bytes(store)
    assert [run["run_id"] for run in usage["runs"]] == ["lr-0.1", "lr-0.01"]
    run = json.loads(cli("du", "lr-0.1", "--store", store, "--json").out)
    assert run == usage["runs"][0]


@pytest.mark.parametrize("columns", [60, 80, 100, 160])
def test_the_table_fits_the_terminal_and_says_what_it_leaves_out(cli, store, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    outcome = cli("du", store)
    assert max(map(len, outcome.out.splitlines())) <= columns
    assert ("no room for" in outcome.err) == (columns < 100)


def test_names_are_never_shown_raw(cli, store):
    outcome = cli("du", store)
    assert all(c.isprintable() or c == "\n" for c in outcome.out)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("nope",), "the id of a run in the store, got 'nope'; the runs are 'lr-0.01', 'lr-0.1'"),
        (("lr-0",), "the id of one run, got 'lr-0', which fits 2; write more of one of "),
        (("./nothing",), "a filmstrip store, got a path without one; log something first, "),
    ],
)
def test_what_is_not_there_is_2(cli, store, args, message):
    outcome = cli("du", *args, "--store", store)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: expected {message}")

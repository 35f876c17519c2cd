"""``filmstrip prune``: what it shows and asks; what it deletes is in ``tests/test_prune.py``."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

import filmstrip
from filmstrip.cli.text import size_text


@pytest.fixture
def store(tmp_path, fixed_time, make_bmp, evil):
    path = tmp_path / "store"
    with filmstrip.init(dir=path, id="r1", name="night") as run:
        for step in range(4):
            fresh = make_bmp(8, 4 + step, "red")
            image = filmstrip.Image(fresh)
            run.log({"val/cats": image, "train": image, "loss": 1 / (step + 1)}, step=step * 10)
    with filmstrip.init(dir=path, id="evil") as run:
        for step in range(2):
            run.log({evil.raw: filmstrip.Image(make_bmp(1, 1, "red"))}, step=step)
    return path


def steps(store, key: str) -> list[int]:
    return filmstrip.open(store).run("r1").steps(key)


def size(store) -> int:
    return filmstrip.open(store).run("r1").size_bytes


def test_what_goes_is_shown_deleted_and_summed_up(cli, store):
    before = size(store)
    outcome = cli("prune", "r1", "--key", "val/*", "--keep", "last:1", "--yes", "--store", store)
    freed = before - size(store)
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "key       keep    images  steps  from–to    size  stay",
        "val/cats  last:1       3      3     0–20  6.1 kB     1",
        f"deleted 3 images of r1: {size_text(freed)} freed",
    ]
    assert outcome.err == "3.1 kB of it stay: images that stay share them\n"
    assert (steps(store, "val/cats"), steps(store, "train")) == ([30], [0, 10, 20, 30])
    assert cli("verify", store).code == 0


def test_a_dry_run_changes_nothing_and_says_the_same(cli, store):
    before = size(store)
    planned = cli("prune", "night", "--keep", "best:loss:2", "--dry-run", "--store", store)
    assert (planned.code, planned.err, size(store)) == (0, "", before)
    done = cli("prune", "night", "--keep", "best:loss:2", "--yes", "--store", store)
    assert planned.out.replace("would delete", "deleted") == done.out
    assert done.out.splitlines()[-1] == (
        f"deleted 4 images of r1: {size_text(before - size(store))} freed"
    )
    assert steps(store, "train") == [20, 30]


def test_json_is_the_report_and_nothing_else(cli, store):
    before = size(store)
    outcome = cli("prune", "r1", "--keep", "every:20", "--yes", "--json", "--store", store)
    report = json.loads(outcome.out)
    assert (outcome.code, outcome.err) == (0, "")
    assert report.pop("freed_bytes") == before - size(store)
    sizes = [key.pop("size_bytes") for key in report["keys"]]
    assert all(sizes)
    shared = {"policy": "every:20", "steps": [10], "images": 1, "kept_steps": 3, "kept_images": 3}
    assert report == {
        "run_id": "r1",
        "is_dry_run": False,
        "keys": [{"key": "val/cats"} | shared, {"key": "train"} | shared],
        "images": 2,
        "waiting_images": 0,
        "left": [],
        "failure": "",
    }


def test_nothing_to_delete_asks_nothing(cli, store):
    outcome = cli("prune", "r1", "--keep", "last:4", "--store", store)
    assert (outcome.code, outcome.out, outcome.err) == (0, "nothing to delete\n", "")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ("r1", "--keep", "newest:3"),
            (
                'expected a policy: "all", "last:20", "every:10", "best:loss:5" or '
                "\"best:acc:5:max\", got 'newest:3'; numbers are 1 or more, and best takes a "
                "metric, a number, and min (default) or max"
            ),
        ),
        (
            ("r1", "--keep", "last:3", "--key", "vla/*"),
            "expected a key that has images, got 'vla/*'; the keys are 'val/cats', 'train'",
        ),
        (
            ("r2", "--keep", "last:3"),
            "expected the id of a run in the store, got 'r2'; the runs are 'evil', 'r1'",
        ),
        (
            ("r1", "--keep", "last:1"),
            (
                "expected a terminal to ask before deleting 6 images, got none; "
                "pass --yes to delete without asking"
            ),
        ),
    ],
)
def test_wrong_usage_deletes_nothing(cli, store, args, message):
    before = size(store)
    outcome = cli("prune", *args, "--store", store)
    assert (outcome.code, outcome.err) == (2, f"error: {message}\n")
    assert size(store) == before


def answer(store, reply: bytes) -> tuple[int, str]:
    """Run ``prune`` on a terminal, type a reply, and return its exit code and what was seen."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "filmstrip.cli", "prune", "r1", "--keep", "last:1"]
    with subprocess.Popen(
        [*command, "--store", str(store)],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = b""
        while b"[y/N]: " not in seen:
            seen += os.read(ours, 4096)
        os.write(ours, reply)
        try:
            while chunk := os.read(ours, 4096):
                seen += chunk
        except OSError:  # Linux says EIO when the other side is gone
            pass
    os.close(ours)
    return process.returncode, seen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("reply", "left", "said"),
    [(b"y\n", [30], "deleted 6 images of r1"), (b"\n", [0, 10, 20, 30], "nothing was deleted")],
)
def test_on_a_terminal_it_asks(store, reply, left, said):
    code, seen = answer(store, reply)
    assert "Delete 6 images and free " in seen
    assert said in seen
    assert (code, steps(store, "train")) == (0, left)


def test_shards_that_are_left_are_named(cli, store):
    (shard,) = (store / "runs" / "r1").glob("*.tar")
    data = bytearray(shard.read_bytes())
    data[data.index(b'"key":"val/cats"') + 7] ^= 1
    shard.write_bytes(data)
    outcome = cli("prune", "r1", "--keep", "last:1", "--yes", "--store", store)
    assert (outcome.code, outcome.out) == (0, "nothing to delete now\n")
    assert outcome.err.splitlines() == [
        "5 images stay for now",
        (f"left {shard.name} as it is: byte 2560: the record's checksum does not match its bytes"),
    ]
    assert shard.read_bytes() == data


def test_a_full_disk_is_told_and_what_stays_is_whole(cli, store, monkeypatch):
    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    before = size(store)
    monkeypatch.setattr(os, "fsync", full)
    outcome = cli("prune", "r1", "--keep", "last:1", "--yes", "--store", store)
    assert (outcome.code, size(store)) == (1, before)
    assert outcome.err == (
        "6 images stay for now\n"
        "error: expected to rewrite the shards of r1, got No space left on device; "
        "nothing that stays is lost, prune again when that is mended\n"
    )


def test_keys_are_never_shown_raw(cli, store, evil):
    outcome = cli("prune", "evil", "--keep", "last:1", "--dry-run", "--store", store)
    assert evil.shown in outcome.out
    assert all(c.isprintable() or c == "\n" for c in outcome.out)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_tables_fit_the_terminal(cli, store, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    outcome = cli("prune", "r1", "--keep", "best:loss:1", "--dry-run", "--store", store)
    assert max(map(len, outcome.out.splitlines()[:-1])) <= columns

"""Stores in every condition: empty, live, torn, read-only, full, gone; and two servers on one."""

from __future__ import annotations

import errno
import os
import shutil
import time

import numpy as np
import pytest

import filmstrip

PICTURE = np.zeros((4, 4), np.uint8)


@pytest.fixture
def store(tmp_path):
    with filmstrip.init(dir=tmp_path / "store", id="a") as run:
        run.log({"x": filmstrip.Image(PICTURE)}, step=0)
    return tmp_path / "store"


def wait_until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline


def num_images(served) -> int:
    return served.client.get("/api/store").json()["num_images"]


def test_an_empty_store_is_served(tmp_path, serve):
    from filmstrip.folder import prepare_store

    with serve(prepare_store(tmp_path / "store")) as served:
        summary = served.client.get("/api/store").json()
        assert (summary["num_runs"], summary["num_images"], summary["problems"]) == (0, 0, [])
        assert served.client.get("/api/runs").json() == []
        assert served.client.get("/api/images").json()["items"] == []


def test_a_run_that_is_being_written_shows_as_it_grows(store, serve):
    with serve(store) as served, filmstrip.init(dir=store, id="b") as run:
        for step in range(3):
            run.log({"y": filmstrip.Image(PICTURE + step)}, step=step)
            wait_until(lambda step=step: num_images(served) == step + 2)
        (live,) = [r for r in served.client.get("/api/runs").json() if r["id"] == "b"]
        assert (live["state"], live["is_live"]) == ("running", True)


def test_a_torn_shard_gives_what_is_whole(store, serve):
    (shard,) = (store / "runs/a").glob("*.tar")
    with shard.open("r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) - 1100)
        file.seek(0, os.SEEK_END)
        file.write(b"torn")
    with serve(store) as served:
        assert num_images(served) == 1
        digest = served.digest("a", "x")
        assert served.client.get(f"/picture/{digest}").status_code == 200


@pytest.mark.parametrize("text", [b"", b"not json", b"\xff\xfe", b"[" * 5000])
def test_a_run_whose_description_is_damaged_is_shown(store, serve, text):
    (store / "runs/a/run.json").write_bytes(text)
    with serve(store) as served:
        (run,) = served.client.get("/api/runs").json()
        assert (run["id"], run["num_images"]) == ("a", 1)


def test_two_servers_share_a_store(store, serve):
    with serve(store) as first, serve(store) as second:
        with filmstrip.init(dir=store, id="b") as run:
            run.log({"y": [filmstrip.Image(PICTURE + i) for i in range(10)]})
        for served in (first, second):
            wait_until(lambda served=served: num_images(served) == 11)
        digest = first.digest("b", "y", index=3)
        url = f"/thumbnail/{digest}/64.webp"
        assert first.client.get(url).content == second.client.get(url).content


def test_a_store_on_a_full_disk_is_still_shown(store, serve, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with serve(store) as served:
        monkeypatch.setattr("pathlib.Path.write_bytes", full)
        digest = served.digest("a", "x")
        for _ in range(2):
            answer = served.client.get(f"/thumbnail/{digest}/64.webp")
            assert answer.status_code == 200
            assert answer.content.startswith(b"RIFF")
        (problem,) = served.client.get("/api/store").json()["problems"]
        assert problem.startswith("thumbnails are not kept in the store (No space left on device)")


def test_a_store_that_is_gone_and_comes_back_is_shown_again(store, serve):
    with serve(store) as served:
        kept = store.with_name("kept")
        shutil.copytree(store / "runs", kept)
        shutil.rmtree(store)
        wait_until(lambda: served.client.get("/api/store").json()["problems"])
        for path in ("/api/runs", "/api/images", "/api/steps?run=a&key=x"):
            assert served.client.get(path).status_code in (200, 404, 410), path
        store.mkdir()
        shutil.copytree(kept, store / "runs")
        wait_until(lambda: served.client.get("/api/store").json()["problems"] == [])
        assert num_images(served) == 1


def test_an_index_that_raises_is_a_problem_and_not_the_end(store, serve, monkeypatch):
    with serve(store) as served:

        def fail(*args, **kwargs):
            raise RuntimeError("the index is out of order")

        with monkeypatch.context() as patched:
            patched.setattr(served.service.index, "refresh", fail)
            with filmstrip.init(dir=store, id="b") as run:
                run.log({"loss": 1})
            wait_until(lambda: served.client.get("/api/store").json()["problems"])
            summary = served.client.get("/api/store").json()
            assert summary["problems"] == ["the index is out of order"]
        wait_until(lambda: len(served.client.get("/api/runs").json()) == 2)
        assert served.client.get("/api/store").json()["problems"] == []

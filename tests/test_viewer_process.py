"""The viewer of a notebook: a process that answers, and that ends with the one that started it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import filmstrip
from filmstrip.errors import ViewerError
from filmstrip.viewer_process import ViewerProcess, viewer_of

ALONE = """
import sys
from pathlib import Path
from filmstrip.viewer_process import viewer_of
process = viewer_of(Path(sys.argv[1]))
print(process.url, process._process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path) -> Path:
    with filmstrip.init(dir=tmp_path / "store", id="r1") as run:
        run.log({"eyes": filmstrip.Image(np.eye(8))})
    return tmp_path / "store"


def runs_at(url: str) -> list[str]:
    with urllib.request.urlopen(f"{url}api/runs", timeout=30) as answer:
        return [run["id"] for run in json.load(answer)]


def test_a_run_is_served_to_its_frame_until_it_is_closed(store):
    frame = filmstrip.open(store).run("r1").view(height=300)
    try:
        assert frame.url.startswith("http://127.0.0.1:")
        assert frame.url.endswith("?runs=r1")
        wait_until(lambda: runs_at(frame.url.split("?")[0]) == ["r1"])
    finally:
        frame.close()
    with pytest.raises(OSError, match="refused"):
        runs_at(frame.url.split("?")[0])


def test_frames_of_one_store_share_a_process(store):
    first = viewer_of(store)
    try:
        assert viewer_of(store.parent / "." / "store") is first
    finally:
        first.close()
    second = viewer_of(store)
    try:
        assert second is not first
        assert second.is_running
    finally:
        second.close()


def test_a_viewer_that_does_not_start_says_what_it_said(tmp_path):
    with pytest.raises(ViewerError) as caught:
        ViewerProcess(tmp_path / "none")
    assert str(caught.value).startswith(
        "expected the viewer to start, got error: expected a filmstrip store, got a path without"
    )
    assert str(caught.value).endswith(f"run `filmstrip view {tmp_path / 'none'}` to see more")


@pytest.mark.parametrize("how", ["killed", "ended"])
def test_the_viewer_ends_with_the_process_that_started_it(store, how):
    parent = subprocess.Popen(
        [sys.executable, "-c", ALONE, store],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    url, pid = parent.stdout.readline().split()
    wait_until(lambda: runs_at(url) == ["r1"])  # the index is filled while it answers
    if how == "killed":
        parent.kill()
    parent.communicate()
    status = Path(f"/proc/{pid}/stat")
    wait_until(lambda: not status.exists() or status.read_text().split(") ")[1][0] == "Z")


def wait_until(is_so) -> None:
    """Ask again and again; the test's own time limit ends it."""
    while not is_so():
        subprocess.run([sys.executable, "-c", ""], check=True)

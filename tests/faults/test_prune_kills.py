"""A prune that is killed at any instant: what was to stay is there, once, and a second one ends it.

The short pass is part of the tests; `make test-faults` kills more often.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

import filmstrip
from filmstrip.folder import write_run_info
from filmstrip.prune import prune_run
from filmstrip.record import RunInfo
from filmstrip.retention import parse_keep
from filmstrip.store import StoredRun
from filmstrip.verify import verify_store

NUM_SHORT, NUM_LONG = 12, 200
KEEP = {"a": "last:3", "b": "every:4", "c": "all"}
SCRIPT = """
import sys, time
from pathlib import Path
from filmstrip.prune import prune_run
from filmstrip.retention import parse_keep
from filmstrip.store import StoredRun
run_dir, keep = Path(sys.argv[1]), eval(sys.argv[2])
print("ready", flush=True)
start = time.perf_counter()
prune_run(StoredRun(run_dir), parse_keep(keep))
print(time.perf_counter() - start, flush=True)
"""


@dataclass(frozen=True)
class Pristine:
    """A run that was never pruned, and what a prune must leave of it."""

    run_dir: Path
    images: Counter[tuple[str, int, bytes]]
    kept: Counter[tuple[str, int, bytes]]
    values: list
    pruned_bytes: int
    prune_secs: float


def images(run_dir: Path) -> Counter[tuple[str, int, bytes]]:
    run = StoredRun(run_dir)
    found = [image for key in run.keys() for image in run.images(key)]  # noqa: SIM118
    return Counter((image.key, image.step, image.bytes()) for image in found)


def values(run_dir: Path) -> list:
    return [(logged.step, logged.values) for logged in StoredRun(run_dir).values()]


def disk_bytes(run_dir: Path) -> int:
    return sum(path.stat().st_size for path in run_dir.glob("*.tar"))


def start_prune(run_dir: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, run_dir, repr(KEEP)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def copied(pristine: Path, folder: Path) -> Path:
    shutil.copytree(pristine.parents[1], folder)
    return folder / "runs" / pristine.name


@pytest.fixture(scope="module")
def pristine(write_shards, tmp_path_factory) -> Pristine:
    """Two writers, some 20 shards each; many pictures are stored with an image that goes."""
    rng = random.Random(5)
    pictures = [rng.randbytes(size) for size in (3000, 9000, 15_000, 700, 20_000)]
    run_dir = tmp_path_factory.mktemp("pristine") / "runs" / "r1"
    for writer in ("r0-s0-aaaaaa", "r1-s0-bbbbbb"):
        log = []
        for step in range(30):
            fresh = {key: rng.randbytes(4000) for key in "abc"}
            log += [(key, step, {"png": rng.choice([*pictures, fresh[key]])}) for key in "abc"]
            log += [{"step": step, "loss": rng.random()}]
        write_shards(run_dir, log, writer=writer, shard_bytes=15_000)
    described = RunInfo(id="r1", name="r1", project="p", created=1.0, state="finished")
    write_run_info(run_dir, described)
    pruned_dir = copied(run_dir, tmp_path_factory.mktemp("pruned") / "store")
    with start_prune(pruned_dir) as process:
        prune_secs = float(process.stdout.readline())
    found = images(run_dir)
    steps = {key: {step for k, step, _ in found if k == key} for key in "abc"}
    going = parse_keep(KEEP).going(steps)
    kept = Counter({one: count for one, count in found.items() if one[:2] not in going})
    assert images(pruned_dir) == kept
    assert 0 < kept.total() < found.total()
    return Pristine(run_dir, found, kept, values(run_dir), disk_bytes(pruned_dir), prune_secs)


def kill_and_check(pristine: Pristine, folder: Path, delay_secs: float) -> bool:
    """Kill a prune after so long; return whether that was between its beginning and its end."""
    run_dir = copied(pristine.run_dir, folder)
    before_bytes = disk_bytes(run_dir)
    with start_prune(run_dir) as process:
        until = time.perf_counter() + delay_secs
        while time.perf_counter() < until:  # an instant, to the microsecond
            pass
        process.send_signal(signal.SIGKILL)
    assert verify_store(filmstrip.open(folder)).problems == ()
    found = images(run_dir)
    assert not pristine.kept - found, "an image that was to stay is missing"
    assert not found - pristine.images, "an image is there twice, or is another one"
    assert values(run_dir) == pristine.values
    killed_bytes = disk_bytes(run_dir)

    prune_run(StoredRun(run_dir), parse_keep(KEEP))

    assert images(run_dir) == pristine.kept
    assert verify_store(filmstrip.open(folder)).problems == ()
    assert disk_bytes(run_dir) == pristine.pruned_bytes
    assert sorted(path.name for path in run_dir.iterdir()) == sorted(
        path.name for path in pristine.run_dir.iterdir()
    )
    shutil.rmtree(folder)
    return pristine.pruned_bytes < killed_bytes < before_bytes


def delays(pristine: Pristine, count: int) -> list[float]:
    """Return instants spread over a prune, each at random within its part of it."""
    rng = random.Random()
    return [(number + rng.random()) / count * pristine.prune_secs * 1.1 for number in range(count)]


def test_a_prune_that_is_killed_loses_nothing(pristine, tmp_path):
    for number, delay_secs in enumerate(delays(pristine, NUM_SHORT)):
        kill_and_check(pristine, tmp_path / str(number), delay_secs)


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_a_prune_that_is_killed_very_often_loses_nothing(pristine, tmp_path):
    halfway = [
        kill_and_check(pristine, tmp_path / str(number), delay_secs)
        for number, delay_secs in enumerate(delays(pristine, NUM_LONG))
    ]
    sys.stdout.write(f"{len(halfway)} kills, {sum(halfway)} of them between two shards\n")
    assert sum(halfway) > NUM_LONG / 10

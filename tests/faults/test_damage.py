"""Bits flipped, files cut: reading and repairing go on, hand out nothing altered, and say so."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.faults.counts import report, times
from tests.faults.dead import killed_run
from tests.faults.pictures import log_step, pixels, step_data

import filmstrip
from filmstrip.errors import FilmstripError
from filmstrip.repair import repair_run
from filmstrip.spool.file import Mark, Spool
from filmstrip.store import StoredRun
from filmstrip.verify import verify_store

NUM_STEPS, NUM_IMAGES = 4, 2

SPOOLS = {"ring": ("small", 2**16), "pixel memory": ("large", 2**24)}
"""Where pixels stand in the spool: the load and the size that bring it about."""


def cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 1, 3, 20))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def overwrite(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice((1, 16, 512, 4096)))
    data[start:end] = rng.choice((bytes, rng.randbytes))(end - start)


DAMAGES = (cut, flip, overwrite)


def whole_images(run_dir: Path, load: str = "small") -> set[str]:
    """Return the captions of the images that read back; each must be what was logged."""
    run = StoredRun(run_dir)
    found = set()
    for key in run.keys():  # noqa: SIM118
        for image in run.images(key):
            try:
                array, masks = image.array(), image.masks
            except FilmstripError:  # it says so, and names the place
                continue
            process, step, index = map(int, image.caption.split("/")[:3])
            np.testing.assert_array_equal(array, pixels(load, process, step, index))
            assert masks.keys() == ({"m"} if index == 0 else set())
            found.add(image.caption)
    assert all(v.values == {"loss0": v.step + 0.5} for v in run.values())
    return found


@pytest.fixture(scope="module")
def shard_store(tmp_path_factory) -> Path:
    store = tmp_path_factory.mktemp("pristine") / "store"
    with filmstrip.init(dir=store, id="r") as run:
        for step in range(NUM_STEPS):
            log_step(run, "small", 0, step, NUM_IMAGES)
        again = [(step, index) for step in range(NUM_STEPS) for index in range(1, NUM_IMAGES)]
        images = [
            filmstrip.Image(pixels("small", 0, *where), caption="0/{}/{}/again".format(*where))
            for where in again
        ]
        run.log({"again": images}, step=NUM_STEPS)
    return store


@pytest.fixture(scope="module", params=SPOOLS)
def killed(request, tmp_path_factory) -> tuple[Path, str]:
    """A store whose writer was killed before its encoder began, and what it had logged."""
    load, queue_bytes = SPOOLS[request.param]
    store = tmp_path_factory.mktemp("pristine") / "store"
    steps = (step_data(load, 0, step, NUM_IMAGES) for step in range(NUM_STEPS))
    killed_run(store, steps, queue_bytes)
    return store, load


def damaged(pristine: Path, folder: Path, pattern: str, seed: int) -> tuple[Path, bool]:
    """Return a copy's run folder with one file damaged, and whether that changed anything."""
    rng = random.Random(seed)
    shutil.copytree(pristine, folder)
    (path,) = (folder / "runs" / "r").glob(pattern)
    data = bytearray(path.read_bytes())
    rng.choice(DAMAGES)(data, rng)
    is_changed = data != path.read_bytes()
    path.write_bytes(data)
    return folder / "runs" / "r", is_changed


ALL = {f"0/{step}/{index}" for step in range(NUM_STEPS) for index in range(NUM_IMAGES)}


AGAIN = {f"0/{step}/{index}/again" for step in range(NUM_STEPS) for index in range(1, NUM_IMAGES)}


@pytest.mark.timeout(1200)
def test_a_damaged_shard_is_read_as_far_as_it_is_whole(shard_store, tmp_path):
    count = times(6000, 100)
    for seed in range(count):
        run_dir, is_changed = damaged(shard_store, tmp_path / str(seed), "r*.tar", seed)
        found = whole_images(run_dir)
        problems = verify_store(filmstrip.open(tmp_path / str(seed))).problems
        assert bool(problems) == is_changed, f"seed {seed}: verify overlooked it"
        assert found == ALL | AGAIN or StoredRun(run_dir).damages() or problems, f"seed {seed}"
        shutil.rmtree(tmp_path / str(seed))
    report(f"{count} damages of a shard: nothing altered came out, and all was said")


@pytest.mark.timeout(1200)
def test_a_damaged_spool_is_drained_as_far_as_it_is_whole(killed, tmp_path):
    pristine, load = killed
    counts = {"small": times(5000, 60), "large": times(600, 6)}
    for seed in range(counts[load]):
        run_dir, is_changed = damaged(pristine, tmp_path / str(seed), "r*.spool", seed)
        (repaired,) = repair_run(run_dir)
        assert repaired.is_done
        found = whole_images(run_dir, load)
        assert found == ALL or repaired.num_lost or repaired.problem, f"seed {seed}: not said"
        assert found == ALL or is_changed
        assert verify_store(filmstrip.open(tmp_path / str(seed))).problems == ()
        assert not list(run_dir.glob("*.spool"))
        shutil.rmtree(tmp_path / str(seed))
    report(f"{counts[load]} damages of a spool: nothing altered came out, and all was said")


def test_an_undamaged_spool_is_drained_whole(killed, tmp_path):
    pristine, load = killed
    shutil.copytree(pristine, tmp_path / "store")
    (repaired,) = repair_run(tmp_path / "store" / "runs" / "r")
    assert (repaired.num_images, repaired.num_lost) == (NUM_STEPS * NUM_IMAGES, 0)
    assert whole_images(tmp_path / "store" / "runs" / "r", load) == ALL


def test_of_an_entry_that_a_kill_cut_off_nothing_behind_the_cut_is_stored(killed, tmp_path):
    pristine, load = killed
    shutil.copytree(pristine, tmp_path / "store")
    run_dir = tmp_path / "store" / "runs" / "r"
    (path,) = run_dir.glob("*.spool")
    spool = Spool.open(path)
    *_, newest = spool.find(0)
    spool.set_mark(Mark.LOGGED, newest.seq)
    first_part = spool._offset(newest.position) + newest.size_bytes - newest.body_bytes
    os.pwrite(spool.fd, bytes(64), first_part)
    spool.close()
    (repaired,) = repair_run(run_dir)
    assert (repaired.num_lost, repaired.problem) == (0, "")
    whole = {f"0/{step}/{index}" for step in range(NUM_STEPS - 1) for index in range(NUM_IMAGES)}
    assert whole_images(run_dir, load) == whole
    assert len(StoredRun(run_dir).values()) == NUM_STEPS

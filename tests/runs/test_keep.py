from __future__ import annotations

import numpy as np
import pytest

import filmstrip
from filmstrip import live_prune
from filmstrip.errors import OptionError
from filmstrip.verify import verify_store


@pytest.fixture
def at_once(monkeypatch):
    """Prune whenever anything was stored, not only after megabytes."""
    monkeypatch.setattr(live_prune, "_MIN_BYTES", 1)


def noise(seed: int) -> filmstrip.Image:
    return filmstrip.Image(np.random.default_rng(seed).integers(0, 256, (40, 40), np.uint8))


def test_a_policy_at_init_keeps_the_last_steps(stored):
    with filmstrip.init(keep="last:2") as run:
        for step in range(6):
            run.log({"val": noise(step), "loss": step}, step=step)
    assert stored(run).steps("val") == [4, 5]
    assert len(stored(run).values()) == 6
    assert verify_store(filmstrip.open()).problems == ()


def test_policies_are_by_pattern_and_the_first_that_fits_counts(stored):
    with filmstrip.init(keep={"val/*": "last:1", "*": "every:2"}) as run:
        for step in range(5):
            run.log({"val": {"a": noise(step)}, "train": noise(step + 100)}, step=step)
    assert (stored(run).steps("val/a"), stored(run).steps("train")) == ([4], [0, 2, 4])


def test_a_policy_at_log_is_for_the_keys_of_that_call_even_with_wildcards_in_them(stored):
    with filmstrip.init() as run:
        for step in range(4):
            run.log({"a*": noise(step)}, step=step, keep="last:1")
            run.log({"ab": noise(step + 100)}, step=step)
    assert (stored(run).steps("a*"), stored(run).steps("ab")) == ([3], [0, 1, 2, 3])


def test_the_best_steps_by_a_number_are_kept(stored):
    with filmstrip.init(keep="best:loss:2") as run:
        for step, loss in enumerate([0.5, 0.1, 0.9, float("nan"), 0.2]):
            run.log({"val": noise(step), "loss": loss}, step=step)
    assert stored(run).steps("val") == [1, 4]


def test_space_comes_back_while_the_run_goes_on_and_pictures_that_come_again_stay_whole(
    stored, at_once
):
    same = noise(1)
    run = filmstrip.init(keep={"val": "last:2", "fixed": "last:1"})
    sizes = []
    for step in range(30):
        run.log({"val": [noise(step), same], "fixed": same}, step=step)
        assert run._writer.flush()
        sizes.append(sum(shard.stat().st_size for shard in run.dir.glob("*.tar")))
    run.finish()
    assert max(sizes) < 10 * sizes[2]
    images = stored(run).images("val")
    assert [(image.step, image.index) for image in images] == [
        (s, i) for s in (28, 29) for i in (0, 1)
    ]
    assert np.array_equal(images[-1].array(), np.asarray(same.image))
    assert np.array_equal(stored(run).images("fixed")[0].array(), np.asarray(same.image))
    assert verify_store(filmstrip.open()).problems == ()


def test_a_resumed_run_lets_go_of_what_earlier_sessions_left(stored):
    for first in (0, 3):
        with filmstrip.init(id="r", resume="allow", keep="last:2") as run:
            for step in range(first, first + 3):
                run.log({"val": noise(step)}, step=step)
    assert stored(run).steps("val") == [4, 5]


@pytest.mark.parametrize("policy", ["last", "last:0", "newest:3", "best:5"])
def test_what_is_no_policy_is_an_error_at_init_and_at_log(policy):
    with pytest.raises(OptionError):
        filmstrip.init(keep=policy)
    run = filmstrip.init()
    with pytest.raises(OptionError):
        run.log({"val": noise(0)}, keep=policy)

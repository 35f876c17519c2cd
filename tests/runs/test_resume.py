from __future__ import annotations

import pytest

import filmstrip
from filmstrip.errors import (
    RunExistsError,
    RunNotFoundError,
)


def test_an_id_that_is_taken_is_refused(stored):
    filmstrip.init(id="r").finish()
    with pytest.raises(RunExistsError) as caught:
        filmstrip.init(id="r")
    assert str(caught.value) == (
        "expected a run id that is not in the store yet, got 'r'; "
        "pass resume='allow' to go on with that run, or leave id= out"
    )
    assert stored(filmstrip.init(id="s")).info.state == "running"


def test_a_run_that_must_be_there_and_is_not_is_an_error():
    filmstrip.init(id="a").finish()
    with pytest.raises(RunNotFoundError) as caught:
        filmstrip.init(id="r", resume="must")
    assert str(caught.value) == ("expected the id of a run in the store, got 'r'; the runs are 'a'")


def test_resume_allow_opens_a_new_run_where_there_is_none(image, stored, shown):
    with filmstrip.init(id="r", resume="allow") as run:
        run.log({"x": image(5)})
    assert shown(run) == [(0, 0, 5)]
    assert stored(run).info.sessions == 1


@pytest.mark.parametrize("resume", ["allow", "must", True])
def test_a_resumed_run_goes_on_behind_its_last_step(image, stored, shown, resume):
    with filmstrip.init(id="r") as run:
        run.log({"x": image(5)}, step=7)
    with filmstrip.init(id="r", resume=resume) as run:
        run.log({"x": image(6)})
    assert shown(run) == [(7, 0, 5), (8, 0, 6)]
    assert (stored(run).info.state, stored(run).info.sessions) == ("finished", 2)


def test_a_step_logged_again_after_resuming_supersedes_the_earlier_one_and_both_stay_stored(
    image, stored, shown
):
    with filmstrip.init(id="r") as run:
        for step in range(3):
            run.log({"x": [image(step), image(step)], "loss": step, "old": 1}, step=step)
    with filmstrip.init(id="r", resume="must") as run:
        run.log({"x": image(101), "loss": 101}, step=1)
        run.log({"x": image(102)}, step=1)
    assert shown(run) == [(0, 0, 0), (0, 1, 0), (1, 0, 101), (1, 1, 102), (2, 0, 2), (2, 1, 2)]
    assert [v.values for v in stored(run).values()] == [
        {"loss": 0, "old": 1}, {"loss": 101, "old": 1}, {"loss": 2, "old": 1},
    ]  # fmt: skip
    from filmstrip.shard.read import StoredSample, scan_shard

    found = [s for shard in run.dir.glob("*.tar") for s in scan_shard(shard)]
    steps = [s.record.step for s in found if isinstance(s, StoredSample) and "x/" in s.path]
    assert sorted(steps) == [0, 0, 1, 1, 1, 1, 2, 2]


def test_the_newest_of_many_sessions_counts_and_keys_stay_in_their_order(image, stored, shown):
    for session in range(12):  # ten and more: their names do not sort as they count
        with filmstrip.init(id="r", resume="allow") as run:
            run.log({f"k{session}": image(1), "x": image(session), "loss": session}, step=0)
    assert shown(run) == [(0, 0, 11)]
    assert [v.values for v in stored(run).values()] == [{"loss": 11}]
    assert stored(run).keys() == ["k0", "x", *(f"k{i}" for i in range(1, 12))]


def test_a_resumed_run_keeps_its_description_and_adds_to_it(stored):
    filmstrip.init(id="r", project="p", name="n", tags=["a"], config={"lr": 1, "b": 2}).finish()
    with filmstrip.init(id="r", resume="must", tags=["b", "a"], config={"lr": 3}) as run:
        pass
    info = stored(run).info
    assert (info.project, info.name, info.tags) == ("p", "n", ["a", "b"])
    assert info.config == {"lr": 3, "b": 2}


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_text("{")])
def test_a_run_whose_description_is_lost_can_be_resumed(image, stored, shown, damage):
    for _ in range(2):
        with filmstrip.init(id="r", resume="allow") as run:
            run.log({"x": image(5)}, step=3)
    damage(run.dir / "run.json")
    with filmstrip.init(id="r", resume="must") as run:
        run.log({"x": image(6)}, step=3)
        run.log({"x": image(7)})
    assert shown(run) == [(3, 0, 6), (4, 0, 7)]
    assert stored(run).info.sessions == 3


def test_a_torn_shard_of_a_killed_session_is_left_alone_and_the_rest_is_read(image, shown):
    with filmstrip.init(id="r") as run:
        run.log({"x": [image(5), image(6)]})
    (shard,) = run.dir.glob("*.tar")
    shard.write_bytes(shard.read_bytes()[:-1200])
    torn = shard.read_bytes()
    with filmstrip.init(id="r", resume="must") as run:
        run.log({"x": image(7)})
    assert shown(run) == [(0, 0, 5), (1, 0, 7)]
    assert shard.read_bytes() == torn

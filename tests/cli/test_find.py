"""Finding the run that a user means."""

from __future__ import annotations

import pytest

import filmstrip
from filmstrip.cli.errors import AmbiguousRunError
from filmstrip.cli.find import find_run
from filmstrip.errors import RunNotFoundError


@pytest.fixture
def runs(tmp_path) -> filmstrip.Store:
    names = {"abc": "first", "abcd": "twin", "abxy": "twin", "zz": "abx", "first": "other"}
    for run_id, name in names.items():
        filmstrip.init(dir=tmp_path / "store", id=run_id, name=name).finish()
    return filmstrip.open(tmp_path / "store")


@pytest.mark.parametrize(
    ("text", "run_id"),
    [
        ("abc", "abc"),  # an id, though it begins another one
        ("abcd", "abcd"),
        ("z", "zz"),
        ("abx", "zz"),  # a name, though it begins an id
        ("first", "first"),  # an id, though it is another run's name
        ("other", "first"),
    ],
)
def test_ids_come_before_names_and_names_before_beginnings(runs, text, run_id):
    assert find_run(runs, text).id == run_id


def test_a_beginning_of_several_ids_names_them(runs):
    with pytest.raises(AmbiguousRunError) as caught:
        find_run(runs, "ab")
    assert str(caught.value) == (
        "expected the id of one run, got 'ab', which fits 3; "
        "write more of one of 'abc', 'abcd', 'abxy'"
    )


def test_a_name_of_several_runs_names_them(runs):
    with pytest.raises(AmbiguousRunError) as caught:
        find_run(runs, "twin")
    assert caught.value.candidates == ["abcd", "abxy"]


@pytest.mark.parametrize("text", ["", "q", "abcde", "../store"])
def test_what_fits_nothing_is_not_found(runs, text):
    with pytest.raises(RunNotFoundError) as caught:
        find_run(runs, text)
    assert caught.value.run_id == text


def test_many_candidates_are_counted(tmp_path):
    for number in range(11):
        filmstrip.init(dir=tmp_path / "store", id=f"run-{number:02}").finish()
    with pytest.raises(AmbiguousRunError, match=r"'run-07' and 3 more$"):
        find_run(filmstrip.open(tmp_path / "store"), "run")

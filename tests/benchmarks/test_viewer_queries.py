"""The index's benchmark is told in short as it was measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.machine import this_machine
from benchmarks.viewer import goals, queries, report
from benchmarks.viewer.findings import Findings, Queries
from benchmarks.viewer.index import Timing, figures_json, print_table
from benchmarks.viewer.index_fill import FillTiming, make_store, time_filling

SMALL = {"runs": Timing(1.0, 2.0), "a word": Timing(4.0, 5.0), "one image": Timing(0.5, 30.0)}
LARGE = {"runs": Timing(2.5, 3.0), "a word": Timing(4.0, 14.0), "one image": Timing(0.5, 0.75)}
FOUND = {100_000: SMALL, 10_000_000: LARGE}
SHORT = Queries(
    slowest="a word",  # at the large size alone
    slowest_p95_ms=14.0,
    steepest="runs",  # by medians
    steepest_ratio=2.5,
    all_ms={
        "runs": (1.0, 2.0, 2.5, 3.0),
        "a word": (4.0, 5.0, 4.0, 14.0),
        "one image": (0.5, 30.0, 0.5, 0.75),
    },
)


def test_the_slowest_is_of_the_large_size_and_the_steepest_is_told_by_medians():
    assert queries.summary(json.loads(figures_json({"sqlite": FOUND}))["sqlite"]) == SHORT


def test_sizes_are_told_apart_as_numbers():
    found = {"900": {"runs": [1.0, 1.0]}, "1000": {"runs": [3.0, 7.0]}}
    short = queries.summary(found)
    assert (short.slowest_p95_ms, short.steepest_ratio) == (7.0, 3.0)


def test_one_size_alone_grows_by_nothing():
    short = queries.summary(json.loads(figures_json({"sqlite": {100_000: SMALL}}))["sqlite"])
    assert (short.slowest, short.steepest_ratio) == ("one image", 1.0)


@pytest.mark.parametrize("backends", ["sqlite", "sqlite,postgresql", "postgresql, sqlite"])
def test_each_database_that_was_asked_is_told(tmp_path, monkeypatch, backends):
    commands = []

    def run(command, *, check):
        commands.append((command[:3], check))
        options = dict(zip(command[3::2], command[4::2], strict=True))
        asked = [name.strip() for name in options["--backends"].split(",")]
        timing = {"sqlite": {"num_images": 7, "wall_secs": 1.0, "cpu_secs": 2.0}}
        figures = {"filling": timing, **dict.fromkeys(asked, FOUND)}
        Path(options["--json"]).write_text(figures_json(figures))

    monkeypatch.setattr(subprocess, "run", run)
    found = queries.measure_queries(tmp_path, 10_000_000, backends)
    assert found == {name.strip(): SHORT for name in backends.split(",")}
    assert commands == [([sys.executable, "-m", "benchmarks.viewer.index"], True)]
    assert list(tmp_path.iterdir()) == []


def test_the_figures_of_filling_are_kept_beside():
    timing = {"sqlite": {"num_images": 7, "wall_secs": 1.0, "cpu_secs": 2.0}}
    written = json.loads(figures_json({"filling": timing, "sqlite": FOUND}))
    assert written["filling"] == timing
    assert written["sqlite"]["10000000"]["a word"] == [4.0, 14.0]
    assert json.loads(figures_json({}))["filling"] == {}


def test_the_table_names_what_misses_a_goal(capsys):
    late = {**LARGE, "one image": Timing(0.5, 15.1)}
    assert print_table("SQLite", {100_000: SMALL, 10_000_000: late}) == ["runs", "one image"]
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith("MISSED") for line in lines[2:]] == [True, False, True]


def test_the_goals_of_queries_are_judged_by_the_short_figures():
    findings = Findings(
        machine=this_machine(), quick=False, duration_secs=0, queries={"sqlite": SHORT}
    )
    outcomes = [goal for goal in goals.outcomes(findings) if "any query" in goal.name]
    assert [(goal.measured, goal.reached) for goal in outcomes] == [
        ("14 ms", True),
        ("2.5 ×", False),
        (None, None),
        (None, None),
    ]


def test_every_question_stands_in_the_report():
    findings = Findings(
        machine=this_machine(), quick=False, duration_secs=0, queries={"sqlite": SHORT}
    )
    text = report.markdown(findings)
    assert "### Queries of an index in SQLite, ms" in text
    assert "| a word | 4.00 | 5.00 | 4.00 | 14.00 | 1.00 |" in text


def test_filling_is_told_by_the_second():
    timing = FillTiming(num_images=100, wall_secs=2.0, cpu_secs=4.0)
    assert (timing.per_sec, timing.per_cpu_sec) == (50.0, 25.0)


def test_a_store_is_filled_whole(tmp_path):
    timing = time_filling(make_store(tmp_path / "store", 100, size_bytes=10))
    assert timing.num_images == 100
    assert timing.cpu_secs > 0

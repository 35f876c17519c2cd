from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from filmstrip import ending
from filmstrip.ending import end_line, is_quiet, print_line, waiting_bar, what_went_wrong
from filmstrip.writer import WriterReport

NOTHING = WriterReport(0, 0, 0, 0, 0, 0, 0, False, "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "0 images, 0 records of values, 0 bytes in 2.0 s"),
        (
            {"num_images": 1, "num_values": 1, "shard_bytes": 999},
            "1 image, 1 record of values, 999 bytes in 2.0 s",
        ),
        (
            {"num_images": 12_345, "shard_bytes": 1500, "pixel_bytes": 3000},
            "12,345 images, 0 records of values, 1.5 kB (50 % of the pixels) in 2.0 s",
        ),
        (
            {"num_dropped": 3, "num_lost": 2, "num_spooled": 1, "shard_bytes": 2_500_000_000},
            (
                "0 images, 0 records of values, 2.5 GB in 2.0 s, 3 dropped, 2 lost, "
                "1 left in the spool"
            ),
        ),
    ],
)
def test_the_end_line_says_what_became_of_a_run(fields, line):
    assert end_line("r", replace(NOTHING, **fields), 2.04) == f"filmstrip: run r: {line}"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, ""),
        ({"num_images": 5, "cause": "an old one"}, ""),
        ({"num_lost": 2, "cause": "why"}, "2 of the logged records could not be stored (why)"),
        ({"num_dropped": 3}, "3 of the logged records were dropped"),
        (
            {"num_spooled": 4, "cause": "why"},
            (
                "4 of the logged records wait in the spool until `filmstrip repair` can store "
                "them (why)"
            ),
        ),
        (
            {"num_lost": 2, "num_dropped": 3},
            "2 of the logged records could not be stored, 3 of the logged records were dropped",
        ),
    ],
)
def test_what_went_wrong_names_each_number_and_the_cause(fields, problem):
    assert what_went_wrong(replace(NOTHING, **fields), Path("d"), is_done=True) == problem


def test_what_is_not_done_yet_is_not_lost():
    said = what_went_wrong(replace(NOTHING, num_spooled=7), Path("store/r"), is_done=False)
    assert said == (
        "7 records are still being encoded; a process of its own goes on with them: store/r"
    )


@pytest.mark.parametrize(
    ("quiet", "variable", "is_so"),
    [
        (None, "", False),
        (None, "0", False),
        (None, "1", True),
        (True, "", True),
        (False, "1", False),
    ],
)
def test_quiet_is_an_argument_or_a_variable(monkeypatch, quiet, variable, is_so):
    monkeypatch.setenv("FILMSTRIP_QUIET", variable)
    assert is_quiet(quiet) is is_so


def test_lines_go_to_standard_error(capsys):
    print_line("said")
    assert capsys.readouterr() == ("", "said\n")


def _closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, _closed()], ids=["none", "closed"])
def test_without_a_standard_error_nothing_is_printed_and_nothing_fails(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    print_line("said")
    if stream is None:
        with waiting_bar(is_shown=True) as show:
            show(NOTHING)


@pytest.mark.parametrize(
    ("is_shown", "stream", "silent_secs", "is_there"),
    [
        (True, Terminal(), 0.0, True),
        (True, Terminal(), 1e6, False),
        (False, Terminal(), 0.0, False),
        (True, io.StringIO(), 0.0, False),
    ],
)
def test_a_bar_shows_on_a_terminal_once_waiting_takes_long(
    monkeypatch, is_shown, stream, silent_secs, is_there
):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(ending, "_SILENT_SECS", silent_secs)
    with waiting_bar(is_shown=is_shown) as show:
        for done in range(3):
            show(replace(NOTHING, num_images=done, num_lost=1, num_spooled=9 - done))
    said = stream.getvalue()
    assert ("filmstrip: storing" in said) is is_there
    assert ("/10" in said) is is_there

"""The progress bar: on terminals only, not before its time, gone at the end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import ClassVar

import pytest

from filmstrip.cli.progress import progress


class FakeTimer:
    """A timer that goes off when a test says so."""

    made: ClassVar[list[FakeTimer]] = []

    def __init__(self, secs: float, call) -> None:
        self.secs, self.go_off, self.is_cancelled, self.daemon = secs, call, False, False
        self.made.append(self)

    def start(self) -> None:
        pass

    def cancel(self) -> None:
        self.is_cancelled = True


@pytest.fixture
def timers(monkeypatch) -> list[FakeTimer]:
    monkeypatch.setattr(FakeTimer, "made", [])
    monkeypatch.setattr(threading, "Timer", FakeTimer)
    return FakeTimer.made


@pytest.fixture
def seen(capsys, monkeypatch) -> Callable[[], str]:
    """Return what reads what was written to stderr, a terminal from the first call on."""

    def read() -> str:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        return capsys.readouterr().err

    return read


def test_what_is_over_within_a_second_shows_nothing(seen, timers):
    seen()
    with progress("reading") as bar:
        bar(1, 2)
    assert seen() == ""
    assert (timers[0].secs, timers[0].is_cancelled) == (1.0, True)


def test_after_a_second_it_shows_what_was_reported(seen, timers):
    seen()
    with progress("reading") as bar:
        bar(1, 2)
        assert seen() == ""
        timers[0].go_off()
        shown = seen()
        assert "reading" in shown
        assert "50%" in shown
        bar(3, 4)
    assert "75%" in seen()


def test_without_a_report_it_shows_that_there_is_work(seen, timers):
    seen()
    with progress("reading"):
        timers[0].go_off()
    assert "reading" in seen()


def test_it_is_gone_at_the_end_also_after_an_error(seen, timers):
    seen()
    with pytest.raises(ValueError, match="stop"), progress("reading", quiet_secs=0):
        raise ValueError("stop")
    assert seen().endswith("\x1b[2K")  # the line is erased
    timers[0].go_off()
    assert seen() == ""


def test_another_text_begins_another_bar(seen, timers):
    seen()
    with progress("first", quiet_secs=0) as bar:
        bar(2, 2)
        bar.describe("second")
        bar(0, 2)
    shown = seen()
    assert shown.rindex("second") > shown.rindex("first")
    assert "  0%" in shown[shown.rindex("second") :]


def test_rich_markup_in_its_text_is_literal(seen, timers):
    seen()
    with progress("[red]x[/red]", quiet_secs=0):
        pass
    assert "[red]x[/red]" in seen()


def test_nothing_is_written_to_what_is_no_terminal(capsys, timers):
    with progress("reading", quiet_secs=0) as bar:
        bar(1, 2)
        timers[0].go_off()
    assert capsys.readouterr().err == ""

"""What is printed: wrapped for people, whole for programs, harmless for terminals."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.cli import output


@pytest.fixture
def narrow(monkeypatch):
    """Return what makes stdout a terminal of 20 columns."""

    def make() -> None:
        monkeypatch.setenv("COLUMNS", "20")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    return make


def test_a_terminal_gets_an_entry_wrapped_in_its_own_column(capsys, narrow):
    narrow()
    output.print_entry("  tags ", "one two three four")
    assert capsys.readouterr().out == "  tags one two three\n      four\n"


def test_a_file_gets_an_entry_on_one_line(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    output.print_entry("  notes  ", "one two three four five six seven")
    assert capsys.readouterr().out == "  notes  one two three four five six seven\n"


@pytest.mark.parametrize("text", ["", "[red]x[/red]", ":smile: 12", "a  b "])
def test_text_is_printed_as_it_is(capsys, text):
    output.print_entry("", text)
    output.print_line(text, "bold")
    output.print_hint(text)
    output.print_error(text)
    captured = capsys.readouterr()
    assert captured.out == f"{text}\n{text}\n"
    assert captured.err == f"{text}\nerror: {text}\n"


@given(st.recursive(st.text() | st.integers(-(2**53), 2**53) | st.none(), st.lists))
def test_json_reads_back_and_holds_nothing_that_a_terminal_acts_on(value):
    text = output.json_text(value)
    assert json.loads(text) == value
    assert all(c.isprintable() or c == "\n" for c in text)


def test_the_width_is_unlimited_where_there_is_no_terminal(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert output.stdout_width() is None
    monkeypatch.setenv("COLUMNS", "33")
    assert output.stdout_width() == 33

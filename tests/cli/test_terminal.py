"""What the environment tells of the terminal."""

from __future__ import annotations

import pytest

from filmstrip.cli.terminal import Protocol, detect_terminal


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, Protocol.KITTY),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, Protocol.KITTY),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, Protocol.KITTY),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "230804"}, Protocol.KITTY),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "210400"}, Protocol.BLOCKS),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, Protocol.ITERM),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, Protocol.ITERM),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, Protocol.ITERM),
        ({"TERM": "xterm-256color"}, Protocol.BLOCKS),
        ({}, Protocol.BLOCKS),
    ],
)
def test_graphics_are_used_where_the_terminal_has_them(environ, protocol):
    assert detect_terminal(environ, is_tty=True).protocol is protocol


@pytest.mark.parametrize(
    "multiplexer",
    [{"TMUX": "/tmp/tmux"}, {"STY": "1.pts"}, {"TERM": "screen"}, {"TERM": "tmux-256color"}],
)
def test_inside_tmux_and_screen_pictures_are_blocks(multiplexer):
    environ = {"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1", **multiplexer}
    assert detect_terminal(environ, is_tty=True).protocol is Protocol.BLOCKS


def test_an_editor_started_from_kitty_is_not_taken_for_kitty():
    environ = {"TERM": "xterm-256color", "TERM_PROGRAM": "vscode", "KITTY_WINDOW_ID": "1"}
    assert detect_terminal(environ, is_tty=True).protocol is Protocol.BLOCKS


@pytest.mark.parametrize(
    ("environ", "is_tty"),
    [({"TERM": "xterm-kitty"}, False), ({"NO_COLOR": "1"}, True), ({"TERM": "dumb"}, True)],
)
def test_what_takes_no_escapes_gets_shades(environ, is_tty):
    assert detect_terminal(environ, is_tty=is_tty).protocol is Protocol.SHADES


@pytest.mark.parametrize(
    ("environ", "has_true_color"),
    [
        ({"COLORTERM": "truecolor"}, True),
        ({"COLORTERM": "24bit"}, True),
        ({"TERM": "xterm-direct"}, True),
        ({"WT_SESSION": "x"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM_PROGRAM": "Apple_Terminal", "TERM": "xterm-256color"}, False),
    ],
)
def test_colours_are_24_bit_only_where_that_is_known(environ, has_true_color):
    assert detect_terminal(environ, is_tty=True).has_true_color is has_true_color

"""What the terminal can show, told from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

__all__ = ["Protocol", "Terminal", "detect_terminal"]

_KITTY_PROGRAMS = frozenset({"kitty", "ghostty", "WarpTerminal"})
_ITERM_PROGRAMS = frozenset({"iTerm.app", "WezTerm", "mintty", "rio"})
_KITTY_TERMS = frozenset({"xterm-kitty", "xterm-ghostty"})
_TRUE_COLOR_PROGRAMS = _KITTY_PROGRAMS | _ITERM_PROGRAMS | {"vscode", "Hyper", "Tabby"}
_TRUE_COLOR_TERMS = _KITTY_TERMS | {"alacritty", "foot", "wezterm"}

_KONSOLE_WITH_KITTY = 220400
"""Konsole 22.04 was the first with Kitty's graphics protocol."""


class Protocol(str, Enum):
    """How a picture reaches the terminal."""

    AUTO = "auto"
    KITTY = "kitty"
    ITERM = "iterm"
    BLOCKS = "blocks"
    SHADES = "shades"


@dataclass(frozen=True, slots=True)
class Terminal:
    """The terminal that output goes to."""

    protocol: Protocol
    """The best that it has; never ``AUTO``."""
    has_true_color: bool
    is_tmux: bool
    """Whether escapes of graphics must be wrapped for tmux."""


def detect_terminal(environ: Mapping[str, str], *, is_tty: bool) -> Terminal:
    """Return what is known of the terminal.

    Variables that name a program win over those that a program inside it inherits. Inside tmux and
    screen a picture would not move with its pane, so there it is made of blocks. What is no
    terminal, or wants no colours (``NO_COLOR``), gets shades.

    Parameters
    ----------
    environ
        Such as ``os.environ``.
    is_tty
        Whether output goes to a terminal.

    Examples
    --------
    >>> detect_terminal({"TERM": "xterm-kitty"}, is_tty=True).protocol.value
    'kitty'
    >>> detect_terminal({"TERM": "xterm-256color"}, is_tty=True).has_true_color
    False
    """
    is_tmux = "TMUX" in environ
    return Terminal(_protocol(environ, is_tty), _has_true_color(environ), is_tmux)


def _protocol(environ: Mapping[str, str], is_tty: bool) -> Protocol:
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if not is_tty or environ.get("NO_COLOR") or term == "dumb":
        return Protocol.SHADES
    if "TMUX" in environ or "STY" in environ or term.startswith(("tmux", "screen")):
        return Protocol.BLOCKS
    if program:
        return _protocol_of_program(program)
    if term in _KITTY_TERMS or "KITTY_WINDOW_ID" in environ or _is_new_konsole(environ):
        return Protocol.KITTY
    return Protocol.ITERM if environ.get("LC_TERMINAL") == "iTerm2" else Protocol.BLOCKS


def _protocol_of_program(program: str) -> Protocol:
    if program in _KITTY_PROGRAMS:
        return Protocol.KITTY
    return Protocol.ITERM if program in _ITERM_PROGRAMS else Protocol.BLOCKS


def _is_new_konsole(environ: Mapping[str, str]) -> bool:
    version = environ.get("KONSOLE_VERSION", "")
    return version.isdecimal() and int(version) >= _KONSOLE_WITH_KITTY


def _has_true_color(environ: Mapping[str, str]) -> bool:
    term = environ.get("TERM", "")
    return (
        environ.get("COLORTERM") in ("truecolor", "24bit")
        or term in _TRUE_COLOR_TERMS
        or term.endswith("-direct")
        or environ.get("TERM_PROGRAM") in _TRUE_COLOR_PROGRAMS
        or "KITTY_WINDOW_ID" in environ
        or "WT_SESSION" in environ
    )

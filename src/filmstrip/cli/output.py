"""What goes to stdout and stderr: lines, tables, JSON.

Everything that may hold a user's text passes `safe_text` before it gets here, or is passed as JSON.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from filmstrip.cli.table import Column, format_table

__all__ = [
    "json_text",
    "print_entry",
    "print_error",
    "print_hint",
    "print_json",
    "print_line",
    "print_table",
    "stdout_width",
]


def stdout_width() -> int | None:
    """Return the columns that a line may have; None when stdout is no terminal and none are set."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return None
    return Console().width


def print_line(text: str | Text = "", style: str = "") -> None:
    """Print a line to stdout as it is, in a style when stdout is a terminal."""
    _print(Console(), text, style)


def print_entry(head: str, text: str | Text) -> None:
    """Print a head and a text beside it; a terminal gets the text wrapped in its own column.

    Elsewhere it stays one line, for other programs to read.
    """
    console = Console()
    body = text if isinstance(text, Text) else Text(text)
    indent = min(cell_len(head), console.width // 3)
    lines = body.wrap(console, console.width - indent) if console.is_terminal else [body]
    for number, line in enumerate(lines or [body]):
        if console.is_terminal:
            line.rstrip()
        _print(console, Text.assemble(head if number == 0 else " " * indent, line), "")


def print_hint(text: str) -> None:
    """Print a dimmed line to stderr: advice that is no part of the answer."""
    _print(Console(stderr=True), text, "dim")


def print_error(text: str) -> None:
    """Print ``error: …`` to stderr."""
    _print(Console(stderr=True), Text.assemble(("error: ", "bold red"), text), "")


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to stdout, and to stderr which of its columns did not fit."""
    table = format_table(columns, rows, width=stdout_width())
    print_line(table.header, "bold")
    sys.stdout.write("".join(f"{row}\n" for row in table.rows))
    if table.left_out:
        print_hint(f"no room for {', '.join(table.left_out)}; --json has all")


def print_json(value: Any) -> None:
    """Print a value as `json_text`, and nothing else, to stdout."""
    sys.stdout.write(json_text(value) + "\n")


def json_text(value: Any) -> str:
    r"""Return a value as indented JSON in which terminals find nothing to act on.

    What does not print is written as its code; a JSON reader sees no difference.

    Parameters
    ----------
    value
        What msgspec encodes: dataclasses, structs, lists, numbers, texts.

    Examples
    --------
    >>> print(json_text(["\x9b31m", "\u202e", "ключ"]))
    [
      "\u009b31m",
      "\u202e",
      "ключ"
    ]
    """
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(c if c.isprintable() or c == "\n" else _json_escape(c) for c in text)


def _print(console: Console, text: str | Text, style: str) -> None:
    line = text if isinstance(text, Text) else Text(text, style=style)
    # Answers are never wrapped, so that they can be copied; neither is what goes to a log file.
    is_whole = not console.stderr or not console.is_terminal
    console.print(line, soft_wrap=is_whole, highlight=False, emoji=False, markup=False)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))

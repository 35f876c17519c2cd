"""Text for a terminal: what users wrote made harmless, sizes, times and counts."""

from __future__ import annotations

import re
import time

__all__ = [
    "count_text",
    "duration_text",
    "safe_text",
    "shortened",
    "size_text",
    "span_text",
    "time_text",
]

_JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiners: unprintable to Python, but they belong to words and emoji."""

_SIZE_UNITS = ("kB", "MB", "GB", "TB", "PB")

_SUSPECT = re.compile(r"[^ -~]")
"""Anything but printable ASCII: most texts have none, and need no second look."""


def safe_text(text: str) -> str:
    r"""Return the text with every character that could move or colour a terminal written out.

    Control characters, terminal escapes, line breaks and marks that reorder text become ``\x1b``,
    ``\n``, ``\u202e``.

    Examples
    --------
    >>> print(safe_text("night\n\x1b[31mred ключ"))
    night\n\x1b[31mred ключ
    """
    if not _SUSPECT.search(text):
        return text
    return "".join(
        c
        if c.isprintable() or c in _JOINERS
        else c.encode("unicode_escape", "surrogatepass").decode()
        for c in text
    )


def shortened(text: str, limit: int) -> str:
    """Return the text, its end cut to "…" when it is longer than the limit.

    Examples
    --------
    >>> shortened("segmentation", 6)
    'segme…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def count_text(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> count_text(1, "image"), count_text(12800, "image"), count_text(2, "box")
    ('1 image', '12,800 images', '2 boxes')
    """
    plural = f"{noun}es" if noun.endswith("x") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def size_text(size_bytes: int) -> str:
    """Return a size in decimal units.

    Examples
    --------
    >>> size_text(999), size_text(1_509_376), size_text(25_000_000)
    ('999 B', '1.5 MB', '25 MB')
    """
    if size_bytes < 1000:
        return f"{size_bytes} B"
    power = 1
    while size_bytes >= 999.5 * 1000**power and power < len(_SIZE_UNITS):
        power += 1
    size = size_bytes / 1000**power
    return f"{size:.{1 if size < 9.95 else 0}f} {_SIZE_UNITS[power - 1]}"


def duration_text(secs: float) -> str:
    """Return a duration in its two largest units.

    Examples
    --------
    >>> duration_text(0.4), duration_text(75), duration_text(7_320), duration_text(400_000)
    ('0 s', '1 min 15 s', '2 h 2 min', '4 d 15 h')
    """
    whole = max(0, int(secs))
    units = [
        ("d", whole // 86400),
        ("h", whole // 3600 % 24),
        ("min", whole // 60 % 60),
        ("s", whole % 60),
    ]
    while len(units) > 1 and not units[0][1]:
        units.pop(0)
    return " ".join(f"{number} {unit}" for unit, number in units[:2])


def span_text(first: int | None, last: int | None) -> str:
    """Return the ends of a range of steps; nothing when there is none.

    Examples
    --------
    >>> span_text(0, 20), span_text(7, 7), span_text(None, None)
    ('0–20', '7', '')
    """
    if first is None or last is None:
        return ""
    return str(first) if first == last else f"{first}–{last}"


def time_text(secs: float) -> str:
    """Return a time in seconds since 1970 UTC as local date and minute; "?" when there is no such.

    Examples
    --------
    >>> len(time_text(1_700_000_000.0)), time_text(1e30)
    (16, '?')
    """
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(secs))
    except (OverflowError, OSError, ValueError):
        return "?"

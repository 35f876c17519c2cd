"""Where a page ended, as text that a client hands back."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from filmstrip.errors import QueryError

__all__ = ["Cursor"]


class Cursor(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Where a page ended."""

    phase: int = 0
    """Which source of the order is being walked."""
    values: tuple[int | float | str | None, ...] = ()
    """What orders the last image that was looked at; empty at the beginning of a phase."""
    is_whole: bool = False
    """True when all images that share these values were looked at."""
    num_found: int = 0
    """How many images the pages so far held."""

    def encode(self) -> str:
        """Return the cursor as text."""
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Return the cursor that a text stands for.

        Raises
        ------
        QueryError
            It stands for none.
        """
        try:
            padded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return msgspec.msgpack.decode(padded, type=cls)
        except (binascii.Error, UnicodeEncodeError, ValueError, msgspec.MsgspecError):
            raise cls.refused(text) from None

    @staticmethod
    def refused(text: Any) -> QueryError:
        """Return the error for a cursor that is not of this query."""
        return QueryError(
            "the cursor of a page of this query",
            got=repr(text)[:60],
            fix="leave it out to begin",
            position=0,
        )

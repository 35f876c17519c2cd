"""Where the next entry of a spool goes: a ring whose first pages are used again and again.

Positions count on for ever; the place in the file is the position modulo the ring's size. When all
is drained the next entry goes to the beginning, so that a spool that never fills keeps to a few
pages, which the kernel holds mapped and warm.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BLOCK_BYTES", "Ring"]

BLOCK_BYTES = 512
"""Entries begin at multiples of this, so that a search for them need not look at every byte."""


@dataclass(slots=True)
class Ring:
    """The producer's side of a ring of `size_bytes`.

    Examples
    --------
    >>> ring = Ring(4096)
    >>> ring.place(1000, tail=0), ring.place(3000, tail=0), ring.place(1000, tail=0)
    (0, 1024, None)
    >>> ring.place(1000, tail=1024), ring.offset(4096)
    (4096, 0)
    """

    size_bytes: int
    head: int = 0
    """Position behind the last entry."""
    _floor: int = 0
    """Where the ring began anew: everything before is drained, whatever `tail` yet says."""

    def place(self, size_bytes: int, tail: int) -> int | None:
        """Return the position of an entry and move the head behind it; None while it has no room.

        An entry that is larger than the ring has room when nothing else is there.

        Parameters
        ----------
        size_bytes
            Size of the entry.
        tail
            Position up to which all entries are drained.
        """
        tail = max(tail, self._floor)
        is_empty = tail >= self.head
        start = self.head
        place_bytes = _rounded(size_bytes, BLOCK_BYTES)
        if is_empty or start % self.size_bytes + place_bytes > self.size_bytes:
            start = _rounded(start, self.size_bytes)
        if is_empty:
            self._floor = tail = start
        elif start + place_bytes - tail > self.size_bytes:
            return None
        self.head = self.end(start, size_bytes)
        return start

    def end(self, position: int, size_bytes: int) -> int:
        """Return where the room of an entry ends: what is the tail once it is drained."""
        unit = BLOCK_BYTES if size_bytes <= self.size_bytes else self.size_bytes
        return _rounded(position + size_bytes, unit)

    def offset(self, position: int) -> int:
        """Return the place of a position in the ring."""
        return position % self.size_bytes


def _rounded(number: int, unit: int) -> int:
    return -(-number // unit) * unit

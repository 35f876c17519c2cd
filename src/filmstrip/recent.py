"""A dict of bounded size, for what a run that lasts weeks must not remember for ever."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Recent"]

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """Keeps at least the last `limit` entries that were set or got, and at most twice as many.

    Two dicts: when the younger is full it becomes the elder, and the elder is forgotten.

    Examples
    --------
    >>> recent = Recent(2)
    >>> for number in range(5):
    ...     recent[number] = str(number)
    >>> [number in recent for number in range(5)]
    [False, False, True, True, True]
    """

    __slots__ = ("_elder", "_limit", "_younger")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._younger: dict[_Key, _Value] = {}
        self._elder: dict[_Key, _Value] = {}

    def __setitem__(self, key: _Key, value: _Value) -> None:
        if len(self._younger) >= self._limit:
            self._elder, self._younger = self._younger, {}
        self._younger[key] = value

    def get(self, key: _Key) -> _Value | None:
        """Return the value, which then counts as set just now; None when it is not there."""
        value = self._younger.get(key)
        if value is None and (value := self._elder.get(key)) is not None:
            self[key] = value
        return value

    def update_all(self, updated: Callable[[_Value], _Value | None]) -> None:
        """Replace each value by what a function makes of it; forget where that is None."""
        for entries in (self._younger, self._elder):
            made = {key: updated(value) for key, value in entries.items()}
            entries.clear()
            entries.update({key: value for key, value in made.items() if value is not None})

    def __contains__(self, key: _Key) -> bool:
        return key in self._younger or key in self._elder

    def __len__(self) -> int:
        return len(self._younger.keys() | self._elder.keys())

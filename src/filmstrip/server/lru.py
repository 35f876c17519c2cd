"""A bounded memory of what was used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Lru"]

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Lru(Generic[_Key, _Value]):
    """Values by key, up to a total cost; those used longest ago go first. Threads may share it.

    Parameters
    ----------
    max_cost
        Bound of all values together.
    cost_of
        What a value costs; 1 by default. One that costs more than the bound is not kept.

    Examples
    --------
    >>> recent: Lru[str, bytes] = Lru(4, cost_of=len)
    >>> for name in ("a", "b", "c"):
    ...     recent.put(name, b"xx")
    >>> recent.get("a"), recent.get("c")
    (None, b'xx')
    """

    def __init__(self, max_cost: int, *, cost_of: Callable[[_Value], int] = lambda _: 1) -> None:
        self._max_cost, self._cost_of = max_cost, cost_of
        self._values: OrderedDict[_Key, _Value] = OrderedDict()
        self._cost = 0
        self._lock = Lock()

    def get(self, key: _Key) -> _Value | None:
        """Return what was put there; None when it is not there any more."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: _Key, value: _Value) -> None:
        """Keep a value, and let go of what there is no room for."""
        with self._lock:
            self._drop(key)
            self._values[key] = value
            self._cost += self._cost_of(value)
            while self._cost > self._max_cost:
                self._drop(next(iter(self._values)))

    def drop(self, key: _Key) -> None:
        """Forget a value."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: _Key) -> None:
        value = self._values.pop(key, None)
        if value is not None:
            self._cost -= self._cost_of(value)

"""Step selections: which steps of a run are meant, written as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from filmstrip.errors import OptionError

__all__ = ["StepSelection", "parse_steps"]

_Word: TypeAlias = Literal["first", "last"]
_WORDS: dict[str, _Word] = {"first": "first", "last": "last"}


@dataclass(frozen=True, slots=True)
class _Span:
    """Steps from `start` to before `stop`, of which every `stride`-th number counts."""

    start: int | None
    stop: int | None
    stride: int

    def choose(self, available: Sequence[int]) -> list[int]:
        # Without a start the first step is the origin, so that "::10" finds 1, 11, 21 as well.
        origin = available[0] if self.start is None else self.start
        return [
            step
            for step in available
            if step >= origin
            and (self.stop is None or step < self.stop)
            and (step - origin) % self.stride == 0
        ]


@dataclass(frozen=True, slots=True)
class StepSelection:
    """Some of the steps at which a key has images; made by `parse_steps`."""

    text: str
    """As it was written."""
    parts: tuple[_Span | int | _Word, ...]

    def choose(self, available: Sequence[int]) -> list[int]:
        """Return those of the steps that are meant.

        Parameters
        ----------
        available
            Steps in ascending order, each once.

        Returns
        -------
        list of int
            In ascending order, each once; steps that are not available are left out.

        Examples
        --------
        >>> parse_steps("0:30:10,last").choose([0, 5, 10, 20, 30, 40])
        [0, 10, 20, 40]
        """
        if not available:
            return []
        chosen: set[int] = set()
        for part in self.parts:
            if isinstance(part, _Span):
                chosen.update(part.choose(available))
            elif isinstance(part, int):
                chosen.add(part)
            else:
                chosen.add(available[0 if part == "first" else -1])
        return [step for step in available if step in chosen]


def parse_steps(text: str) -> StepSelection:
    """Return the selection that a text stands for.

    Parts are joined with commas. Each is a step (``5``), ``first``, ``last``, or a span written as
    Python's slices are, in steps: ``0:100:10`` is 0, 10, …, 90. Ends may be left out; without a
    start the stride counts from the first step that there is.

    Raises
    ------
    OptionError
        A part is none of these, or a stride is not positive.

    Examples
    --------
    >>> parse_steps("1,2,7").choose(range(10))
    [1, 2, 7]
    """
    return StepSelection(text, tuple(_part(part.strip(), text) for part in text.split(",")))


def _part(part: str, text: str) -> _Span | int | _Word:
    if part in _WORDS:
        return _WORDS[part]
    try:
        if ":" not in part:
            return int(part)
        numbers = [int(number) if number.strip() else None for number in part.split(":")]
        start, stop, stride = [*numbers, None][:3] if len(numbers) == 2 else numbers
    except ValueError:
        raise OptionError(
            "steps such as 5, 1,2,7, 0:100:10 or last",
            got=repr(text),
            fix="write numbers, 'first', 'last' or start:stop:stride, joined with commas",
        ) from None
    if stride is not None and stride <= 0:
        raise OptionError(
            "a stride of at least 1 in steps", got=repr(text), fix="swap start and stop"
        )
    return _Span(start, stop, stride or 1)

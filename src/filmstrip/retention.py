"""Retention policies: which steps of a key keep their images.

``"all"``, ``"last:20"``, ``"every:10"``, ``"best:loss:5"`` and ``"best:acc:5:max"`` say it for a
key; a mapping of key patterns says it for several. Nothing here reads or deletes anything.

A policy looks at nothing but the steps that are there, and what it keeps it keeps again when some
of the others are gone: pruning twice is pruning once, and a killed prune can be done again.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from filmstrip.errors import OptionError

__all__ = [
    "Keep",
    "KeepAll",
    "KeepBest",
    "KeepEvery",
    "KeepLast",
    "Policy",
    "parse_keep",
    "parse_policy",
]

_NO_VALUES: Mapping[int, Any] = {}


@dataclass(frozen=True, slots=True)
class KeepAll:
    """Keep the images of every step."""

    def kept_steps(
        self, steps: Collection[int], values: Mapping[int, Any] = _NO_VALUES
    ) -> frozenset[int]:
        """Return the steps whose images stay."""
        del values
        return frozenset(steps)

    def __str__(self) -> str:
        return "all"


@dataclass(frozen=True, slots=True)
class KeepLast:
    """Keep the images of the highest steps."""

    count: int

    def kept_steps(
        self, steps: Collection[int], values: Mapping[int, Any] = _NO_VALUES
    ) -> frozenset[int]:
        """Return the steps whose images stay.

        Examples
        --------
        >>> sorted(KeepLast(2).kept_steps([0, 10, 5]))
        [5, 10]
        """
        del values
        return frozenset(sorted(set(steps))[-self.count :])

    def __str__(self) -> str:
        return f"last:{self.count}"


@dataclass(frozen=True, slots=True)
class KeepEvery:
    """Keep the images of steps divisible by a number, and those of the highest step."""

    interval: int

    def kept_steps(
        self, steps: Collection[int], values: Mapping[int, Any] = _NO_VALUES
    ) -> frozenset[int]:
        """Return the steps whose images stay.

        Examples
        --------
        >>> sorted(KeepEvery(10).kept_steps([0, 5, 10, 13, 14]))
        [0, 10, 14]
        """
        del values
        last = max(steps, default=None)
        return frozenset(step for step in steps if step % self.interval == 0 or step == last)

    def __str__(self) -> str:
        return f"every:{self.interval}"


@dataclass(frozen=True, slots=True)
class KeepBest:
    """Keep the images of the steps with the best values of a logged number.

    A step without a number, or with NaN, comes after all that have one, so that a metric which was
    never logged makes this ``last:count`` and deletes no more. Of equal steps the higher one
    counts as better. The highest step stays in addition as long as no value was logged for it: the
    images of a step are often logged before its metric.
    """

    metric: str
    count: int
    is_max: bool = False

    def kept_steps(
        self, steps: Collection[int], values: Mapping[int, Any] = _NO_VALUES
    ) -> frozenset[int]:
        """Return the steps whose images stay.

        Parameters
        ----------
        steps
            Those at which the key has images.
        values
            What was logged as the metric, by step; steps without images are of no account.

        Examples
        --------
        >>> values = {0: 0.5, 1: 0.3, 2: float("nan"), 3: 0.4}
        >>> sorted(KeepBest("loss", 2).kept_steps([0, 1, 2, 3], values))
        [1, 3]
        >>> sorted(KeepBest("loss", 2).kept_steps([0, 1, 2, 3, 4], values))
        [1, 3, 4]
        """
        ranked = sorted(set(steps), key=lambda step: self._rank(step, values.get(step)))
        kept = set(ranked[: self.count])
        last = max(steps, default=None)
        if last is not None and last not in values:
            kept.add(last)
        return frozenset(kept)

    def _rank(self, step: int, value: Any) -> tuple[bool, float, int]:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or math.isnan(value):
            return True, 0.0, -step
        return False, -value if self.is_max else value, -step

    def __str__(self) -> str:
        return f"best:{self.metric}:{self.count}" + (":max" if self.is_max else "")


Policy: TypeAlias = KeepAll | KeepLast | KeepEvery | KeepBest


@dataclass(frozen=True, slots=True)
class Keep:
    """Policies by pattern of keys; the first pattern that fits a key counts.

    Examples
    --------
    >>> keep = parse_keep({"val/*": "last:1", "*": "all"})
    >>> sorted(keep.going({"val/cats": [1, 2, 3], "train": [1, 2]}))
    [('val/cats', 1), ('val/cats', 2)]
    """

    rules: tuple[tuple[str, Policy], ...]

    @property
    def metrics(self) -> frozenset[str]:
        """The logged numbers that policies ask for."""
        return frozenset(p.metric for _, p in self.rules if isinstance(p, KeepBest))

    def with_rule(self, pattern: str, policy: str) -> Keep:
        """Return these policies with one that comes before them.

        Raises
        ------
        OptionError
            It is no pattern or no policy.

        Examples
        --------
        >>> str(parse_keep("all").with_rule("val/*", "last:3").policy("val/cats"))
        'last:3'
        """
        rule = (_checked_pattern(pattern), parse_policy(policy))
        return Keep((rule, *(known for known in self.rules if known[0] != pattern)))

    def policy(self, key: str) -> Policy:
        """Return the policy of a key; `KeepAll` when no pattern fits."""
        for pattern, policy in self.rules:
            if fnmatch.fnmatchcase(key, pattern):
                return policy
        return KeepAll()

    def going(
        self,
        steps: Mapping[str, Collection[int]],
        values: Mapping[str, Mapping[int, Any]] | None = None,
    ) -> frozenset[tuple[str, int]]:
        """Return each key and step whose images are to go.

        Parameters
        ----------
        steps
            By key: the steps at which it has images.
        values
            By metric: what was logged at each step. Those that `metrics` names are enough.
        """
        return frozenset(
            (key, step)
            for key, found in steps.items()
            for step in set(found) - self._kept(key, found, values or {})
        )

    def _kept(
        self, key: str, steps: Collection[int], values: Mapping[str, Mapping[int, Any]]
    ) -> frozenset[int]:
        policy = self.policy(key)
        metric = policy.metric if isinstance(policy, KeepBest) else ""
        return policy.kept_steps(steps, values.get(metric, _NO_VALUES))


def parse_keep(keep: str | Mapping[str, str]) -> Keep:
    """Return the policies that a user wrote.

    Parameters
    ----------
    keep
        A policy for every key, or policies by pattern of keys as in `fnmatch`, where ``*`` stands
        for any text, slashes too. The first pattern that fits a key counts; a key that none fits
        keeps all.

    Raises
    ------
    OptionError
        It is no such thing.

    Examples
    --------
    >>> parse_keep({"val/*": "last:20"}).policy("val/cats")
    KeepLast(count=20)
    """
    if isinstance(keep, str):
        return Keep((("*", parse_policy(keep)),))
    if not isinstance(keep, Mapping):
        raise OptionError(
            "keep as a policy or a mapping of key patterns to policies",
            got=repr(keep),
            fix='pass keep="last:20" or keep={"val/*": "last:20"}',
        )
    return Keep(tuple((_checked_pattern(p), parse_policy(text)) for p, text in keep.items()))


def parse_policy(text: str) -> Policy:
    """Return the policy that a user wrote.

    Raises
    ------
    OptionError
        It is no policy.

    Examples
    --------
    >>> parse_policy("best:val/acc:5:max")
    KeepBest(metric='val/acc', count=5, is_max=True)
    """
    kind, *parts = text.split(":") if isinstance(text, str) else [""]
    match kind, parts:
        case "all", []:
            return KeepAll()
        case "last", [count] if _is_count(count):
            return KeepLast(int(count))
        case "every", [interval] if _is_count(interval):
            return KeepEvery(int(interval))
        case "best", [*metric, count] if any(metric) and _is_count(count):
            return KeepBest(":".join(metric), int(count))
        case "best", [*metric, count, "min" | "max" as end] if any(metric) and _is_count(count):
            return KeepBest(":".join(metric), int(count), is_max=end == "max")
    raise OptionError(
        'a policy: "all", "last:20", "every:10", "best:loss:5" or "best:acc:5:max"',
        got=repr(text),
        fix="numbers are 1 or more, and best takes a metric, a number, and min (default) or max",
    )


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0


def _checked_pattern(pattern: Any) -> str:
    if isinstance(pattern, str) and pattern:
        return pattern
    raise OptionError(
        "keep's patterns of keys as texts that are not empty",
        got=repr(pattern),
        fix='write "*" for every key',
    )

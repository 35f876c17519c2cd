"""Free-form values, as JSON keeps them: config, meta, and what ``log()`` was given beside images.

`to_json_value` turns a value into plain JSON or raises; `from_json_value` gives back what went in.
Numpy and torch scalars become Python numbers. NaN and infinity become ``{"$float": "NaN"}``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import PurePath
from typing import Any

from filmstrip.record import number_from_float

__all__ = ["FreeformError", "from_json_value", "scalar_value", "text_value", "to_json_value"]

_FLOAT_TAG = "$float"
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1
_MAX_DEPTH = 64
"""Levels of lists and dicts; every JSON reader takes as many."""


class FreeformError(TypeError):
    """A value that JSON cannot hold; ``got`` names it, ``where`` is the path to it."""

    def __init__(self, got: str, *, where: str = "") -> None:
        self.got, self.where = got, where
        super().__init__(got)


def scalar_value(value: Any) -> bool | int | float | str | None:
    """Return the value as a Python scalar.

    Zero-dimensional and one-element arrays and tensors count as the number they hold.

    Raises
    ------
    FreeformError
        The value is no text, number or ``None``, or an integer of more than 64 bits.

    Examples
    --------
    >>> import numpy as np
    >>> scalar_value(np.float32(0.5)), scalar_value(np.array([3])), scalar_value("a")
    (0.5, 3, 'a')
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):  # before str and int, which some enums also are
        return scalar_value(value.value)
    if isinstance(value, float):
        return float(value)  # numpy's float64 is a float, but nothing that JSON encoders know
    if isinstance(value, str):
        return text_value(value)
    if isinstance(value, int):
        return _checked_int(value)
    item = _array_item(value)
    if item is not None:
        return scalar_value(item)
    raise FreeformError(_described(value))


def text_value(value: Any) -> str:
    """Return the text as a plain ``str``.

    Raises
    ------
    FreeformError
        The value is no text, or holds half of a surrogate pair, which has no UTF-8 form.

    Examples
    --------
    >>> import numpy as np
    >>> text_value(np.str_("cat"))
    'cat'
    """
    if not isinstance(value, str):
        raise FreeformError(_described(value))
    try:
        value.encode()
    except UnicodeEncodeError:
        raise FreeformError("text with a lone surrogate, which UTF-8 cannot hold") from None
    return str.__str__(value)  # an enum's own __str__ gives its name


def to_json_value(value: Any) -> Any:
    """Return the value as nested dicts, lists and scalars that JSON holds.

    Raises
    ------
    FreeformError
        Something inside has no JSON form; ``where`` says at which path.

    Examples
    --------
    >>> to_json_value({"lr": 0.1, "sizes": (1, 2), "best": float("inf")})
    {'lr': 0.1, 'sizes': [1, 2], 'best': {'$float': 'Infinity'}}
    """
    return _json_value(value, 0)


def from_json_value(value: Any) -> Any:
    """Return what `to_json_value` was given, with tuples and sets as lists.

    Examples
    --------
    >>> from_json_value({"best": {"$float": "-Infinity"}, "n": [1, 2]})
    {'best': -inf, 'n': [1, 2]}
    """
    if isinstance(value, dict):
        if len(value) == 1 and _FLOAT_TAG in value:
            return float(value[_FLOAT_TAG])
        return {name: from_json_value(item) for name, item in value.items()}
    if isinstance(value, list):
        return [from_json_value(item) for item in value]
    return value


def _json_value(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return _json_dict(value, depth)
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=repr)  # the order of a set differs from process to process
    if isinstance(value, (list, tuple)):
        return [_nested(item, str(i), depth) for i, item in enumerate(value)]
    if isinstance(value, PurePath):
        return text_value(str(value))
    if callable(getattr(value, "tolist", None)) and getattr(value, "ndim", None):
        return _json_value(value.tolist(), depth)
    scalar = scalar_value(value)
    if isinstance(scalar, float) and not math.isfinite(scalar):
        return {_FLOAT_TAG: number_from_float(scalar)}
    return scalar


def _json_dict(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, item in value.items():
        key = _key(name)
        if key in made:
            raise FreeformError(f"two keys that are both {key!r} as text")
        made[key] = _nested(item, key, depth)
    return made


def _nested(value: Any, where: str, depth: int) -> Any:
    if depth >= _MAX_DEPTH:
        raise FreeformError(f"more than {_MAX_DEPTH} levels of nesting")
    try:
        return _json_value(value, depth + 1)
    except FreeformError as error:
        path = f"{where}/{error.where}" if error.where else where
        raise FreeformError(error.got, where=path) from None


def _key(name: Any) -> str:
    key = text_value(name if isinstance(name, str) else str(name))
    if key == _FLOAT_TAG:
        raise FreeformError(f"the reserved name {_FLOAT_TAG!r}")
    return key


def _checked_int(value: int) -> int:
    if not _INT64_MIN <= value <= _UINT64_MAX:
        raise FreeformError("an integer of more than 64 bits")
    return int(value)


def _array_item(value: Any) -> Any:
    """Return the number in a numpy, torch or JAX scalar or one-element array, else None."""
    item = getattr(value, "item", None)
    shape = getattr(value, "shape", None)
    if not callable(item) or not isinstance(shape, Sequence) or math.prod(shape) != 1:
        return None
    number = item()
    return number if isinstance(number, (bool, int, float, str)) else None


def _described(value: Any) -> str:
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    shape = getattr(value, "shape", None)
    return f"{name} of shape {tuple(shape)}" if isinstance(shape, Sequence) else name

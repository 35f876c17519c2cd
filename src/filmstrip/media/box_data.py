"""What users write boxes as → checked rows and columns; `boxes` holds the one form they end in."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sized
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from filmstrip.errors import BoxesError, ImageTypeError
from filmstrip.freeform import FreeformError, text_value
from filmstrip.media.arrays import array_from_any, is_arraylike

__all__ = [
    "BoxRow",
    "Floats",
    "box_array",
    "caption_column",
    "check_choice",
    "class_id_column",
    "kind_of",
    "score_columns",
]

Floats: TypeAlias = npt.NDArray[np.float64]

_CORNERS = ("minX", "minY", "maxX", "maxY")


class BoxRow:
    """One entry of ``box_data``, checked.

    Raises
    ------
    BoxesError
        It has no position, another ``domain``, or something that is not of its type.

    Examples
    --------
    >>> row = BoxRow({"position": {"middle": [4, 3], "width": 2, "height": 2}}, "box 0")
    >>> row.xyxy, row.is_pixel
    ((3.0, 2.0, 5.0, 4.0), False)
    """

    __slots__ = ("caption", "class_id", "is_pixel", "scores", "xyxy")

    def __init__(self, entry: Any, where: str) -> None:
        if not isinstance(entry, Mapping):
            raise BoxesError(f"{where} as a dict", got=kind_of(entry), fix="give it a 'position'")
        domain = entry.get("domain")
        if not (domain is None or (isinstance(domain, str) and domain in ("pixel", "fraction"))):
            raise BoxesError(
                f"{where} with domain 'pixel', or none for fractions of the image",
                got=repr(domain),
                fix="write domain='pixel' or leave it out",
            )
        self.is_pixel = domain == "pixel"
        self.xyxy = _corners(entry.get("position"), where)
        class_id = entry.get("class_id")
        self.class_id = None if class_id is None else _int(class_id, f"class_id of {where}")
        self.scores = _scores(entry.get("scores"), where)
        caption = entry.get("box_caption")
        self.caption = None if caption is None else _text(caption, f"box_caption of {where}")


def box_array(boxes: Any) -> Floats:
    """Return boxes as (n, 4) float64, a copy.

    Raises
    ------
    BoxesError
        They are no numbers, or of another shape.
    """
    array = _numbers(boxes, "boxes of shape (n, 4)")
    if array.size == 0 and array.ndim <= 2:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise BoxesError(
            "boxes of shape (n, 4)",
            got=f"shape {array.shape}",
            fix="give one row of four numbers a box, and name their order with format=",
        )
    return array.astype(np.float64)


def class_id_column(class_id: Any, n: int) -> tuple[int, ...]:
    """Return n class ids.

    Raises
    ------
    BoxesError
        They are not n, or no integers.
    """
    column = _column(class_id, "class_id", n)
    return tuple(
        _int(int(v) if isinstance(v, float) and v.is_integer() else v, "class_id")
        for v in column.tolist()
    )


def score_columns(scores: Any, n: int) -> dict[str, Floats]:
    """Return (n,) float64 by name, copies.

    Raises
    ------
    BoxesError
        They are no mapping of texts to n numbers each.
    """
    if scores is None:
        return {}
    if not isinstance(scores, Mapping):
        raise BoxesError(
            "scores as {name: numbers}", got=kind_of(scores), fix="name them: {'score': numbers}"
        )
    return {
        _text(name, "the name of a score"): _column(column, f"score {name!r}", n).astype(np.float64)
        for name, column in scores.items()
    }


def caption_column(captions: Any, n: int) -> tuple[str | None, ...]:
    """Return n captions.

    Raises
    ------
    BoxesError
        They are not n, or not all text or None.
    """
    if isinstance(captions, (str, bytes)) or not isinstance(captions, Sized):
        raise BoxesError(
            "captions as a list of text or None", got=kind_of(captions), fix="pass one text a box"
        )
    _check_length("caption", len(captions), n)
    return tuple(None if c is None else _text(c, "a caption") for c in captions)  # type: ignore[attr-defined]


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise unless the value is one of the choices.

    Raises
    ------
    BoxesError
        It is none of them.
    """
    if not (isinstance(value, str) and value in choices):
        raise BoxesError(
            f"{name} to be one of {', '.join(choices)}", got=repr(value), fix="pick one of them"
        )


def kind_of(value: Any) -> str:
    """Return the type's name, with the shape of an array, for a message.

    Examples
    --------
    >>> kind_of(np.zeros((2, 3)))
    'ndarray of shape (2, 3)'
    """
    shape = getattr(value, "shape", None)
    return type(value).__name__ + (f" of shape {tuple(shape)}" if shape is not None else "")


def _corners(position: Any, where: str) -> tuple[float, float, float, float]:
    given = position if isinstance(position, Mapping) else {}
    if all(name in given for name in _CORNERS):
        x1, y1, x2, y2 = (_number(given[name], f"{name} of {where}") for name in _CORNERS)
        return x1, y1, x2, y2
    if all(name in given for name in ("middle", "width", "height")):
        x, y = _middle(given["middle"], f"middle of {where}")
        width = _number(given["width"], f"width of {where}")
        height = _number(given["height"], f"height of {where}")
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    raise BoxesError(
        f"{where} with a position of minX, maxX, minY, maxY or of middle, width, height",
        got=f"only {sorted(map(str, given))}" if given else repr(position),
        fix="give one of the two forms whole",
    )


def _middle(middle: Any, what: str) -> tuple[float, float]:
    try:
        if isinstance(middle, (str, bytes, Mapping)):
            raise TypeError
        x, y = middle
    except (TypeError, ValueError):
        raise BoxesError(f"{what} as [x, y]", got=repr(middle), fix="give two numbers") from None
    return _number(x, what), _number(y, what)


def _number(value: Any, what: str) -> float:
    """Return the float that a Python number or a one-element array or tensor holds."""
    try:
        number = value.item() if callable(getattr(value, "item", None)) else value
        if isinstance(number, (bool, complex, str, bytes)):
            raise TypeError
        return float(number)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        got = kind_of(value) if getattr(value, "shape", ()) else repr(value)
        raise BoxesError(f"{what} to be a number", got=got, fix="pass float(value)") from None


def _int(value: Any, what: str) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise BoxesError(
            f"{what} to be an integer", got=repr(value), fix="pass int(class_id)"
        ) from None
    if not -(2**63) <= number < 2**63:
        raise BoxesError(
            f"{what} to be an integer of 64 bits", got=repr(value), fix="renumber the classes"
        )
    return number


def _scores(scores: Any, where: str) -> dict[str, float]:
    if scores is None:
        return {}
    if not isinstance(scores, Mapping):
        raise BoxesError(
            f"scores of {where} as {{name: number}}", got=kind_of(scores), fix="pass a dict"
        )
    return {
        _text(name, f"the name of a score of {where}"): _number(v, f"score {name!r} of {where}")
        for name, v in scores.items()
    }


def _text(value: Any, what: str) -> str:
    try:
        return text_value(value)
    except FreeformError:
        raise BoxesError(f"{what} as text", got=ascii(value), fix="pass it as str") from None


def _numbers(value: Any, what: str) -> npt.NDArray[Any]:
    try:
        array = array_from_any(_plain(value)).array
    except (ImageTypeError, ValueError, TypeError):
        raise BoxesError(
            f"{what} as numbers", got=kind_of(value), fix="give lists of numbers of equal length"
        ) from None
    return array


def _plain(value: Any) -> Any:
    """Return lists of tensors as lists of arrays, which numpy can join."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    is_foreign = is_arraylike(value) and not isinstance(value, (np.ndarray, np.generic))
    return array_from_any(value).array if is_foreign else value


def _column(value: Any, what: str, n: int) -> npt.NDArray[Any]:
    """Return n numbers as (n,)."""
    array = _numbers(value, f"{what} of shape (n,)")
    if max(array.shape, default=1) != array.size and array.size:
        raise BoxesError(
            f"{what} of shape (n,)", got=f"shape {array.shape}", fix="pass one number a box"
        )
    _check_length(what, array.size, n)
    return array.reshape(-1)


def _check_length(what: str, found: int, n: int) -> None:
    if found != n:
        raise BoxesError(
            f"one {what} for each of {n} boxes", got=f"{found}", fix="give lists of equal length"
        )

"""Bounding boxes of one layer: (n, 4) float64, xyxy, pixels, origin top left.

Every other way to write boxes is turned into that form once, here. Boxes outside the picture are
kept and clipped only for drawing; NaN and inverted boxes are kept and flagged.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from filmstrip.errors import BoxesError, ImageTypeError
from filmstrip.media.arrays import array_from_any, is_arraylike
from filmstrip.media.classes import Classes, class_name, labels_from_mapping
from filmstrip.record import (
    BoxLayer,
    ClassLabel,
    ScoreColumn,
    float_from_number,
    number_from_float,
)

__all__ = ["BoundingBoxes2D", "BoxDomain", "BoxFormat"]

BoxFormat: TypeAlias = Literal["xyxy", "xywh", "cxcywh"]
BoxDomain: TypeAlias = Literal["pixel", "fraction"]
_Floats: TypeAlias = npt.NDArray[np.float64]

_CORNERS = ("minX", "minY", "maxX", "maxY")


def _xyxy_from_xywh(boxes: _Floats) -> _Floats:
    x, y, width, height = boxes.T
    return np.stack([x, y, x + width, y + height], axis=1)


def _xyxy_from_cxcywh(boxes: _Floats) -> _Floats:
    x, y, width, height = boxes.T
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)


_XYXY_FROM: dict[str, Callable[[_Floats], _Floats]] = {
    "xyxy": np.array,
    "xywh": _xyxy_from_xywh,
    "cxcywh": _xyxy_from_cxcywh,
}


class BoundingBoxes2D:
    """Boxes of one layer, with classes, scores and captions.

    Parameters
    ----------
    val
        ``{"box_data": [...], "class_labels": {id: name}}``, the form that W&B documents: each
        entry has a ``position`` of either ``minX``, ``maxX``, ``minY``, ``maxY`` or ``middle``,
        ``width``, ``height``; ``domain`` absent for fractions of the image or ``"pixel"``; and, as
        wanted, ``class_id``, ``scores`` as ``{name: number}`` and ``box_caption``.
    key
        Name of the layer; only shown in messages.

    Raises
    ------
    BoxesError
        An entry has no position, a position or score that is no number, or another ``domain``.
    ClassesError
        ``class_labels`` is not ``{int: str}``.

    Examples
    --------
    >>> corners = {"minX": 2, "maxX": 8, "minY": 1, "maxY": 5}
    >>> box = {"position": corners, "domain": "pixel", "class_id": 7}
    >>> boxes = BoundingBoxes2D({"box_data": [box]})
    >>> boxes.xyxy, boxes.name_of(7)
    (array([[2., 1., 8., 5.]]), 'class_7')
    """

    __slots__ = ("_captions", "_class_ids", "_is_pixel", "_labels", "_scores", "_xyxy")

    def __init__(self, val: Mapping[str, Any], key: str | None = None) -> None:
        layer = f" in layer {key!r}" if key else ""
        if not isinstance(val, Mapping) or "box_data" not in val:
            raise BoxesError(
                f"{{'box_data': [...]}}{layer}",
                got=_kind(val),
                fix="put the list of boxes under 'box_data', or use BoundingBoxes2D.from_arrays",
            )
        entries = val["box_data"]
        if isinstance(entries, (str, bytes, Mapping)) or not isinstance(entries, Sequence):
            raise BoxesError(
                f"box_data as a list{layer}", got=_kind(entries), fix="pass a list of dicts"
            )
        rows = [_Row(entry, f"box {i}{layer}") for i, entry in enumerate(entries)]
        names = list(dict.fromkeys(name for row in rows for name in row.scores))
        self._set(
            np.array([row.xyxy for row in rows], np.float64).reshape(-1, 4),
            np.array([row.is_pixel for row in rows], bool),
            tuple(row.class_id for row in rows),
            {name: np.array([row.scores.get(name, np.nan) for row in rows]) for name in names},
            tuple(row.caption for row in rows),
            labels_from_mapping(val.get("class_labels"), None),
        )

    def _set(
        self,
        xyxy: _Floats,
        is_pixel: npt.NDArray[np.bool_],
        class_ids: tuple[int | None, ...],
        scores: dict[str, _Floats],
        captions: tuple[str | None, ...],
        labels: list[ClassLabel],
    ) -> None:
        xyxy.flags.writeable = False
        self._xyxy, self._is_pixel, self._class_ids = xyxy, is_pixel, class_ids
        self._scores, self._captions, self._labels = scores, captions, tuple(labels)

    @classmethod
    def from_arrays(
        cls,
        boxes: Any,
        format: BoxFormat = "xyxy",
        domain: BoxDomain = "pixel",
        *,
        class_id: Any = None,
        scores: Mapping[str, Any] | None = None,
        captions: Sequence[str | None] | None = None,
        class_labels: Mapping[int, str] | None = None,
    ) -> BoundingBoxes2D:
        """Return boxes from arrays; copies them.

        Parameters
        ----------
        boxes
            Shape (n, 4), any real dtype, numpy or torch or lists; n may be 0.
        format
            ``xyxy`` corners, ``xywh`` top left corner and size, ``cxcywh`` centre and size.
        domain
            ``pixel`` (default) or ``fraction`` of the image's width and height.
        class_id
            (n,) integers.
        scores
            ``{name: (n,) numbers}``; NaN where a box has none.
        captions
            n texts or None.
        class_labels
            ``{id: name}`` of this layer.

        Raises
        ------
        BoxesError
            Another shape, format or domain, or columns of unequal length.
        ClassesError
            `class_labels` is not ``{int: str}``.

        Examples
        --------
        >>> boxes = BoundingBoxes2D.from_arrays([[10, 20, 4, 6]], "cxcywh", scores={"p": [0.5]})
        >>> boxes.xyxy
        array([[ 8., 17., 12., 23.]])
        """
        _check_choice("format", format, get_args(BoxFormat))
        _check_choice("domain", domain, get_args(BoxDomain))
        xyxy = _XYXY_FROM[format](_box_array(boxes))
        n = len(xyxy)
        made = cls.__new__(cls)
        made._set(
            xyxy,
            np.full(n, domain == "pixel"),
            (None,) * n if class_id is None else _class_id_column(class_id, n),
            {_text(name): _score_column(name, col, n) for name, col in (scores or {}).items()},
            (None,) * n if captions is None else _caption_column(captions, n),
            labels_from_mapping(class_labels, None),
        )
        return made

    @classmethod
    def from_layer(cls, layer: BoxLayer) -> BoundingBoxes2D:
        """Return the boxes that a record holds."""
        n = len(layer.xyxy)
        rows = [[float_from_number(x) for x in row] for row in layer.xyxy]
        scores = {
            column.name: np.array(
                [np.nan if x is None else float_from_number(x) for x in column.values], np.float64
            )
            for column in layer.scores
        }
        made = cls.__new__(cls)
        made._set(
            np.array(rows, np.float64).reshape(-1, 4),
            np.ones(n, bool),
            tuple(layer.class_id) or (None,) * n,
            scores,
            tuple(layer.captions) or (None,) * n,
            layer.class_labels,
        )
        return made

    def to_layer(self, name: str) -> BoxLayer:
        """Return the layer as a record holds it; the boxes must be in pixels."""
        return BoxLayer(
            name=name,
            xyxy=[[number_from_float(x) for x in row] for row in self._xyxy.tolist()],
            class_id=list(self._class_ids) if any(c is not None for c in self._class_ids) else [],
            scores=[ScoreColumn(name=s, values=_score_values(v)) for s, v in self._scores.items()],
            captions=list(self._captions) if any(c is not None for c in self._captions) else [],
            class_labels=list(self._labels),
        )

    def in_pixels(self, width: int, height: int, classes: Classes | None = None) -> BoundingBoxes2D:
        """Return these boxes in pixels of an image of this size, named by its classes too."""
        scale = np.where(self._is_pixel[:, None], 1.0, [width, height, width, height])
        own = {label.id: label.name for label in self._labels}
        made = type(self).__new__(type(self))
        made._set(
            self._xyxy * scale,
            np.ones(len(self), bool),
            self._class_ids,
            self._scores,
            self._captions,
            labels_from_mapping(own, classes) if classes else list(self._labels),
        )
        return made

    @property
    def xyxy(self) -> _Floats:
        """(n, 4) float64, read-only: left, top, right, bottom; pixels once in an image."""
        return self._xyxy

    @property
    def class_id(self) -> npt.NDArray[np.int64] | None:
        """(n,) int64; -1 for a box without a class, None when no box has one."""
        if len(self) and all(c is None for c in self._class_ids):
            return None
        return np.array([-1 if c is None else c for c in self._class_ids], np.int64)

    @property
    def scores(self) -> dict[str, _Floats]:
        """(n,) float64 by name; NaN where a box has no such score."""
        return {name: column.copy() for name, column in self._scores.items()}

    @property
    def captions(self) -> list[str | None] | None:
        """One an image box, or None when no box has a caption."""
        return list(self._captions) if any(c is not None for c in self._captions) else None

    @property
    def labels(self) -> list[ClassLabel]:
        """The layer's classes as records hold them, colours included."""
        return list(self._labels)

    @property
    def class_labels(self) -> dict[int, str]:
        """Name by id: those given, and ``class_<id>`` for the rest that occur."""
        given = {label.id: label.name for label in self._labels}
        used = {c for c in self._class_ids if c is not None}
        return {**given, **{c: class_name(c, given) for c in sorted(used - given.keys())}}

    def name_of(self, class_id: int) -> str:
        """Return the name of a class of this layer."""
        return class_name(class_id, {label.id: label.name for label in self._labels})

    def is_invalid(self) -> npt.NDArray[np.bool_]:
        """Return (n,) bool: True for a box with NaN or infinity, or with its corners swapped."""
        x1, y1, x2, y2 = self._xyxy.T
        is_finite = np.isfinite(self._xyxy).all(axis=1)
        return np.asarray(~is_finite | (x2 < x1) | (y2 < y1))

    def to_dict(self) -> dict[str, Any]:
        """Return the boxes in the form that W&B documents; pixels once in an image."""
        return {
            "box_data": [self._entry(i) for i in range(len(self))],
            "class_labels": self.class_labels,
        }

    def _entry(self, i: int) -> dict[str, Any]:
        x1, y1, x2, y2 = self._xyxy[i].tolist()
        entry: dict[str, Any] = {"position": {"minX": x1, "maxX": x2, "minY": y1, "maxY": y2}}
        scores = {name: float(v[i]) for name, v in self._scores.items() if not np.isnan(v[i])}
        extras = {
            "domain": "pixel" if self._is_pixel[i] else None,
            "class_id": self._class_ids[i],
            "scores": scores or None,
            "box_caption": self._captions[i],
        }
        return entry | {name: value for name, value in extras.items() if value is not None}

    def __len__(self) -> int:
        return len(self._xyxy)

    def __repr__(self) -> str:
        return f"BoundingBoxes2D({len(self)} boxes, scores {list(self._scores)})"


class _Row:
    """One entry of ``box_data``, checked."""

    __slots__ = ("caption", "class_id", "is_pixel", "scores", "xyxy")

    def __init__(self, entry: Any, where: str) -> None:
        if not isinstance(entry, Mapping):
            raise BoxesError(f"{where} as a dict", got=_kind(entry), fix="give it a 'position'")
        domain = entry.get("domain")
        if domain not in (None, "pixel", "fraction"):
            raise BoxesError(
                f"{where} with domain 'pixel', or none for fractions of the image",
                got=repr(domain),
                fix="write domain='pixel' or leave it out",
            )
        self.is_pixel = domain == "pixel"
        self.xyxy = _corners(entry.get("position"), where)
        class_id = entry.get("class_id")
        self.class_id = None if class_id is None else _int(class_id, f"class_id of {where}")
        scores = {} if entry.get("scores") is None else entry["scores"]
        if not isinstance(scores, Mapping):
            raise BoxesError(
                f"scores of {where} as {{name: number}}", got=_kind(scores), fix="pass a dict"
            )
        self.scores = {
            _text(name): _number(v, f"score {name!r} of {where}") for name, v in scores.items()
        }
        caption = entry.get("box_caption")
        if caption is not None and not isinstance(caption, str):
            raise BoxesError(
                f"box_caption of {where} as text", got=repr(caption), fix="pass str(caption)"
            )
        self.caption = caption


def _corners(position: Any, where: str) -> tuple[float, float, float, float]:
    if isinstance(position, Mapping) and all(name in position for name in _CORNERS):
        x1, y1, x2, y2 = (_number(position[name], f"{name} of {where}") for name in _CORNERS)
        return x1, y1, x2, y2
    if isinstance(position, Mapping) and all(n in position for n in ("middle", "width", "height")):
        middle = position["middle"]
        if isinstance(middle, (str, bytes)) or not hasattr(middle, "__len__") or len(middle) != 2:
            raise BoxesError(
                f"middle of {where} as [x, y]", got=repr(middle), fix="give two numbers"
            )
        x, y = (_number(v, f"middle of {where}") for v in middle)
        width = _number(position["width"], f"width of {where}")
        height = _number(position["height"], f"height of {where}")
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    raise BoxesError(
        f"{where} with a position of minX, maxX, minY, maxY or of middle, width, height",
        got=repr(position)
        if not isinstance(position, Mapping)
        else f"only {sorted(map(str, position))}",
        fix="give one of the two forms whole",
    )


def _number(value: Any, what: str) -> float:
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
        raise BoxesError(f"{what} to be a number", got=repr(value), fix="pass float(value)")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BoxesError(
            f"{what} to be one number", got=_kind(value), fix="pass float(value)"
        ) from None


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


def _text(name: Any) -> str:
    if not isinstance(name, str):
        raise BoxesError("score names that are text", got=repr(name), fix="pass str(name)")
    return name


def _kind(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ + (f" of shape {tuple(shape)}" if shape is not None else "")


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BoxesError(
            f"{name} to be one of {', '.join(choices)}", got=repr(value), fix="pick one of them"
        )


def _numbers(value: Any, what: str) -> npt.NDArray[Any]:
    try:
        array = array_from_any(value).array if is_arraylike(value) else np.asarray(value)
    except (ImageTypeError, ValueError):
        raise BoxesError(
            f"{what} as numbers", got=_kind(value), fix="give lists of equal length"
        ) from None
    if array.size and array.dtype.kind not in "buif":
        raise BoxesError(
            f"{what} as numbers", got=f"dtype {array.dtype}", fix="convert them to floats"
        )
    return array


def _box_array(boxes: Any) -> _Floats:
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


def _check_length(what: str, found: int, n: int) -> None:
    if found != n:
        raise BoxesError(
            f"{what} for each of {n} boxes", got=f"{found}", fix="give lists of equal length"
        )


def _class_id_column(class_id: Any, n: int) -> tuple[int, ...]:
    array = _numbers(class_id, "class_id of shape (n,)")
    _check_length("one class_id", len(array) if array.ndim == 1 else array.size, n)
    values = array.reshape(-1).tolist()
    return tuple(
        _int(int(v) if isinstance(v, float) and v.is_integer() else v, "class_id") for v in values
    )


def _score_column(name: str, column: Any, n: int) -> _Floats:
    array = _numbers(column, f"scores {name!r} of shape (n,)")
    _check_length(f"one score {name!r}", array.size, n)
    return array.reshape(-1).astype(np.float64)


def _caption_column(captions: Sequence[str | None], n: int) -> tuple[str | None, ...]:
    if isinstance(captions, str) or not all(c is None or isinstance(c, str) for c in captions):
        raise BoxesError(
            "captions as a list of text or None", got=_kind(captions), fix="pass one text a box"
        )
    _check_length("one caption", len(captions), n)
    return tuple(captions)


def _score_values(column: _Floats) -> list[Any]:
    return [None if np.isnan(v) else number_from_float(v) for v in column.tolist()]

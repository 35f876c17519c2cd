"""Bounding boxes of one layer: (n, 4) float64, xyxy, pixels, origin top left.

Every other way to write boxes is turned into that form once, here. Boxes outside the picture are
kept and clipped only for drawing; NaN and inverted boxes are kept and flagged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from filmstrip.errors import BoxesError
from filmstrip.media.box_data import (
    BoxRow,
    Floats,
    box_array,
    caption_column,
    check_choice,
    class_id_column,
    kind_of,
    score_columns,
)
from filmstrip.media.classes import Classes, class_name, labels_from_mapping, merged_labels
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


def _xyxy_from_xywh(boxes: Floats) -> Floats:
    x, y, width, height = boxes.T
    return np.stack([x, y, x + width, y + height], axis=1)


def _xyxy_from_cxcywh(boxes: Floats) -> Floats:
    x, y, width, height = boxes.T
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)


_XYXY_FROM: dict[str, Callable[[Floats], Floats]] = {
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
                got=kind_of(val),
                fix="put the list of boxes under 'box_data', or use BoundingBoxes2D.from_arrays",
            )
        entries = val["box_data"]
        if isinstance(entries, (str, bytes, Mapping)) or not isinstance(entries, Sequence):
            raise BoxesError(
                f"box_data as a list{layer}", got=kind_of(entries), fix="pass a list of dicts"
            )
        rows = [BoxRow(entry, f"box {i}{layer}") for i, entry in enumerate(entries)]
        names = list(dict.fromkeys(name for row in rows for name in row.scores))
        self._set(
            np.array([row.xyxy for row in rows], np.float64).reshape(-1, 4),
            np.array([row.is_pixel for row in rows], bool),
            tuple(row.class_id for row in rows),
            {name: np.array([row.scores.get(name, np.nan) for row in rows]) for name in names},
            tuple(row.caption for row in rows),
            labels_from_mapping(val.get("class_labels")),
        )

    def _set(
        self,
        xyxy: Floats,
        is_pixel: npt.NDArray[np.bool_],
        class_ids: tuple[int | None, ...],
        scores: dict[str, Floats],
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
        check_choice("format", format, get_args(BoxFormat))
        check_choice("domain", domain, get_args(BoxDomain))
        with np.errstate(invalid="ignore", over="ignore"):  # infinite boxes are kept, and flagged
            xyxy = _XYXY_FROM[format](box_array(boxes))
        n = len(xyxy)
        made = cls.__new__(cls)
        made._set(
            xyxy,
            np.full(n, domain == "pixel"),
            (None,) * n if class_id is None else class_id_column(class_id, n),
            score_columns(scores, n),
            (None,) * n if captions is None else caption_column(captions, n),
            labels_from_mapping(class_labels),
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
        with np.errstate(over="ignore"):
            xyxy = self._xyxy * scale
        made = type(self).__new__(type(self))
        made._set(
            xyxy,
            np.ones(len(self), bool),
            self._class_ids,
            self._scores,
            self._captions,
            merged_labels(self._labels, classes),
        )
        return made

    @property
    def xyxy(self) -> Floats:
        """(n, 4) float64, read-only: left, top, right, bottom; pixels once in an image."""
        return self._xyxy

    @property
    def class_id(self) -> npt.NDArray[np.int64] | None:
        """(n,) int64; -1 for a box without a class, None when no box has one."""
        if len(self) and all(c is None for c in self._class_ids):
            return None
        return np.array([-1 if c is None else c for c in self._class_ids], np.int64)

    @property
    def scores(self) -> dict[str, Floats]:
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


def _score_values(column: Floats) -> list[Any]:
    return [None if np.isnan(v) else number_from_float(v) for v in column.tolist()]

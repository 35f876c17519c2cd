"""Detection data: what the formats for training detectors have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from filmstrip.media.boxes import BoundingBoxes2D
    from filmstrip.store import LoggedImage

__all__ = [
    "NO_CLASS_NAME",
    "Categories",
    "Detection",
    "Detections",
    "box_layer_names",
    "detections",
    "mask_layer_names",
]

NO_CLASS_NAME = "object"
"""Category of boxes without a class."""

_NO_CLASS = -1


@dataclass(slots=True)
class Categories:
    """Class names of an export. The same name is the same category, in all layers."""

    _ids: dict[str, set[int]] = field(default_factory=dict)

    def add(self, name: str, class_id: int | None) -> None:
        """Note a class, and the id that it was logged with."""
        self._ids.setdefault(name, set()).update(() if class_id is None else (class_id,))

    def add_boxes(self, boxes: BoundingBoxes2D) -> None:
        """Note the classes of a layer of boxes, those that no box has included."""
        for class_id, name in boxes.class_labels.items():
            if class_id != _NO_CLASS:
                self.add(name, class_id)
        if len(boxes) and (boxes.class_id is None or (boxes.class_id == _NO_CLASS).any()):
            self.add(NO_CLASS_NAME, None)

    def id_by_name(self) -> dict[str, int]:
        """Return the id of each category, in ascending order.

        The ids that were logged are kept where each names one class and each class has one; names
        without an id follow. Otherwise categories are numbered from 1 in the order of their names,
        so that the same names always get the same ids.

        Examples
        --------
        >>> categories = Categories()
        >>> categories.add("dog", 7), categories.add("cat", 3), categories.id_by_name()
        (None, None, {'cat': 3, 'dog': 7})
        >>> categories.add("bird", 7), categories.id_by_name()
        (None, {'bird': 1, 'cat': 2, 'dog': 3})
        """
        known = sorted((next(iter(ids)), name) for name, ids in self._ids.items() if len(ids) == 1)
        unknown = sorted(name for name, ids in self._ids.items() if not ids)
        has_doubles = len({class_id for class_id, _ in known}) < len(known)
        if has_doubles or len(known) + len(unknown) < len(self._ids) or (known and known[0][0] < 0):
            return {name: place for place, name in enumerate(sorted(self._ids), 1)}
        next_id = known[-1][0] + 1 if known else 1
        kept = {name: class_id for class_id, name in known}
        return {**kept, **{name: place for place, name in enumerate(unknown, next_id)}}


@dataclass(frozen=True, slots=True)
class Detection:
    """One box that a dataset can hold."""

    xyxy: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels."""
    category: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Detections:
    """The boxes of one layer of a picture."""

    kept: list[Detection]
    num_left_out: int


def detections(boxes: BoundingBoxes2D, *, clip_to: tuple[int, int] | None = None) -> Detections:
    """Return the boxes of a layer that have an area.

    Parameters
    ----------
    boxes
        In pixels.
    clip_to
        Width and height of the picture that the boxes are cut to; as they are by default.

    Returns
    -------
    Detections
        Boxes with NaN, swapped corners or no area are left out and counted.
    """
    xyxy = boxes.xyxy
    if clip_to is not None:
        xyxy = np.clip(xyxy, 0, [*clip_to, *clip_to])
    has_area = ~boxes.is_invalid() & (xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1])
    class_ids, scores = boxes.class_id, next(iter(boxes.scores.values()), None)
    kept = [
        Detection(
            (float(x1), float(y1), float(x2), float(y2)),
            NO_CLASS_NAME
            if class_ids is None or class_ids[i] == _NO_CLASS
            else boxes.name_of(int(class_ids[i])),
            None if scores is None or not np.isfinite(scores[i]) else float(scores[i]),
        )
        for i, (x1, y1, x2, y2) in enumerate(xyxy)
        if has_area[i]
    ]
    return Detections(kept, len(boxes) - len(kept))


def box_layer_names(images: Iterable[LoggedImage]) -> list[str]:
    """Return the names of the layers of boxes that the pictures have, in the order met."""
    return list(dict.fromkeys(layer.name for image in images for layer in image.record.boxes))


def mask_layer_names(images: Iterable[LoggedImage]) -> list[str]:
    """Return the names of the layers of masks that the pictures have, in the order met."""
    return list(dict.fromkeys(layer.name for image in images for layer in image.record.masks))

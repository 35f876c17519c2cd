"""Masks of one layer: a class or instance id for each pixel, kept exactly."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from filmstrip.errors import ImageInputError, ImageTypeError, MaskError
from filmstrip.media.arrays import array_from_any, describe_array, is_arraylike
from filmstrip.media.classes import Classes, class_name, labels_from_mapping, merged_labels
from filmstrip.media.files import open_encoded, read_path
from filmstrip.record import ClassLabel

__all__ = ["MAX_MASK_ID", "ImageMask"]

MAX_MASK_ID = 2**32 - 1
"""The largest id that a mask can hold."""

_Ids = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.uint32]

_ID_MODES = ("1", "L", "P", "I;16", "I;16B", "I")
"""PIL modes of one integer a pixel."""


class ImageMask:
    """Ids of one layer, drawn over the picture; copies what it is given.

    Parameters
    ----------
    val
        ``{"mask_data": ids, "class_labels": {id: name}}`` or ``{"path": file, ...}``. The ids are
        (H, W): integers, booleans, or floats without a fraction, from 0 to 2³²-1; numpy, torch, or
        lists.
    key
        Name of the layer; only shown in messages.

    Raises
    ------
    MaskError
        An id is negative, has a fraction or is over 2³²-1, or the data is not two-dimensional.
    ClassesError
        ``class_labels`` is not ``{int: str}``.
    ImageNotFoundError, ImageFileError
        ``path`` is no image file.

    Examples
    --------
    >>> mask = ImageMask({"mask_data": np.array([[0, 300]]), "class_labels": {300: "road"}})
    >>> mask.array.dtype, mask.name_of(300), mask.name_of(0)
    (dtype('uint16'), 'road', 'class_0')
    """

    __slots__ = ("_ids", "_labels")

    def __init__(self, val: Mapping[str, Any], key: str | None = None) -> None:
        layer = f" in layer {key!r}" if key else ""
        if not isinstance(val, Mapping) or not ("mask_data" in val or "path" in val):
            raise MaskError(
                f"{{'mask_data': ids}} or {{'path': file}}{layer}",
                got=type(val).__name__,
                fix="put the ids under 'mask_data'",
            )
        data = val["mask_data"] if "mask_data" in val else _ids_from_file(val["path"], layer)
        self._set(
            _stored_ids(_plane(data, layer), layer),
            labels_from_mapping(val.get("class_labels")),
        )

    def _set(self, ids: _Ids, labels: list[ClassLabel]) -> None:
        ids.flags.writeable = False
        self._ids, self._labels = ids, tuple(labels)

    @classmethod
    def from_ids(cls, ids: _Ids, labels: list[ClassLabel]) -> ImageMask:
        """Return a mask of stored ids, without copying or checking them."""
        made = cls.__new__(cls)
        made._set(ids, labels)
        return made

    def with_classes(self, classes: Classes | None) -> ImageMask:
        """Return this mask, named by the image's classes where it has no names of its own."""
        if not classes:
            return self
        return self.from_ids(self._ids, merged_labels(self._labels, classes))

    def check_aspect(self, width: int, height: int) -> None:
        """Raise unless the mask has the aspect ratio of an image of this size, to within a pixel.

        Raises
        ------
        MaskError
            The mask would have to be stretched to cover the image.
        """
        own_height, own_width = self._ids.shape
        if (
            abs(own_height - own_width * height / width) >= 1
            and abs(own_width - own_height * width / height) >= 1
        ) or (own_width == width) != (own_height == height):
            raise MaskError(
                f"a mask with the aspect ratio of its image, {height} high and {width} wide",
                got=f"{own_height} high and {own_width} wide",
                fix="resize or crop the mask as the image was",
            )

    @property
    def array(self) -> _Ids:
        """(H, W) ids, read-only: uint8, uint16 or uint32, whichever holds the largest."""
        return self._ids

    @property
    def dtype_name(self) -> Literal["uint8", "uint16", "uint32"]:
        """Name of the dtype of `array`."""
        size = self._ids.dtype.itemsize
        return "uint8" if size == 1 else "uint16" if size == 2 else "uint32"

    @property
    def labels(self) -> list[ClassLabel]:
        """The layer's classes as records hold them, colours included."""
        return list(self._labels)

    @property
    def class_labels(self) -> dict[int, str]:
        """Name by id: those given, and ``class_<id>`` for the rest that occur."""
        given = {label.id: label.name for label in self._labels}
        used = set(np.unique(self._ids).tolist())
        return {**given, **{i: class_name(i, given) for i in sorted(used - given.keys())}}

    def name_of(self, class_id: int) -> str:
        """Return the name of a class of this layer."""
        return class_name(class_id, {label.id: label.name for label in self._labels})

    def to_dict(self) -> dict[str, Any]:
        """Return the mask in the form that W&B documents."""
        return {"mask_data": self._ids, "class_labels": self.class_labels}

    def __repr__(self) -> str:
        height, width = self._ids.shape
        return f"ImageMask({height} × {width}, {self._ids.dtype})"


def _ids_from_file(path: Any, layer: str) -> npt.NDArray[Any]:
    if not isinstance(path, (str, os.PathLike)):
        raise MaskError(
            f"the path of a mask file{layer}",
            got=type(path).__name__,
            fix="pass text or a Path, or the ids under 'mask_data'",
        )
    _, image = open_encoded(read_path(path), name=os.fsdecode(path))
    if image.mode not in _ID_MODES:
        raise MaskError(
            f"a mask file of one integer a pixel{layer}",
            got=f"mode {image.mode}: {path}",
            fix="save the ids as a greyscale or palette PNG",
        )
    return np.asarray(image)


def _plane(data: Any, layer: str) -> npt.NDArray[Any]:
    """Return the data as an (H, W) array of real numbers."""
    try:
        array = array_from_any(data if is_arraylike(data) else np.asarray(data)).array
    except (ImageTypeError, ImageInputError, ValueError):
        raise MaskError(
            f"mask_data of integers{layer}",
            got=type(data).__name__,
            fix="pass an (H, W) integer array",
        ) from None
    plane = array
    while plane.ndim > 2 and 1 in (plane.shape[0], plane.shape[-1]):
        plane = plane[0] if plane.shape[0] == 1 else plane[..., 0]
    if plane.ndim != 2 or plane.size == 0:
        raise MaskError(
            f"mask_data of shape (H, W){layer}",
            got=describe_array(array),
            fix="give one id a pixel, such as scores.argmax(axis)",
        )
    return plane


def _stored_ids(plane: npt.NDArray[Any], layer: str) -> _Ids:
    """Return a copy of the ids in the smallest unsigned dtype that holds them."""
    if plane.dtype == np.bool_:
        return plane.astype(np.uint8, order="C")
    # As Python's numbers: float32 has no 2³²-1, and float16 has no such number at all.
    low, high = plane.min().item(), plane.max().item()
    is_whole = plane.dtype.kind != "f" or bool(
        math.isfinite(low) and math.isfinite(high) and (plane == np.trunc(plane)).all()
    )
    if not is_whole or low < 0 or high > MAX_MASK_ID:
        raise MaskError(
            f"mask ids that are whole numbers from 0 to {MAX_MASK_ID}{layer}",
            got=describe_array(plane),
            fix="map ignore labels such as -1 to an id of their own, and scores to ids with argmax",
        )
    if high <= 0xFF:
        return plane.astype(np.uint8, order="C")
    if high <= 0xFFFF:
        return plane.astype(np.uint16, order="C")
    return plane.astype(np.uint32, order="C")

"""From what ``log()`` is given to the records that will be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from filmstrip.errors import LogKeyError, LogValueError
from filmstrip.freeform import FreeformError, scalar_value, text_value, to_json_value
from filmstrip.media.image import Image
from filmstrip.record import ImageRecord, MaskLayer, ValuesRecord
from filmstrip.shard.names import mask_member

__all__ = ["Draft", "Flattened", "ImageDraft", "KeepRule", "flatten", "image_record"]


class ImageDraft(msgspec.Struct, frozen=True):
    """An image on its way to the shard, and its record without members."""

    record: ImageRecord
    image: Image

    @property
    def size_bytes(self) -> int:
        """Memory that the image holds."""
        return self.image.content.size_bytes + sum(
            mask.array.nbytes for mask in self.image.masks.values()
        )


class KeepRule(msgspec.Struct, frozen=True, tag_field="kind", tag="keep"):
    """From here on, images of keys that match the pattern are kept by this policy."""

    pattern: str
    policy: str


Draft: TypeAlias = ImageDraft | ValuesRecord | KeepRule


@dataclass(frozen=True, slots=True)
class Flattened:
    """What one ``log()`` call stores: values as JSON holds them, and images by key."""

    values: dict[str, Any] = field(default_factory=dict)
    images: dict[str, list[Image]] = field(default_factory=dict)


def flatten(data: Any) -> Flattened:
    """Return the data with its keys joined by ``/``.

    Raises
    ------
    LogKeyError
        A key is empty or not text.
    LogValueError
        The data is no mapping, or a value cannot be stored.

    Examples
    --------
    >>> flatten({"loss": {"train": 0.5, "val": 1}}).values
    {'loss/train': 0.5, 'loss/val': 1}
    """
    if not isinstance(data, Mapping):
        raise LogValueError(
            "a dict of key: value", got=type(data).__name__, fix='write log({"name": value})'
        )
    flat = Flattened()
    _collect(data, "", flat)
    return flat


def image_record(
    image: Image,
    *,
    run_id: str,
    key: str,
    step: int,
    index: int,
    time: float,
    session: int,
    rank: int = 0,
) -> ImageRecord:
    """Return the record of an image, its members still to come."""
    return ImageRecord(
        run_id=run_id,
        key=key,
        step=step,
        index=index,
        time=time,
        session=session,
        rank=rank,
        width=image.width,
        height=image.height,
        mode=image.mode,
        format=image.format,
        caption=image.caption,
        grouping=image.grouping,
        meta=image.meta_json,
        classes=image.classes.labels if image.classes else [],
        boxes=[boxes.to_layer(name) for name, boxes in image.boxes.items()],
        masks=[
            MaskLayer(
                name=name,
                member=mask_member(name),
                dtype=mask.dtype_name,
                width=mask.array.shape[1],
                height=mask.array.shape[0],
                class_labels=mask.labels,
            )
            for name, mask in image.masks.items()
        ],
        source=image.source,
        members=[],
    )


def _collect(data: Mapping[Any, Any], prefix: str, flat: Flattened) -> None:
    for name, value in data.items():
        key = prefix + _checked_key(name)
        if isinstance(value, Image):
            flat.images.setdefault(key, []).append(value)
        elif isinstance(value, Mapping):
            _collect(value, f"{key}/", flat)
        elif _is_image_list(value):
            flat.images.setdefault(key, []).extend(value)
        else:
            flat.values[key] = _checked_value(key, value)


def _checked_key(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise LogKeyError(
            "a key that is text and not empty",
            got=repr(name) if isinstance(name, str) else f"{type(name).__name__} {name!r}",
            fix="name the value",
        )
    try:
        return text_value(name)
    except FreeformError:
        raise LogKeyError(
            "a key that UTF-8 can hold", got=ascii(name), fix="drop the lone surrogate in it"
        ) from None


def _is_image_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, Image) for item in value)


def _checked_value(key: str, value: Any) -> Any:
    try:
        return to_json_value(scalar_value(value))
    except FreeformError as error:
        raise LogValueError(
            f"an image, a list of images, a number or text for key {key!r}",
            got=_got(value, error),
            fix="wrap pictures and arrays in Image(...), and turn the rest into numbers or text",
        ) from None


def _got(value: Any, error: FreeformError) -> str:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        return error.got
    kinds = sorted({type(item).__name__ for item in value})
    return f"{type(value).__name__} of {', '.join(kinds)}"

"""What stands in a spool entry: records as msgpack, and raw pixels behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from filmstrip.codec.options import EncodeOptions
from filmstrip.draft import Draft, ImageDraft, KeepRule
from filmstrip.media.files import EncodedPicture
from filmstrip.media.frame import digest_of
from filmstrip.record import ImageRecord, ValuesRecord

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Item",
    "SpooledImage",
    "SpooledPart",
    "decode_items",
    "encode_items",
    "padding_bytes",
    "parts_of",
]

_ALIGNMENT_BYTES = 16
"""Parts begin at multiples of this, so that numpy can read them where they are."""


class SpooledPart(msgspec.Struct, frozen=True, array_like=True):
    """Bytes that stand behind the items: pixels, ids, or a whole file."""

    size_bytes: int
    digest: bytes
    """xxh3-128 over the bytes: tells a damaged part, and the same picture logged again."""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    """As numpy writes it, or empty for the bytes of a file."""
    offset: int = -1
    """Place in the spool's pixel memory; -1 when the bytes stand behind the items."""


class SpooledImage(msgspec.Struct, frozen=True, tag_field="kind", tag="image_to_encode"):
    """A picture to encode, and its record without members."""

    record: ImageRecord
    picture: SpooledPart
    masks: list[SpooledPart]
    """In the order of the record's layers."""
    mode: str = ""
    palette: bytes | None = None
    transparency: bytes | None = None
    options: EncodeOptions = EncodeOptions()


Item: TypeAlias = SpooledImage | ValuesRecord | KeepRule

PlaceOf: TypeAlias = Callable[[Any], int]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[SpooledImage | ValuesRecord | KeepRule])


@dataclass(frozen=True, slots=True)
class EncodedItems:
    """Items as bytes, and the buffers that stand behind them; these refer to the images' memory."""

    meta: bytes
    buffers: list[Any]
    body_bytes: int
    held: list[int]
    """Places in the pixel memory that the items name."""


def _nowhere(array: Any) -> int:
    del array
    return -1


def encode_items(drafts: Sequence[Draft], seq: int, place: PlaceOf = _nowhere) -> EncodedItems:
    """Return the drafts as a spool entry holds them.

    Parameters
    ----------
    drafts
        Their pixels are referenced, not copied.
    seq
        The writer's sequence number of the first of them.
    place
        Returns where an array stands in the spool already, -1 when it does not.
    """
    buffers: list[Any] = []
    items = [
        _spooled(draft, number, buffers, place)
        if isinstance(draft, ImageDraft)
        else _numbered(draft, number)
        for number, draft in enumerate(drafts, seq)
    ]
    body_bytes = sum(len(b) if isinstance(b, bytes) else b.nbytes for b in buffers)
    held = [part.offset for item in items for part in parts_of(item) if part.offset >= 0]
    return EncodedItems(_encoder.encode(items), buffers, body_bytes, held)


def decode_items(data: bytes | memoryview) -> list[Item]:
    """Return the items that `encode_items` wrote.

    Raises
    ------
    msgspec.MsgspecError
        The bytes are no items.
    """
    items: list[Item] = _decoder.decode(data)
    return items


def parts_of(item: Item) -> list[SpooledPart]:
    """Return the parts of an item in the order in which they stand: its picture, its masks."""
    return [item.picture, *item.masks] if isinstance(item, SpooledImage) else []


def part_slices(items: Sequence[Item], start: int) -> Iterator[list[slice]]:
    """Yield where the parts of each item stand behind the items, the first at `start`.

    Of those that stand in the pixel memory, an empty slice.
    """
    for item in items:
        places = []
        for part in parts_of(item):
            if part.offset >= 0:
                places.append(slice(0, 0))
                continue
            places.append(slice(start, start + part.size_bytes))
            start += part.size_bytes + padding_bytes(part.size_bytes)
        yield places


def padding_bytes(size_bytes: int) -> int:
    """Return how many bytes lie between a part of this size and the next.

    Examples
    --------
    >>> padding_bytes(5), padding_bytes(32)
    (11, 0)
    """
    return -size_bytes % _ALIGNMENT_BYTES


def _numbered(draft: ValuesRecord | KeepRule, seq: int) -> ValuesRecord | KeepRule:
    if isinstance(draft, KeepRule):
        return draft
    return msgspec.structs.replace(draft, seq=seq)


def _spooled(draft: ImageDraft, seq: int, buffers: list[Any], place: PlaceOf) -> SpooledImage:
    image = draft.image
    content = image.content
    record = msgspec.structs.replace(draft.record, seq=seq)
    if isinstance(content, EncodedPicture):
        picture = SpooledPart(len(content.data), digest_of(content.data))
        _add(content.data, picture.size_bytes, buffers)
        return SpooledImage(record, picture, _spooled_masks(draft, buffers, place))
    picture = _spooled_array(content.pixels, content.digest, buffers, place)
    return SpooledImage(
        record,
        picture,
        _spooled_masks(draft, buffers, place),
        content.mode,
        content.palette,
        content.transparency,
        EncodeOptions(image.quality, image.lossless),
    )


def _spooled_masks(draft: ImageDraft, buffers: list[Any], place: PlaceOf) -> list[SpooledPart]:
    if not draft.record.masks:
        return []
    masks = draft.image.masks.values()
    return [_spooled_array(mask.array, b"", buffers, place) for mask in masks]


def _spooled_array(
    array: npt.NDArray[Any], digest: bytes, buffers: list[Any], place: PlaceOf
) -> SpooledPart:
    array = np.ascontiguousarray(array)
    digest = digest or digest_of(array)
    offset = place(array)
    if offset < 0:
        _add(array, array.nbytes, buffers)
    return SpooledPart(array.nbytes, digest, array.shape, array.dtype.str, offset)


def _add(data: Any, size_bytes: int, buffers: list[Any]) -> None:
    buffers.append(data)
    if missing := padding_bytes(size_bytes):
        buffers.append(bytes(missing))

"""From what a spool holds to what a shard stores: pictures become bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import xxhash

from filmstrip.codec import encode
from filmstrip.codec.batch import encode_png_batch, is_small
from filmstrip.codec.masks import encode_mask
from filmstrip.media.frame import Frame, digest_of
from filmstrip.recent import Recent
from filmstrip.record import ImageRecord
from filmstrip.shard.append import EncodedImage, EncodedMember, KnownMember, StoredFile
from filmstrip.shard.names import mask_member
from filmstrip.spool.items import SpooledImage, SpooledPart

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["KnownFiles", "PartDamagedError", "Sample", "encode_samples", "sample_from_item"]

KnownFiles: TypeAlias = Recent[bytes, StoredFile]
"""The files of pictures and masks that were encoded before, by what they were made of."""


class PartDamagedError(ValueError):
    """Pixels in the spool are not those that were logged."""


class Part(msgspec.Struct, frozen=True):
    """A picture or a mask on its way to a member."""

    member: str
    source: Frame | bytes | npt.NDArray[Any]
    """Pixels of a picture, a whole file, or the ids of a mask."""
    key: bytes
    """The same for the same pixels and options."""


class Sample(msgspec.Struct, frozen=True):
    """An image that was read from a spool."""

    image: SpooledImage
    parts: Sequence[Part]
    size_bytes: int

    @property
    def record(self) -> ImageRecord:
        """Its record without members."""
        return self.image.record


def sample_from_item(
    image: SpooledImage, data: Sequence[npt.NDArray[np.uint8]], seed: int
) -> Sample:
    """Return the sample that a spool's item and the bytes of its parts stand for.

    Parameters
    ----------
    image
        As it was decoded.
    data
        (size_bytes,) uint8 of the picture and of each mask; referenced.
    seed
        The spool's.

    Raises
    ------
    PartDamagedError
        A part is not what was written.
    """
    spooled = [image.picture, *image.masks]
    for part, bytes_ in zip(spooled, data, strict=True):
        if digest_of(bytes_, seed) != part.digest:
            raise PartDamagedError(
                f"pixels of {image.record.key!r} at step {image.record.step} differ from those "
                "that were logged"
            )
    looks = (image.record.format, image.mode, image.palette, image.transparency, image.options)
    picture = Part(image.record.format, _content(image, data[0]), _key(image.picture, looks))
    masks = [
        Part(mask_member(layer.name), _array(part, bytes_), _key(part, "mask"))
        for layer, part, bytes_ in zip(image.record.masks, image.masks, data[1:], strict=True)
    ]
    return Sample(image, [picture, *masks], sum(part.size_bytes for part in spooled))


def encode_samples(samples: Sequence[Sample], known: KnownFiles) -> list[EncodedImage]:
    """Return the samples as shards store them; what is known is not encoded again.

    Raises
    ------
    ImageInputError
        A picture that its file type cannot hold.
    """
    small = _encode_small(samples, known)
    return [
        EncodedImage(
            sample.record,
            [_member(part, sample.image, known, small.get(id(part))) for part in sample.parts],
        )
        for sample in samples
    ]


def _encode_small(samples: Sequence[Sample], known: KnownFiles) -> dict[int, bytes]:
    """Return the files of those small pictures that are encoded together, by their part's id."""
    small: dict[int, Frame] = {}
    for sample in samples:
        part = sample.parts[0]
        if not isinstance(part.source, Frame) or sample.record.format != "png":
            continue
        if is_small(part.source) and part.key not in known:
            small[id(part)] = part.source
    if len(small) < 2:
        return {}
    return dict(zip(small, encode_png_batch(list(small.values())), strict=True))


def _member(
    part: Part, image: SpooledImage, known: KnownFiles, file: bytes | None
) -> EncodedMember | KnownMember:
    if file is None:
        if (before := known.get(part.key)) is not None:
            return KnownMember(part.member, before)
        file = _encoded(part.source, image)
    return EncodedMember(part.member, file, hashlib.sha256(file).digest(), part.key)


def _encoded(source: Frame | bytes | npt.NDArray[Any], image: SpooledImage) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, Frame):
        return encode(source, image.record.format, image.options)
    return encode_mask(source)


def _content(image: SpooledImage, data: npt.NDArray[np.uint8]) -> Frame | bytes:
    if not image.picture.dtype:
        return data.tobytes()
    pixels = _array(image.picture, data)
    return Frame(pixels, image.mode, image.palette, image.transparency)


def _key(part: SpooledPart, looks: Any) -> bytes:
    """Return what stands for the same bytes, of the same form, encoded in the same way."""
    form = (part.digest, part.shape, part.dtype)  # not where in the spool they stand
    return xxhash.xxh3_128_digest(msgspec.msgpack.encode((form, looks)))


def _array(part: SpooledPart, data: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    return data.view(part.dtype).reshape(part.shape)

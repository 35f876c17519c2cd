"""From drafts, which ``log()`` makes, to samples, which shards store: pictures become bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from filmstrip.codec import EncodeOptions, encode
from filmstrip.codec.batch import encode_png_batch, is_small
from filmstrip.codec.masks import encode_mask
from filmstrip.media.files import EncodedPicture
from filmstrip.media.frame import Frame
from filmstrip.media.image import Image
from filmstrip.record import ImageRecord, ValuesRecord
from filmstrip.shard.append import EncodedImage, EncodedMember
from filmstrip.shard.names import mask_member

__all__ = ["Draft", "ImageDraft", "encode_draft", "encode_small_pictures"]


@dataclass(frozen=True, slots=True)
class ImageDraft:
    """An image on its way to the shard, and its record without members."""

    record: ImageRecord
    image: Image

    @property
    def size_bytes(self) -> int:
        """Memory that the image holds while it waits."""
        return self.image.content.size_bytes + sum(
            m.array.nbytes for m in self.image.masks.values()
        )


Draft: TypeAlias = ImageDraft | ValuesRecord


def encode_draft(draft: Draft, file: bytes | None = None) -> EncodedImage | ValuesRecord:
    """Return the sample that a shard stores for a draft; `file` is its picture if that is made."""
    if isinstance(draft, ValuesRecord):
        return draft
    image = draft.image
    members = [_member(image.format, file or _picture_file(image))]
    for layer, mask in image.masks.items():
        members.append(_member(mask_member(layer), encode_mask(mask.array)))
    return EncodedImage(draft.record, members)


def encode_small_pictures(drafts: Sequence[Draft]) -> dict[int, bytes]:
    """Return the files of those small pictures that are encoded together, by their place."""
    frames = {
        place: draft.image.content
        for place, draft in enumerate(drafts)
        if isinstance(draft, ImageDraft) and draft.image.format == "png"
    }
    small = {place: f for place, f in frames.items() if isinstance(f, Frame) and is_small(f)}
    return dict(zip(small, encode_png_batch(list(small.values())), strict=True))


def _picture_file(image: Image) -> bytes:
    content = image.content
    if isinstance(content, EncodedPicture):
        return content.data
    return encode(content, image.file_type.name, EncodeOptions(image.quality, image.lossless))


def _member(name: str, data: bytes) -> EncodedMember:
    return EncodedMember(name, data, hashlib.sha256(data).hexdigest())

"""Samples: a logged picture as the files that it is exported as."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from filmstrip.codec import encode_mask, encode_png
from filmstrip.draw import display_rgb, draw_overlays
from filmstrip.media.files import DECODE_ERRORS, undecodable, upright
from filmstrip.record import Member, encode_record
from filmstrip.shard.names import RECORD_MEMBER, mask_member, slug_from_text

if TYPE_CHECKING:
    from filmstrip.store import LoggedImage

__all__ = [
    "EncodedPicture",
    "Sample",
    "SampleFile",
    "file_ending",
    "flat_stem",
    "member_names",
    "read_sample",
    "read_upright",
]

_ENDING = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class SampleFile:
    """One file of a sample."""

    name: str
    """What follows the sample's name and a dot."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture, its masks, and last its record."""

    files: tuple[SampleFile, ...]

    def __iter__(self) -> Iterator[SampleFile]:
        return iter(self.files)


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """The bytes of a picture, and the ending of a file that holds them."""

    data: bytes
    ending: str


def read_sample(image: LoggedImage, *, overlays: bool) -> Sample:
    """Return the files of a picture: its stored bytes, its masks, and a record that fits them.

    The record is one that `filmstrip.record.decode_record` reads: index and members are those of
    the export, all else is as it was logged.

    Parameters
    ----------
    image
        As it was read back.
    overlays
        Whether the picture is drawn anew, as PNG with its masks and boxes on it.

    Raises
    ------
    DamagedError, ImageFileError, MaskError
        Stored bytes are not those that were written, or do not decode.
    """
    record = image.record
    if overlays:
        picture = EncodedPicture(encode_png(np.asarray(draw_overlays(image))), "png")
        record = msgspec.structs.replace(record, format="png", mode="RGB")
    else:
        picture = EncodedPicture(image.bytes(), file_ending(image))
    files = [SampleFile(picture.ending, picture.data)]
    files += [
        SampleFile(mask_member(layer), encode_mask(mask.array))
        for layer, mask in image.masks.items()
    ]
    members = [
        Member(name=f.name, size_bytes=len(f.data), sha256=hashlib.sha256(f.data).hexdigest())
        for f in files
    ]
    record = msgspec.structs.replace(record, index=image.index, members=members)
    return Sample((*files, SampleFile(RECORD_MEMBER, encode_record(record))))


def read_upright(image: LoggedImage) -> EncodedPicture:
    """Return a picture whose stored rows are those displayed: boxes and masks fit it in any loader.

    That is the stored file itself; only one with an EXIF orientation, which some loaders apply and
    others do not, is written anew as PNG.

    Raises
    ------
    DamagedError, ImageFileError
        Stored bytes are not those that were written, or do not decode.
    """
    import PIL.Image

    data = image.bytes()
    try:
        with PIL.Image.open(io.BytesIO(data)) as opened:
            is_upright = upright(opened) is opened
    except DECODE_ERRORS as error:
        raise undecodable(f"{len(data)} stored bytes", error) from error
    if is_upright:
        return EncodedPicture(data, file_ending(image))
    return EncodedPicture(encode_png(np.asarray(display_rgb(image.pil()))), "png")


def member_names(image: LoggedImage, *, overlays: bool) -> tuple[str, ...]:
    """Return the names of the files that `read_sample` gives, without reading anything."""
    masks = (mask_member(layer.name) for layer in image.record.masks)
    return ("png" if overlays else file_ending(image), *masks, RECORD_MEMBER)


def flat_stem(image: LoggedImage) -> str:
    """Return the name of a picture's files, without an ending, for folders that hold every key."""
    return f"{slug_from_text(image.key)}-{image.step}-{image.index}"


def file_ending(image: LoggedImage) -> str:
    """Return the file ending of a stored picture; ``bin`` when its record names none that is safe.

    A store can come from anyone, so even a record's format is not trusted.
    """
    return image.format if _ENDING.fullmatch(image.format) else "bin"

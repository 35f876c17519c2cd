"""Whatever ``Image`` is given → the pixels, or the encoded file, that are stored."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from filmstrip.errors import ImageInputError, OptionError
from filmstrip.media import files, pictures, pixels, sources
from filmstrip.media.arrays import ArrayInput, array_from_any, is_arraylike
from filmstrip.media.formats import FileType
from filmstrip.media.frame import Frame, digest_of
from filmstrip.media.layout import plan_axes
from filmstrip.record import SourceInfo, number_from_float

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

__all__ = ["MODE_OF_CHANNELS", "Content", "Stored", "Wanted", "content_from_any"]

Stored: TypeAlias = Frame | files.EncodedPicture

MODE_OF_CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}
"""PIL mode that an array of so many channels stands for."""


class Wanted(msgspec.Struct, frozen=True):
    """What the user asked of a picture."""

    file_type: FileType
    is_type_given: bool
    """False when `file_type` is the default: a file is then kept as it is."""
    mode: str | None = None
    layout: str | None = None
    normalize: bool = True
    value_range: tuple[float, float] | None = None


class Content(msgspec.Struct, frozen=True):
    """What is stored of a picture, and what it was made of."""

    stored: Stored
    source: SourceInfo


def content_from_any(data: Any, wanted: Wanted) -> Content:
    """Return what is to be stored of an array, PIL image, file or figure; copies it.

    Raises
    ------
    ImageInputError, ImageTypeError, DimensionError
        No picture can be made of the data.
    ImageNotFoundError, ImageFileError
        The path is missing; the bytes are no image, or a truncated or dangerously large one.
    OptionError
        The layout, the mode or the range is outside its choices.
    """
    if isinstance(data, ArrayInput):  # one of a batch
        return _content_from_array(data, wanted, is_batch=True)
    if sources.is_pil(data):
        return _content_from_pil("pil", _loaded(data), wanted)
    if is_arraylike(data):
        return _content_from_array(array_from_any(data), wanted)
    if sources.is_file(data):
        return _content_from_file(data, wanted)
    if (figure := sources.figure_from_any(data)) is not None:
        return _content_from_pil("figure", sources.pil_from_figure(figure), wanted)
    raise sources.unknown_input(data)


def _content_from_array(source: ArrayInput, wanted: Wanted, *, is_batch: bool = False) -> Content:
    array = source.array
    plan = plan_axes(
        array.shape,
        layout=wanted.layout,
        convention=source.convention,
        describe=source.describe,
        is_batch=is_batch,
    )
    view = array.reshape(plan.shape).transpose(plan.axes)
    pictures.check_size(view.shape[1], view.shape[0], wanted.file_type)
    if wanted.mode == "I;16":
        if view.ndim != 2 or view.dtype.kind not in "ui" or wanted.value_range is not None:
            raise _not_wide(source)
        result = pixels.keep_wide(view)
    else:
        result = pixels.apply_pixel_rule(
            view,
            normalize=wanted.normalize,
            value_range=wanted.value_range,
            significant_bits=source.significant_bits,
        )
    return Content(_frame(result.pixels, result.digest, wanted), _array_source(source, result))


def _frame(pixels_: npt.NDArray[Any], digest: bytes, wanted: Wanted) -> Frame:
    """Return the pixels in the mode that is wanted and that the file type holds."""
    channels = 1 if pixels_.ndim == 2 else pixels_.shape[2]
    guessed = "I;16" if pixels_.dtype == np.uint16 else MODE_OF_CHANNELS[channels]
    mode = wanted.mode or pictures.mode_without_alpha(guessed, wanted.file_type)
    if guessed == mode and mode in wanted.file_type.modes:
        return Frame(pixels_, guessed, digest=digest or digest_of(pixels_))
    if (guessed, mode) == ("RGBA", "RGB"):
        return Frame(np.ascontiguousarray(pixels_[..., :3]), "RGB")
    return pictures.frame_from_pil(Frame(pixels_, guessed).to_pil(), wanted.file_type, mode)


def _not_wide(source: ArrayInput) -> OptionError:
    return OptionError(
        "integers of shape (H, W), and no value_range, for mode I;16",
        got=source.describe(),
        fix="scale the values to 0 to 65535 yourself and convert them to uint16",
    )


def _content_from_pil(kind: str, image: PILImage, wanted: Wanted) -> Content:
    frame = pictures.frame_from_pil(image, wanted.file_type, wanted.mode)
    return Content(frame, _pil_source(kind, image))


def _content_from_file(data: Any, wanted: Wanted) -> Content:
    is_path = isinstance(data, str) or hasattr(data, "__fspath__")
    encoded, picture = _opened_path(data) if is_path else _opened_bytes(data)
    source = _pil_source("file" if is_path else "bytes", picture)
    is_type_kept = is_path or not wanted.is_type_given
    if (is_type_kept or encoded.is_type(wanted.file_type)) and wanted.mode in (None, encoded.mode):
        return Content(encoded, source)
    return Content(pictures.frame_from_pil(picture, wanted.file_type, wanted.mode), source)


def _opened_path(path: str | os.PathLike[str]) -> tuple[files.EncodedPicture, PILImage]:
    if path == "":
        raise ImageInputError(
            "the path of an image file", got="an empty text", fix="check the path"
        )
    return files.open_encoded(files.read_path(path), name=os.fsdecode(path))


def _opened_bytes(data: Any) -> tuple[files.EncodedPicture, PILImage]:
    has_read = callable(getattr(data, "read", None))
    return files.open_encoded(files.read_stream(data) if has_read else bytes(data))


def _loaded(image: PILImage) -> PILImage:
    """Return the image with its pixels read; raise when its file is damaged."""
    try:
        image.load()
    except files.DECODE_ERRORS as error:
        raise files.undecodable("a PIL image that does", error) from error
    return image


def _array_source(source: ArrayInput, result: pixels.PixelResult) -> SourceInfo:
    minimum, maximum = result.minimum, result.maximum
    return SourceInfo(
        kind=source.kind,
        dtype=source.dtype,
        shape=list(source.array.shape),
        min=number_from_float(minimum) if isinstance(minimum, float) else minimum,
        max=number_from_float(maximum) if isinstance(maximum, float) else maximum,
        nan_count=result.nan_count,
        rule=result.rule,
        range=[float(result.low), float(result.high)],
        clipped=result.clipped,
    )


def _pil_source(kind: str, image: PILImage) -> SourceInfo:
    return SourceInfo(kind=kind, dtype=image.mode, shape=[image.height, image.width])

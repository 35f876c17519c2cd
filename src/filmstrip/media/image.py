"""``Image``: a picture with everything that is logged with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from filmstrip.errors import ImageInputError, LogValueError, OptionError
from filmstrip.freeform import FreeformError, to_json_value
from filmstrip.media import files, pictures, pixels, sources
from filmstrip.media.arrays import (
    ArrayInput,
    array_from_any,
    describe_array,
    is_arraylike,
    is_torch_tensor,
)
from filmstrip.media.boxes import BoundingBoxes2D
from filmstrip.media.classes import Classes, ClassesLike
from filmstrip.media.formats import FileType, file_type_named
from filmstrip.media.frame import Frame
from filmstrip.media.layout import MAX_DIMENSION, plan_axes
from filmstrip.media.masks import ImageMask
from filmstrip.record import SourceInfo, number_from_float

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = ["BoxesLike", "Image", "MasksLike"]

BoxesLike: TypeAlias = Mapping[str, BoundingBoxes2D | Mapping[str, Any]]
MasksLike: TypeAlias = Mapping[str, ImageMask | Mapping[str, Any]]
_Entry = TypeVar("_Entry")

_MODE_OF_CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}


class Image:
    """A picture to log, with caption, boxes, masks and classes. Copies what it is given.

    Parameters
    ----------
    data_or_path
        numpy array (H, W) or (H, W, C); torch tensor (H, W) or (C, H, W); anything with
        ``__array__`` or DLPack, channels last; PIL image; path, bytes or binary file object of an
        image file, whose bytes are kept unchanged; matplotlib figure, axes or ``pyplot``; another
        `Image`, for its pixels with new metadata (its caption, grouping and classes stay unless
        given, its boxes and masks do not). C is 1, 3 or 4.
    mode
        PIL mode of the result; guessed when absent. ``"I;16"`` keeps integers of 16 bits.
    caption
        Text shown with the image.
    grouping
        Number or text; images of one group are shown in one row.
    classes
        Names of class ids for boxes and masks that bring none: `Classes` or ``[{"id": 1, "name":
        "cat"}]``.
    boxes, masks
        ``{layer: BoundingBoxes2D}`` and ``{layer: ImageMask}``, or the dicts that those take.
    file_type
        ``png`` (default), ``jpg``, ``jpeg``, ``webp`` or ``bmp``. No effect on a path.
    normalize
        Arrays and tensors only. True: all values in [0, 1] are multiplied by 255; else all in [-1,
        1] are mapped from there; else values are clipped to [0, 255]. False: only clipped.
    layout
        ``"HWC"``, ``"CHW"`` or ``"HW"``, when an array does not follow its library's convention.
    value_range
        ``(lo, hi)``: the values that become 0 and 255, whatever the content. Recommended for
        floats: brightness then means the same at each step.
    quality
        1 to 100 for ``jpg`` and ``webp``; a ``webp`` without it is lossless.
    lossless
        Of ``webp``: False for lossy without naming a quality.
    meta
        Anything that JSON holds, kept with the image.

    Raises
    ------
    ImageInputError, ImageTypeError, DimensionError
        No picture can be made of the input; the message names shape, dtype, range and what to do.
    ImageNotFoundError, ImageFileError
        The path is missing; the bytes are no image, or a truncated or dangerously large one.
    BoxesError, MaskError, ClassesError
        An overlay cannot be understood.
    OptionError
        An option is outside its choices.
    LogValueError
        ``caption``, ``grouping`` or ``meta`` cannot be stored.

    Examples
    --------
    >>> image = Image(np.array([[0.2, 0.3]]), caption="two pixels")
    >>> image.width, image.height, image.format, image.caption
    (2, 1, 'png', 'two pixels')
    >>> image.image.getpixel((0, 0))
    51
    """

    MAX_DIMENSION: ClassVar[int] = MAX_DIMENSION
    """Longest side in pixels."""
    MAX_ITEMS: ClassVar[int] = 108
    """Images on the viewer's first page; nothing is ever dropped."""
    artifact_type: ClassVar[str] = "image-file"

    __slots__ = (
        "_boxes",
        "_caption",
        "_classes",
        "_content",
        "_file_type",
        "_grouping",
        "_lossless",
        "_masks",
        "_meta",
        "_quality",
        "_source",
    )

    _caption: str | None
    _grouping: int | str | None
    _classes: Classes | None
    _content: Frame | files.EncodedPicture
    _source: SourceInfo

    def __init__(
        self,
        data_or_path: Any,
        mode: str | None = None,
        caption: str | None = None,
        grouping: int | str | None = None,
        classes: ClassesLike | None = None,
        boxes: BoxesLike | None = None,
        masks: MasksLike | None = None,
        file_type: str | None = None,
        normalize: bool = True,
        *,
        layout: str | None = None,
        value_range: tuple[float, float] | None = None,
        quality: int | None = None,
        lossless: bool | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        self._file_type = file_type_named(file_type)
        self._quality, self._lossless = _checked_quality(quality, lossless, self._file_type)
        if isinstance(data_or_path, Image):
            source = data_or_path
            caption = source._caption if caption is None else caption
            grouping = source._grouping if grouping is None else grouping
            classes = source._classes if classes is None else classes
        self._caption = _checked_text("caption", caption)
        self._grouping = _checked_grouping(grouping)
        self._meta = _checked_meta(meta)
        self._classes = (
            classes if isinstance(classes, Classes) or classes is None else Classes(classes)
        )
        if is_arraylike(data_or_path) and not sources.is_pil(data_or_path):
            self._set_array(array_from_any(data_or_path), mode, layout, normalize, value_range)
        else:
            self._set_picture(data_or_path, mode, has_type=file_type is not None)
        self._boxes = self._bound_boxes(boxes)
        self._masks = self._bound_masks(masks)

    def _set_array(
        self,
        source: ArrayInput,
        mode: str | None,
        layout: str | None,
        normalize: bool,
        value_range: tuple[float, float] | None,
    ) -> None:
        array = source.array
        plan = plan_axes(
            array.shape,
            layout=layout,
            convention=source.convention,
            describe=lambda: describe_array(array),
        )
        view = array.reshape(plan.shape).transpose(plan.axes)
        pictures.check_size(view.shape[1], view.shape[0])
        if mode == "I;16" and view.ndim == 2 and view.dtype.kind in "ui":
            result = pixels.keep_wide(view)
        else:
            result = pixels.apply_pixel_rule(view, normalize=normalize, value_range=value_range)
        self._source = _source_info(source, result)
        self._content = self._frame_of(result.pixels, mode)

    def _frame_of(self, pixels_: npt.NDArray[Any], mode: str | None) -> Frame:
        guessed = "I;16" if pixels_.dtype == np.uint16 else _MODE_OF_CHANNELS[_channels(pixels_)]
        wanted = mode or pictures.mode_without_alpha(guessed, self._file_type)
        if guessed == wanted and wanted in self._file_type.modes:
            return Frame(pixels_, guessed)
        if (guessed, wanted) == ("RGBA", "RGB"):
            return Frame(np.ascontiguousarray(pixels_[..., :3]), "RGB")
        return pictures.frame_from_pil(Frame(pixels_, guessed).to_pil(), self._file_type, wanted)

    def _set_picture(self, data: Any, mode: str | None, *, has_type: bool) -> None:
        if isinstance(data, Image):
            self._source = data._source
            self._content = data._content
            if has_type or mode:
                self._content = pictures.frame_from_pil(data.image, self._file_type, mode)
            else:
                self._file_type, self._quality, self._lossless = (
                    data._file_type, data._quality, data._lossless
                )  # fmt: skip
        elif sources.is_pil(data):
            self._source = _pil_source("pil", data)
            self._content = pictures.frame_from_pil(_loaded(data), self._file_type, mode)
        elif sources.is_file(data):
            self._set_file(data, mode, has_type=has_type)
        elif (figure := sources.figure_from_any(data)) is not None:
            picture = sources.pil_from_figure(figure)
            self._source = _pil_source("figure", picture)
            self._content = pictures.frame_from_pil(picture, self._file_type, mode)
        else:
            raise sources.unknown_input(data)

    def _set_file(self, data: Any, mode: str | None, *, has_type: bool) -> None:
        name = data if isinstance(data, str) else str(data) if hasattr(data, "__fspath__") else ""
        if name:
            encoded, picture = files.open_encoded(files.read_path(data), name=name)
        elif callable(getattr(data, "read", None)):
            encoded, picture = files.open_encoded(files.read_stream(data))
        elif data == "":
            raise ImageInputError(
                "the path of an image file", got="an empty text", fix="check the path"
            )
        else:
            encoded, picture = files.open_encoded(bytes(data))
        self._source = _pil_source("file" if name else "bytes", picture)
        is_other_type = (
            has_type and not name and picture_format(encoded) != self._file_type.pil_format
        )
        if is_other_type or (mode is not None and mode != encoded.mode):
            self._content = pictures.frame_from_pil(picture, self._file_type, mode)
        else:
            self._content = encoded

    def _bound_boxes(self, boxes: BoxesLike | None) -> dict[str, BoundingBoxes2D]:
        made = {}
        for layer, value in _layers("boxes", boxes).items():
            unbound = value if isinstance(value, BoundingBoxes2D) else BoundingBoxes2D(value, layer)
            made[layer] = unbound.in_pixels(self.width, self.height, self._classes)
        return made

    def _bound_masks(self, masks: MasksLike | None) -> dict[str, ImageMask]:
        made = {}
        for layer, value in _layers("masks", masks).items():
            mask = value if isinstance(value, ImageMask) else ImageMask(value, layer)
            mask.check_aspect(self.width, self.height)
            made[layer] = mask.with_classes(self._classes)
        return made

    @classmethod
    def batch(
        cls,
        x: Any,
        layout: str = "NCHW",
        captions: Sequence[str | None] | None = None,
        *,
        boxes: Sequence[BoxesLike | None] | None = None,
        masks: Sequence[MasksLike | None] | None = None,
        meta: Sequence[Mapping[str, Any] | None] | None = None,
        **options: Any,
    ) -> list[Image]:
        """Return one `Image` for each entry of a batch.

        Parameters
        ----------
        x
            (N, C, H, W), (N, H, W, C) or (N, H, W), array or tensor; N may be 0.
        layout
            ``"NCHW"`` (default), ``"NHWC"`` or ``"NHW"``.
        captions, boxes, masks, meta
            One entry an image, or None.
        **options
            Passed on to each `Image`.

        Raises
        ------
        OptionError
            Another `layout`, or a list that is not of length N.
        ImageInputError, ImageTypeError
            As `Image`.

        Examples
        --------
        >>> images = Image.batch(np.zeros((2, 3, 4, 5), np.uint8), captions=["a", "b"])
        >>> [(image.caption, image.width, image.height) for image in images]
        [('a', 5, 4), ('b', 5, 4)]
        """
        if layout not in ("NCHW", "NHWC", "NHW"):
            raise OptionError(
                "layout to be NCHW, NHWC or NHW", got=repr(layout), fix="name the axes of x"
            )
        if not is_arraylike(x):
            raise sources.unknown_input(x)
        source = array_from_any(x)
        if source.array.ndim != len(layout):
            raise ImageInputError(
                f"a batch of shape ({', '.join(layout)})",
                got=describe_array(source.array),
                fix="name its axes with layout=, or log one picture with Image(x)",
            )
        count = len(source.array)
        columns = {"caption": captions, "boxes": boxes, "masks": masks, "meta": meta}
        rows = [_batch_row(columns, i, count) for i in range(count)]
        if count == 0:
            _batch_row(columns, 0, 0)
        kept = x if is_torch_tensor(x) and not x.is_cuda else source.array
        return [cls(kept[i], layout=layout[1:], **row, **options) for i, row in enumerate(rows)]

    @staticmethod
    def guess_mode(data: Any, file_type: str | None = None) -> str:
        """Return the PIL mode that an array or tensor stands for.

        (H, W) or one channel is ``L``, three are ``RGB``, four ``RGBA``: or ``RGB``, with a
        warning, when the file type has no alpha. Channels are last for numpy, first for torch.

        Raises
        ------
        ImageInputError
            The shape is that of no picture.
        ImageTypeError
            The dtype is not real.
        OptionError
            There is no such file type.

        Examples
        --------
        >>> Image.guess_mode(np.zeros((4, 5, 3)))
        'RGB'
        """
        source = array_from_any(data)
        plan = plan_axes(
            source.array.shape,
            layout=None,
            convention=source.convention,
            describe=lambda: describe_array(source.array),
        )
        channels = 1 if len(plan.shape) == 2 else plan.shape[plan.axes[2]]
        return pictures.mode_without_alpha(_MODE_OF_CHANNELS[channels], file_type_named(file_type))

    @staticmethod
    def to_uint8(data: Any) -> npt.NDArray[np.uint8]:
        """Return floats in [0, 1] times 255 and integers in [0, 255] as they are, the rest clipped.

        Parameters
        ----------
        data
            Array or tensor of any shape.

        Returns
        -------
        numpy.ndarray
            uint8, a copy of the same shape. NaN is 0.

        Raises
        ------
        ImageTypeError
            The dtype is not real.

        Examples
        --------
        >>> Image.to_uint8(np.array([0.5, 2.0]))
        array([127, 255], dtype=uint8)
        """
        return pixels.to_uint8(array_from_any(data).array)

    @staticmethod
    def all_boxes(
        images: Sequence[Image], run: Any, run_key: str, step: int | str
    ) -> list[dict[str, Any] | None] | bool:
        """Return ``{layer: {"box_data", "class_labels"}}`` of each image.

        None stands where an image has no boxes.
        False when no image has any. The last three arguments are of W&B's signature and change
        nothing.
        """
        del run, run_key, step
        return _all([{name: v.to_dict() for name, v in i._boxes.items()} or None for i in images])

    @staticmethod
    def all_masks(
        images: Sequence[Image], run: Any, run_key: str, step: int | str
    ) -> list[dict[str, Any] | None] | bool:
        """Return ``{layer: {"mask_data", "class_labels"}}`` of each image.

        None stands where an image has no masks.
        False when no image has any. The last three arguments are of W&B's signature and change
        nothing.
        """
        del run, run_key, step
        return _all([{name: v.to_dict() for name, v in i._masks.items()} or None for i in images])

    @staticmethod
    def all_captions(images: Sequence[Image]) -> list[str | None] | bool:
        """Return the caption of each image, None where it has none; False when none has any.

        Examples
        --------
        >>> Image.all_captions([Image(np.eye(2), caption="a"), Image(np.eye(2))])
        ['a', None]
        """
        return _all([image._caption for image in images])

    @property
    def image(self) -> PILImage:
        """The PIL image of what is stored, as displayed; before any loss of the file type."""
        return self._content.to_pil()

    @property
    def width(self) -> int:
        """Width in pixels, as displayed."""
        return self._content.width

    @property
    def height(self) -> int:
        """Height in pixels, as displayed."""
        return self._content.height

    @property
    def mode(self) -> str:
        """PIL mode of what is stored."""
        return self._content.mode

    @property
    def format(self) -> str:
        """File type that is stored: ``png`` unless said otherwise, or that of the file given."""
        return (
            self._content.format
            if isinstance(self._content, files.EncodedPicture)
            else self._file_type.name
        )

    @property
    def caption(self) -> str | None:
        """Text shown with the image."""
        return self._caption

    @property
    def grouping(self) -> int | str | None:
        """Label of the group that the image is shown with."""
        return self._grouping

    @property
    def classes(self) -> Classes | None:
        """Names of class ids for layers without their own."""
        return self._classes

    @property
    def boxes(self) -> dict[str, BoundingBoxes2D]:
        """Boxes by layer, in pixels of this image."""
        return dict(self._boxes)

    @property
    def masks(self) -> dict[str, ImageMask]:
        """Masks by layer."""
        return dict(self._masks)

    @property
    def meta(self) -> dict[str, Any]:
        """What was given as ``meta``, as JSON holds it."""
        return dict(self._meta)

    @property
    def file_type(self) -> FileType:
        """How the pixels are to be encoded."""
        return self._file_type

    @property
    def quality(self) -> int | None:
        """Quality asked for, of a lossy file type."""
        return self._quality

    @property
    def lossless(self) -> bool | None:
        """Whether a lossless ``webp`` was asked for."""
        return self._lossless

    @property
    def content(self) -> Frame | files.EncodedPicture:
        """The pixels to encode, or the encoded file that is kept."""
        return self._content

    @property
    def source(self) -> SourceInfo:
        """What was given, and what the pixel rule made of it."""
        return self._source

    def __repr__(self) -> str:
        caption = f", caption={self._caption!r}" if self._caption is not None else ""
        return f"Image({self.width} × {self.height} {self.mode}, {self.format}{caption})"


def picture_format(encoded: files.EncodedPicture) -> str:
    """Return Pillow's name of the format of encoded bytes."""
    return {"jpg": "JPEG", "tif": "TIFF"}.get(encoded.format, encoded.format.upper())


def _channels(array: npt.NDArray[Any]) -> int:
    return 1 if array.ndim == 2 else int(array.shape[2])


def _loaded(image: PILImage) -> PILImage:
    """Return the image with its pixels read; raise when its file is damaged."""
    try:
        image.load()
    except files.DECODE_ERRORS as error:
        raise files.undecodable("a PIL image", error) from error
    return image


def _source_info(source: ArrayInput, result: pixels.PixelResult) -> SourceInfo:
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


def _checked_text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise LogValueError(f"{name} as text", got=repr(value), fix=f"pass str({name})")
    try:
        to_json_value(value)
    except FreeformError as error:
        raise LogValueError(
            f"{name} as text", got=error.got, fix="encode it as UTF-8 first"
        ) from None
    return value


def _checked_grouping(value: Any) -> int | str | None:
    if value is None or isinstance(value, str):
        return _checked_text("grouping", value)
    try:
        if isinstance(value, bool):
            raise FreeformError("bool")
        number = to_json_value(value)
        if isinstance(number, int):
            return number
        raise FreeformError(type(value).__name__)
    except FreeformError as error:
        raise LogValueError(
            "grouping as an integer or text", got=error.got, fix="pass a label"
        ) from None


def _checked_meta(meta: Mapping[str, Any] | None) -> dict[str, Any]:
    if meta is None:
        return {}
    if not isinstance(meta, Mapping):
        raise LogValueError("meta as a dict", got=type(meta).__name__, fix="pass {name: value}")
    try:
        kept: dict[str, Any] = to_json_value(meta)
    except FreeformError as error:
        raise LogValueError(
            "meta that JSON holds",
            got=f"{error.got} at {error.where!r}",
            fix="pass numbers, text, lists, dicts",
        ) from None
    return kept


def _checked_quality(
    quality: int | None, lossless: bool | None, file_type: FileType
) -> tuple[int | None, bool | None]:
    if quality is not None and (
        isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100
    ):
        raise OptionError(
            "quality from 1 to 100", got=repr(quality), fix="leave it out for the default"
        )
    if quality is not None and file_type.name in ("png", "bmp"):
        raise OptionError(
            "quality only for jpg and webp",
            got=f"file_type {file_type.name}",
            fix="it is lossless anyway",
        )
    return quality, lossless


def _layers(what: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        error = OptionError(
            f"{what} as {{layer: {what}}}",
            got=type(value).__name__,
            fix=f"write {what}={{'predictions': ...}}",
        )
        raise error
    return value


def _batch_row(columns: Mapping[str, Any], index: int, count: int) -> dict[str, Any]:
    row = {}
    for name, column in columns.items():
        if column is None:
            continue
        if isinstance(column, (str, Mapping)) or len(column) != count:
            raise OptionError(
                f"one {name} for each of {count} images",
                got=type(column).__name__
                if isinstance(column, (str, Mapping))
                else f"{len(column)}",
                fix="pass a list with None where an image has none",
            )
        if count:
            row[name] = column[index]
    return row


def _all(entries: list[_Entry | None]) -> list[_Entry | None] | Literal[False]:
    return entries if any(entry is not None for entry in entries) else False

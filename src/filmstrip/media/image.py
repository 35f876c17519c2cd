"""``Image``: a picture with everything that is logged with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, TypeVar

import msgspec
import numpy as np  # noqa: TC002  # the examples use it

from filmstrip.errors import ImageInputError, OptionError
from filmstrip.freeform import from_json_value
from filmstrip.media.arguments import (
    batch_row,
    checked_caption,
    checked_grouping,
    checked_layers,
    checked_lossless,
    checked_meta,
    checked_quality,
)
from filmstrip.media.arrays import array_from_any, is_arraylike
from filmstrip.media.boxes import BoundingBoxes2D
from filmstrip.media.classes import Classes, ClassesLike
from filmstrip.media.contents import MODE_OF_CHANNELS, Content, Stored, Wanted, content_from_any
from filmstrip.media.files import EncodedPicture
from filmstrip.media.formats import FileType, file_type_named
from filmstrip.media.layout import MAX_DIMENSION, plan_axes
from filmstrip.media.masks import ImageMask
from filmstrip.media.pictures import frame_from_pil, mode_without_alpha
from filmstrip.media.pixels import to_uint8
from filmstrip.media.sources import unknown_input
from filmstrip.record import SourceInfo

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

__all__ = ["BoxesLike", "Image", "MasksLike"]

BoxesLike: TypeAlias = Mapping[str, BoundingBoxes2D | Mapping[str, Any]]
MasksLike: TypeAlias = Mapping[str, ImageMask | Mapping[str, Any]]
_Entry = TypeVar("_Entry")


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
    _content: Stored
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
        self._quality = checked_quality(quality, self._file_type)
        self._lossless = checked_lossless(lossless, self._file_type)
        if isinstance(data_or_path, Image):
            source = data_or_path
            caption = source._caption if caption is None else caption
            grouping = source._grouping if grouping is None else grouping
            classes = source._classes if classes is None else classes
        self._caption = checked_caption(caption)
        self._grouping = checked_grouping(grouping)
        self._meta = checked_meta(meta)
        self._classes = (
            classes if isinstance(classes, Classes) or classes is None else Classes(classes)
        )
        wanted = Wanted(
            self._file_type, file_type is not None, mode, layout, normalize, value_range
        )
        content = (
            self._content_from_image(data_or_path, wanted)
            if isinstance(data_or_path, Image)
            else content_from_any(data_or_path, wanted)
        )
        self._content, self._source = content.stored, content.source
        self._boxes = self._bound_boxes(boxes)
        self._masks = self._bound_masks(masks)

    def _content_from_image(self, image: Image, wanted: Wanted) -> Content:
        """Return the other image's content; unless it is to change, with its file type."""
        if wanted.is_type_given or wanted.mode:
            frame = frame_from_pil(image.image, wanted.file_type, wanted.mode)
            return Content(frame, image._source)
        self._file_type = image._file_type
        self._quality, self._lossless = image._quality, image._lossless
        return Content(image._content, image._source)

    def _bound_boxes(self, boxes: BoxesLike | None) -> dict[str, BoundingBoxes2D]:
        made = {}
        for layer, value in checked_layers("boxes", boxes).items():
            unbound = value if isinstance(value, BoundingBoxes2D) else BoundingBoxes2D(value, layer)
            made[layer] = unbound.in_pixels(self.width, self.height, self._classes)
        return made

    def _bound_masks(self, masks: MasksLike | None) -> dict[str, ImageMask]:
        made = {}
        for layer, value in checked_layers("masks", masks).items():
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
            raise unknown_input(x)
        source = array_from_any(x)
        if source.array.ndim != len(layout):
            raise ImageInputError(
                f"a batch of shape ({', '.join(layout)})",
                got=source.describe(),
                fix="name its axes with layout=, or log one picture with Image(x)",
            )
        count = len(source.array)
        columns = {"caption": captions, "boxes": boxes, "masks": masks, "meta": meta}
        if count == 0:
            batch_row(columns, 0, 0)
        entries = [msgspec.structs.replace(source, array=entry) for entry in source.array]
        rows = [batch_row(columns, i, count) for i in range(count)]
        return [
            cls(entry, layout=layout[1:], **row, **options)
            for entry, row in zip(entries, rows, strict=True)
        ]

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
            describe=source.describe,
        )
        channels = 1 if len(plan.shape) == 2 else plan.shape[plan.axes[2]]
        return mode_without_alpha(MODE_OF_CHANNELS[channels], file_type_named(file_type))

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
        source = array_from_any(data)
        return to_uint8(source.array, significant_bits=source.significant_bits)

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
        """A PIL image of what is stored, as displayed; before any loss of the file type."""
        return self._content.to_pil().copy()

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
            if isinstance(self._content, EncodedPicture)
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
        """What was given as ``meta``, a copy; tuples and sets are lists."""
        meta: dict[str, Any] = from_json_value(self._meta)
        return meta

    @property
    def meta_json(self) -> dict[str, Any]:
        """What was given as ``meta``, as JSON holds it; not to be changed."""
        return self._meta

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
    def content(self) -> Stored:
        """The pixels to encode, or the encoded file that is kept."""
        return self._content

    @property
    def source(self) -> SourceInfo:
        """What was given, and what the pixel rule made of it."""
        return self._source

    def _repr_png_(self) -> bytes:
        from filmstrip.notebook import image_png

        return image_png(self)

    def _repr_html_(self) -> str:
        from filmstrip.notebook import image_html

        return image_html(self)

    def __repr__(self) -> str:
        caption = f", caption={self._caption!r}" if self._caption is not None else ""
        return f"Image({self.width} × {self.height} {self.mode}, {self.format}{caption})"


def _all(entries: list[_Entry | None]) -> list[_Entry | None] | Literal[False]:
    return entries if any(entry is not None for entry in entries) else False

"""What reading back gives: images, whose bytes are read when they are asked for, and values."""

from __future__ import annotations

import builtins
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from filmstrip.errors import DamagedError
from filmstrip.freeform import from_json_value
from filmstrip.record import ClassLabel, ImageRecord, Member, SourceInfo
from filmstrip.shard.read import Location, read_member
from filmstrip.shard.reader import ShardsReader

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

    from filmstrip.media.boxes import BoundingBoxes2D
    from filmstrip.media.classes import Classes
    from filmstrip.media.masks import ImageMask

__all__ = ["LoggedImage", "LoggedValues"]


@dataclass(frozen=True, slots=True)
class LoggedValues:
    """Numbers and texts of one step."""

    step: int
    time: float
    """When the step's first value was logged, in seconds since 1970 UTC."""
    values: dict[str, bool | int | float | str | None]


class LoggedImage:
    """An image as it was logged; its bytes are read when they are asked for, and checked.

    Examples
    --------
    >>> import tempfile, numpy as np, filmstrip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with filmstrip.init(dir=folder, id="first") as run:
    ...         run.log({"digit": filmstrip.Image(np.array([[0.2, 0.3]]))}, step=7)
    ...     image = filmstrip.open(folder).run("first").images("digit")[0]
    ...     image.step, image.format, image.array().tolist()
    (7, 'png', [[51, 76]])
    """

    __slots__ = ("_index", "_locations", "_record", "_shards")

    def __init__(
        self, record: ImageRecord, index: int, locations: dict[str, Location], shards: ShardsReader
    ) -> None:
        self._record, self._index = record, index
        self._locations, self._shards = locations, shards

    @property
    def record(self) -> ImageRecord:
        """All that is stored beside the pixels."""
        return self._record

    @property
    def run_id(self) -> str:
        """The run that the image was logged in."""
        return self._record.run_id

    @property
    def key(self) -> str:
        """The key that it was logged under."""
        return self._record.key

    @property
    def step(self) -> int:
        """The step that it was logged at."""
        return self._record.step

    @property
    def index(self) -> int:
        """Place among the images of its key and step, from 0."""
        return self._index

    @property
    def rank(self) -> int:
        """The process that logged it, of several that log to one run."""
        return self._record.rank

    @property
    def time(self) -> float:
        """When it was logged, in seconds since 1970 UTC."""
        return self._record.time

    @property
    def width(self) -> int:
        """Width in pixels, as displayed."""
        return self._record.width

    @property
    def height(self) -> int:
        """Height in pixels, as displayed."""
        return self._record.height

    @property
    def mode(self) -> str:
        """PIL mode of what is stored."""
        return self._record.mode

    @property
    def format(self) -> str:
        """File type of what is stored."""
        return self._record.format

    @property
    def caption(self) -> str | None:
        """Text shown with the image."""
        return self._record.caption

    @property
    def grouping(self) -> int | str | None:
        """Label of the group that it is shown with."""
        return self._record.grouping

    @property
    def meta(self) -> dict[str, Any]:
        """What was given as ``meta``."""
        meta: dict[str, Any] = from_json_value(self._record.meta)
        return meta

    @property
    def source(self) -> SourceInfo:
        """What ``Image`` was given, and what the pixel rule made of it."""
        return self._record.source

    @property
    def size_bytes(self) -> int:
        """Size of the stored picture."""
        return self._picture.size_bytes

    @property
    def digest(self) -> str:
        """sha256 of the stored picture, in hex."""
        return self._picture.sha256

    @property
    def classes(self) -> Classes | None:
        """Names of class ids, when the image was given some."""
        from filmstrip.media.classes import Classes

        return Classes(self._record.classes) if self._record.classes else None

    @property
    def boxes(self) -> dict[str, BoundingBoxes2D]:
        """Boxes by layer, in pixels."""
        from filmstrip.media.boxes import BoundingBoxes2D

        return {layer.name: BoundingBoxes2D.from_layer(layer) for layer in self._record.boxes}

    @property
    def masks(self) -> dict[str, ImageMask]:
        """Masks by layer; reads and decodes them.

        Raises
        ------
        DamagedError
            The bytes of a mask are not those that were written.
        """
        return {
            layer.name: self._mask(layer.member, layer.class_labels) for layer in self._record.masks
        }

    def bytes(self) -> builtins.bytes:
        """Return the stored file.

        Raises
        ------
        DamagedError
            The bytes are not those that were written.
        """
        return self._read(self._picture)

    def pil(self) -> PILImage:
        """Return the picture as displayed: EXIF orientation applied.

        Raises
        ------
        DamagedError
            The bytes are not those that were written.
        """
        from filmstrip.media.files import open_encoded

        return open_encoded(self.bytes())[1]

    def array(self) -> npt.NDArray[Any]:
        """Return the pixels: (H, W) or (H, W, C); uint8, uint16 of 16-bit pictures, bool of ``1``.

        Raises
        ------
        DamagedError
            The bytes are not those that were written.
        """
        import numpy as np

        return np.array(self.pil())

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON holds it, for printing."""
        record: dict[str, Any] = msgspec.to_builtins(self._record)
        return record

    @property
    def _picture(self) -> Member:
        return self._record.members[0]

    def _mask(self, member_name: str, labels: list[ClassLabel]) -> ImageMask:
        from filmstrip.codec.masks import decode_mask
        from filmstrip.media.masks import ImageMask

        member = next(m for m in self._record.members if m.name == member_name)
        return ImageMask.from_ids(decode_mask(self._read(member)), labels)

    def _read(self, member: Member) -> builtins.bytes:
        location = self._locations.get(member.name)
        if location is None:
            shard = self._shards.run_dir / (member.link_shard or "?")
            raise DamagedError(
                f"no whole copy of {member.link or member.name!r}", shard=shard, offset=0
            )
        try:
            return read_member(location, member)
        except (DamagedError, FileNotFoundError) as error:
            return self._read_elsewhere(member, error)

    def _read_elsewhere(
        self, member: Member, error: DamagedError | FileNotFoundError
    ) -> builtins.bytes:
        """Return the bytes from where they are now: the shard may have been rewritten since."""
        copies = self._shards.copies(member)
        for location in copies:
            with suppress(DamagedError, FileNotFoundError):
                data = read_member(location, member)
                self._locations[member.name] = location
                return data
        if isinstance(error, DamagedError) and not copies:
            what = f"no copy of {member.name!r} any more: the image was pruned"
            raise DamagedError(what, shard=error.shard, offset=error.offset) from error
        raise error

    def _repr_png_(self) -> builtins.bytes:
        from filmstrip.notebook import image_png

        return image_png(self)

    def _repr_html_(self) -> str:
        from filmstrip.notebook import image_html

        return image_html(self)

    def __repr__(self) -> str:
        return (
            f"LoggedImage({self.key!r}, step {self.step}, index {self.index}, "
            f"{self.width} × {self.height} {self.format})"
        )

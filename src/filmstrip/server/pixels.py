"""Original values of pictures: under the cursor, and compared with each other."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from filmstrip.record import number_from_float
from filmstrip.server.decode import mask_ids, original_values
from filmstrip.server.errors import BadRequestError
from filmstrip.server.lru import Lru
from filmstrip.server.pictures import Pictures
from filmstrip.server.schema import Difference, PictureKind, Pixels

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["OriginalValues"]

_MAX_BYTES = 2**28
"""Decoded pictures that are kept: the cursor moves over one picture for a while."""

_BLOCK_ROWS = 256


class OriginalValues:
    """Decodes pictures to their original values, and keeps the last few decoded.

    Parameters
    ----------
    pictures
        Where the stored bytes come from.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._decoded: Lru[tuple[str, PictureKind], npt.NDArray[Any]] = Lru(
            _MAX_BYTES, cost_of=lambda values: values.nbytes
        )
        self._decoding = Lock()

    def part(
        self, digest: str, *, x: int, y: int, width: int, height: int, kind: PictureKind
    ) -> Pixels:
        """Return the values of a part, cut to what lies inside of the picture.

        Raises
        ------
        BadRequestError
            The part lies outside.
        MissingError, GoneError, UndecodableError
            There is no such picture, or it cannot be read.
        """
        values = self._values(digest, kind)
        part = values[y : y + height, x : x + width]
        if not part.size:
            inside = f"x below {values.shape[1]} and y below {values.shape[0]}"
            raise BadRequestError(f"expected {inside}, got x={x} and y={y}")
        return Pixels(
            x=x,
            y=y,
            width=part.shape[1],
            height=part.shape[0],
            dtype=str(part.dtype),  # type: ignore[arg-type]
            channels=_channels(part),
            values=_numbers(part),
        )

    def difference(self, a: str, b: str) -> Difference:
        """Return how far two pictures are from each other.

        Raises
        ------
        BadRequestError
            They differ in size, channels or kind of values, and cannot be compared.
        MissingError, GoneError, UndecodableError
            There is no such picture, or it cannot be read.
        """
        return _difference(self._values(a, "picture"), self._values(b, "picture"))

    def _values(self, digest: str, kind: PictureKind) -> npt.NDArray[Any]:
        with self._decoding:  # one at a time: the cursor asks for one picture many times at once
            known = self._decoded.get((digest, kind))
            if known is not None:
                return known
            with self._pictures.open(digest) as stored:
                data = stored.read()
            values = mask_ids(data) if kind == "mask" else original_values(data)
            self._decoded.put((digest, kind), values)
        return values


def _channels(values: npt.NDArray[Any]) -> int:
    return 1 if values.ndim == 2 else int(values.shape[2])


def _numbers(values: npt.NDArray[Any]) -> list[Any]:
    numbers = values.ravel().tolist()
    if values.dtype.kind == "b":
        return [int(number) for number in numbers]
    return [number_from_float(n) for n in numbers] if values.dtype.kind == "f" else numbers


def _difference(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Difference:
    import numpy as np

    if a.shape != b.shape or a.dtype != b.dtype:
        raise BadRequestError(
            f"expected two pictures of the same kind, got {_described(a)} and {_described(b)}"
        )
    total = squares = largest = 0.0
    differing = 0
    for row in range(0, len(a), _BLOCK_ROWS):
        block = slice(row, row + _BLOCK_ROWS)
        apart = np.abs(a[block].astype(np.float64) - b[block].astype(np.float64))
        total += float(apart.sum())
        squares += float(np.square(apart).sum())
        largest = max(largest, float(apart.max()))
        differing += int(np.count_nonzero(apart.reshape(*apart.shape[:2], -1).any(axis=-1)))
    return Difference(
        width=a.shape[1],
        height=a.shape[0],
        channels=_channels(a),
        dtype=str(a.dtype),
        mean_absolute=number_from_float(total / a.size),
        max_absolute=number_from_float(largest),
        root_mean_square=number_from_float((squares / a.size) ** 0.5),
        num_pixels_different=differing,
    )


def _described(values: npt.NDArray[Any]) -> str:
    return f"{values.shape[1]} × {values.shape[0]} × {_channels(values)} {values.dtype}"

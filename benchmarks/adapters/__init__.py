"""The one interface that every logger is driven through.

An adapter module is named after its peer and has a class ``Adapter``. It is imported only inside
that peer's own environment, and uses the logger as the logger's documentation recommends.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


class Logger(Protocol):
    """A logger under test. Only `log_step` and `close` are timed."""

    def open(self, folder: Path, file_type: str) -> None:
        """Start a run that keeps everything under `folder`, as ``png`` or ``jpg``."""

    def log_step(self, step: int, images: Sequence[Array]) -> None:
        """Make the image objects of one step and log them.

        `images` are (H, W) or (H, W, 3), uint8, or float32 in [0, 1].
        """

    def close(self) -> None:
        """End the run; return when all is in files."""

    def count_stored(self) -> int | None:
        """Count the images in the logger's store, or return None where that is not possible."""


def as_uint8(image: Array) -> Array:
    """Scale float pixels to uint8, as the user of a logger that takes no floats must."""
    if image.dtype == np.uint8:
        return image
    scaled: Array = (image * 255).astype(np.uint8)
    return scaled


def count_files(folder: Path, *endings: str) -> int:
    """Count the files below `folder` whose names end in one of `endings`."""
    return sum(path.name.endswith(endings) for path in folder.rglob("*"))

"""The demo's photographs: files that ship inside scikit-image, so nothing is downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from filmstrip.errors import MissingDependencyError

Photo: TypeAlias = NDArray[np.uint8]


class DemoDependencyError(MissingDependencyError):
    """The demo needs a package that is not installed.

    Parameters
    ----------
    package
        Name of the missing package, as pip spells it.

    Examples
    --------
    >>> print(DemoDependencyError("scikit-image"))
    expected the package scikit-image for the demo, got none; pip install "filmstrip[demo]"
    """

    def __init__(self, package: str) -> None:
        super().__init__(package, purpose="the demo", extra="demo")


def photo_dir() -> Path:
    """Return the folder of the photographs inside the installed scikit-image.

    Raises
    ------
    DemoDependencyError
        When scikit-image is not installed.
    """
    # find_spec and not an import: the first picture should not wait for scikit-image to load.
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise DemoDependencyError("scikit-image")
    return Path(spec.origin).parent / "data"


def load_photo(name: str, size: tuple[int, int] | None = None) -> Photo:
    """Load one photograph.

    Parameters
    ----------
    name
        File name in :func:`photo_dir`, for example ``"chelsea.png"``.
    size
        (width, height) in pixels. The photo is scaled and its edges cut to fill it exactly;
        ``None`` keeps the photo as it is.

    Returns
    -------
    Photo
        (H, W, 3) uint8 in [0, 255], a fresh array; grey photos have three equal channels.

    Raises
    ------
    DemoDependencyError
        When scikit-image is not installed.

    Examples
    --------
    >>> load_photo("chelsea.png", (96, 64)).shape
    (64, 96, 3)
    """
    from PIL import Image, ImageOps

    with Image.open(photo_dir() / name) as file:
        rgb = file.convert("RGB")
    if size is not None:
        rgb = ImageOps.fit(rgb, size, Image.Resampling.LANCZOS)
    return np.array(rgb)


def load_face_crops() -> Photo:
    """Load the 100 small face crops of scikit-image (from Labeled Faces in the Wild).

    Returns
    -------
    Photo
        (100, 25, 25) uint8 in [0, 255], one face each, brow to chin.

    Raises
    ------
    DemoDependencyError
        When scikit-image is not installed.
    """
    # The file holds 100 faces, then 100 patches that are no faces; floats in [0, 1].
    crops = np.load(photo_dir() / "lfw_subset.npy")[:100]
    return np.asarray(np.rint(crops * 255), np.uint8)

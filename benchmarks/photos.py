"""The pictures that every logger gets, cut from the photographs that ship inside scikit-image.

Made once, the same on every machine, and kept as ``.npy`` so that the peers need only numpy.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

SOURCES: Final = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "hubble_deep_field.jpg",
    "ihc.png",
    "retina.jpg",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "camera.png",
)
_PHOTO_SIDE: Final = 512
_SMALL_SIDE: Final = 28
_TILES_A_SIDE: Final = 8
_SMALLEST_CROP: Final = 280  # below that, enlarging to 512 would blur the photograph away


def make_missing(folder: Path, announce: Callable[[str], None]) -> dict[str, Path]:
    """Write the arrays that `folder` lacks and return the path of each by name.

    ``photos`` is (200, 512, 512, 3), ``small`` (4000, 28, 28), ``large`` (20, 4096, 4096, 3),
    all uint8.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.npy" for name in _MAKERS}
    for name, path in paths.items():
        if not path.exists():
            announce(f"making {path.name} from scikit-image's photographs")
            unfinished = path.with_suffix(".part.npy")
            _MAKERS[name](unfinished)
            unfinished.rename(path)
    return paths


def _write_photos(path: Path) -> None:
    random = np.random.default_rng(512)
    sources = _read_sources()
    np.save(path, np.stack([_photo(sources[i % len(sources)], random) for i in range(200)]))


def _write_small(path: Path) -> None:
    random = np.random.default_rng(28)
    sources = _read_sources()
    np.save(path, np.stack([_thumbnail(sources[i % len(sources)], random) for i in range(4000)]))


def _write_large(path: Path) -> None:
    # Mosaics of the photos, because a photograph enlarged to 4096 would be smooth and compress
    # like nothing that a user logs.
    random = np.random.default_rng(4096)
    photos = np.load(path.with_name("photos.npy"))
    side = _PHOTO_SIDE * _TILES_A_SIDE
    mosaics = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(20, side, side, 3))
    for mosaic in mosaics:
        tiles = photos[random.choice(len(photos), _TILES_A_SIDE**2, replace=False)]
        grid = tiles.reshape(_TILES_A_SIDE, _TILES_A_SIDE, _PHOTO_SIDE, _PHOTO_SIDE, 3)
        mosaic[:] = grid.transpose(0, 2, 1, 3, 4).reshape(side, side, 3)
    mosaics.flush()


_MAKERS: Final = {"photos": _write_photos, "small": _write_small, "large": _write_large}


def _read_sources() -> list[Pixels]:
    from PIL import Image
    from skimage import data

    folder = Path(data.__file__).parent
    return [np.asarray(Image.open(folder / name).convert("RGB")) for name in SOURCES]


def _photo(source: Pixels, random: np.random.Generator) -> Pixels:
    height, width = source.shape[:2]
    largest = min(height, width)
    side = int(random.integers(min(_SMALLEST_CROP, largest), largest, endpoint=True))
    return _resized(_crop(source, side, random), _PHOTO_SIDE)


def _thumbnail(source: Pixels, random: np.random.Generator) -> Pixels:
    crop = _crop(source, int(random.integers(84, 224)), random)
    return _resized(crop, _SMALL_SIDE, mode="L")


def _crop(source: Pixels, side: int, random: np.random.Generator) -> Pixels:
    height, width = source.shape[:2]
    top = int(random.integers(0, height - side, endpoint=True))
    left = int(random.integers(0, width - side, endpoint=True))
    crop = source[top : top + side, left : left + side]
    return crop[:, ::-1] if random.integers(2) else crop


def _resized(crop: Pixels, side: int, mode: str = "RGB") -> Pixels:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(crop)).convert(mode)
    return np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS))

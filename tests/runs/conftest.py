from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import filmstrip


@pytest.fixture(scope="session")
def image() -> Callable[[int], filmstrip.Image]:
    """Make a picture of one value."""

    def image(value: int) -> filmstrip.Image:
        return filmstrip.Image(np.full((2, 2), value, np.uint8), normalize=False)

    return image


@pytest.fixture(scope="session")
def stored() -> Callable[[filmstrip.Run], filmstrip.StoredRun]:
    """Open what a run has stored."""

    def stored(run: filmstrip.Run) -> filmstrip.StoredRun:
        return filmstrip.open(run.dir.parents[1]).run(run.id)

    return stored


@pytest.fixture(scope="session")
def shown(stored) -> Callable[..., list[tuple[int, int, int]]]:
    """Return step, index and pixel value of each image of a key."""

    def shown(run: filmstrip.Run, key: str = "x") -> list[tuple[int, int, int]]:
        return [(i.step, i.index, int(i.array()[0, 0])) for i in stored(run).images(key)]

    return shown

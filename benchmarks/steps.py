"""The images of a workload, handed out step by step, round after round, never one twice."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.adapters import Array
from benchmarks.workloads import Pixels


def load_images(path: Path, count: int, pixels: Pixels) -> list[Array]:
    """Read the first `count` images into memory of their own, as the training script has them."""
    stored = np.load(path, mmap_mode="r")[:count]
    if pixels is Pixels.FLOAT32:
        return [np.asarray(each, np.float32) / np.float32(255) for each in stored]
    return [np.array(each) for each in stored]


class Steps:
    """Goes round the images, a step at a time.

    From the second round on some of an image's pixels are changed before it is handed out, so that
    a logger that knows pictures again has each one to do.

    Attributes
    ----------
    num_steps, num_images : int
        Handed out so far.
    in_one_round : int
        Steps until every image was handed out once.
    """

    def __init__(self, images: Sequence[Array], per_step: int) -> None:
        self._images, self._per_step = images, per_step
        self.num_steps = 0
        self.num_images = 0
        self.in_one_round = -(-len(images) // per_step)

    def take(self) -> tuple[int, Sequence[Array]]:
        """Return the number of the next step and its images; the last of a round may be few."""
        first = self.num_images % len(self._images)
        batch = self._images[first : first + self._per_step]
        if self.num_images >= len(self._images):
            for number, image in enumerate(batch, self.num_images):
                mark(image, number)
        self.num_steps += 1
        self.num_images += len(batch)
        return self.num_steps - 1, batch


def mark(image: Array, number: int) -> None:
    """Write `number` into the first four values of the image, floats in [0, 1]."""
    values = np.frombuffer(number.to_bytes(4, "little"), np.uint8)
    image.reshape(-1)[:4] = values if image.dtype == np.uint8 else values / np.float32(255)

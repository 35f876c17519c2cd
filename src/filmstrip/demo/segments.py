"""Superpixels of three photographs grow finer, and give the objects in them their outlines.

Two runs are logged, with as many segments at each step. One always splits the largest segments;
the other splits those with the largest error, and so explains more with the same number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import filmstrip
from filmstrip.demo.objects import CLASS_COLOURS, PHOTO_OBJECTS, PhotoObjects, class_of_segments
from filmstrip.demo.photos import load_photo
from filmstrip.demo.result import LoggedRun, OnStep
from filmstrip.demo.superpixels import (
    COMPACTNESS,
    SplitRule,
    energy,
    explained_variance,
    grid_labels,
    mean_colours,
    pixel_features,
    refine,
    segment_means,
)

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

START_GRID = (2, 3)
END_COUNT = 400


@dataclass(frozen=True, slots=True)
class SegmentSetting:
    """What differs between two runs.

    Parameters
    ----------
    name
        Name of the run.
    split_rule
        Which segments are split first: those with the largest squared ``"error"``, or the
        largest by ``"area"``.
    """

    name: str
    split_rule: SplitRule


BY_AREA = SegmentSetting("segments-by-area", "area")
BY_ERROR = SegmentSetting("segments-by-error", "error")


def segment_count(step: int, steps: int) -> int:
    """Return how many segments there should be after `step`: the same factor more each step."""
    first = START_GRID[0] * START_GRID[1]
    done = step / max(steps - 1, 1)
    return round(first * math.pow(END_COUNT / first, done))


class PhotoSegments:
    """One photograph on its way from a few segments to many."""

    def __init__(self, marked: PhotoObjects) -> None:
        """Start with a grid of rectangles."""
        self.marked = marked
        self.title = marked.name.partition(".")[0]
        self.photo = load_photo(marked.name, marked.size)
        self.features = pixel_features(self.photo)
        height, width = self.photo.shape[:2]
        self.labels = grid_labels(height, width, *START_GRID)

    def refine(self, count: int, rule: SplitRule) -> None:
        """Go on to `count` segments."""
        self.labels = refine(self.labels, self.features, count, rule)

    def objects(self) -> NDArray[np.uint8]:
        """Return the class id of each pixel: (H, W) uint8."""
        colours = segment_means(self.labels, self.features[..., :3])
        return class_of_segments(self.labels, colours, self.marked)[self.labels]

    def log_entries(self) -> tuple[list[filmstrip.Image], dict[str, float]]:
        """Return this step's pictures, one group, and numbers."""
        explained = explained_variance(self.labels, self.features)
        numbers = {
            f"energy/{self.title}": energy(self.labels, self.features),
            f"explained_variance/{self.title}": explained,
        }
        images = [self._objects_image(), self._superpixels_image(), self._colours_image(explained)]
        return images, numbers

    def _objects_image(self) -> filmstrip.Image:
        classes = photo_classes(self.marked)
        objects = {"mask_data": self.objects(), "class_labels": classes.names}
        return filmstrip.Image(
            self.photo,
            caption=f"{self.title}: {', '.join(self.marked.marks)}",
            grouping=self.title,
            classes=classes,
            masks={"objects": objects},
            meta={"photo": self.marked.name},
        )

    def _superpixels_image(self) -> filmstrip.Image:
        count = int(self.labels.max()) + 1
        return filmstrip.Image(
            self.photo,
            caption=f"{self.title}: {count} superpixels",
            grouping=self.title,
            # From 1: an id 0 without a name is drawn as background, that is, not at all.
            masks={"superpixels": {"mask_data": self.labels + 1}},
            meta={"photo": self.marked.name, "segment_count": count},
        )

    def _colours_image(self, explained: float) -> filmstrip.Image:
        return filmstrip.Image(
            mean_colours(self.labels, self.photo),
            caption=f"{self.title}: mean colours, {explained:.0%} explained",
            grouping=self.title,
            value_range=(0, 1),
            meta={"photo": self.marked.name, "explained_variance": explained},
        )


def photo_classes(marked: PhotoObjects) -> filmstrip.Classes:
    """Return the classes that are marked in a photo, with their ids and colours."""
    return filmstrip.Classes(
        [
            {"id": class_id, "name": name, "color": colour}
            for class_id, (name, colour) in enumerate(CLASS_COLOURS.items())
            if name in marked.marks
        ]
    )


def log_segments(
    setting: SegmentSetting,
    store_dir: Path | None,
    *,
    steps: int,
    on_step: OnStep,
) -> LoggedRun:
    """Refine each photograph and log every segmentation on the way.

    Parameters
    ----------
    setting
        Which variant to run.
    store_dir
        Where to log; ``None`` is filmstrip's default.
    steps
        How many times to log, from step 0, the grid.
    on_step
        Called with each step as soon as it was logged.

    Returns
    -------
    LoggedRun
        The finished run.
    """
    config = {
        "task": "segments",
        "split_rule": setting.split_rule,
        "compactness": COMPACTNESS,
        "end_count": END_COUNT,
    }
    with filmstrip.init(
        project="demo",
        name=setting.name,
        group="segments",
        tags=["superpixels", "masks"],
        notes="Superpixels grow finer; marked points give them names.",
        config=config,
        dir=store_dir,
    ) as run:
        photos = [PhotoSegments(marked) for marked in PHOTO_OBJECTS]
        for step in range(steps):
            count = segment_count(step, steps)
            numbers: dict[str, float] = {"segment_count": count}
            images: list[filmstrip.Image] = []
            for photo in photos:
                photo.refine(count, setting.split_rule)
                photo_images, photo_numbers = photo.log_entries()
                images += photo_images
                numbers |= photo_numbers
            run.log({"segments": images, **numbers}, step=step)
            on_step(step)
    return LoggedRun(run.id, run.dir, image_count=3 * len(photos) * steps)

"""Face detection that gathers evidence: each step looks for faces of a few more sizes.

scikit-image's LBP cascade answers yes or no for a window. A face is hit by many windows of nearly
the same place and size, a chance pattern by few; so the number of hits is a score, and it becomes
better the more sizes were tried. Two runs are logged: one reports whatever was hit once, the
other asks for more hits the longer it has looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

import filmstrip
from filmstrip.demo.photos import photo_dir
from filmstrip.demo.result import LoggedRun, OnStep
from filmstrip.demo.scenes import Scene, load_scenes
from filmstrip.demo.windows import (
    MATCH_IOU,
    SAME_FACE_IOU,
    Boxes,
    Detections,
    best_ious,
    correct_count,
    merge_windows,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WINDOW_SIZES_PX = tuple(sorted({round(39 * 1.05**power) for power in range(34)}))


@dataclass(frozen=True, slots=True)
class FaceSetting:
    """What differs between two runs.

    Parameters
    ----------
    name
        Name of the run.
    end_min_hits
        How many windows must agree on a face at the last step; at the first it is 1.
    """

    name: str
    end_min_hits: int


ANY_HIT = FaceSetting("faces-any-hit", end_min_hits=1)
VOTED = FaceSetting("faces-voted", end_min_hits=6)


def coarse_to_fine(count: int) -> list[int]:
    """Return 0...count-1 in an order that covers the range evenly from early on.

    It is the order of the van der Corput sequence: by the index's bits, read backwards.

    Examples
    --------
    >>> coarse_to_fine(8)
    [0, 4, 2, 6, 1, 5, 3, 7]
    """
    bits = max(count - 1, 1).bit_length()
    reversed_bits = (int(f"{index:0{bits}b}"[::-1], 2) for index in range(1 << bits))
    return [index for index in reversed_bits if index < count]


def sizes_by_step(steps: int) -> list[list[int]]:
    """Deal the window sizes out to the steps, in pixels; past one size a step, some get none."""
    order = [WINDOW_SIZES_PX[index] for index in coarse_to_fine(len(WINDOW_SIZES_PX))]
    bounds = [len(order) * step // steps for step in range(steps + 1)]
    return [order[start:end] for start, end in pairwise(bounds)]


def min_hits(setting: FaceSetting, step: int, steps: int) -> int:
    """Return how many hits a face needs at `step`."""
    return 1 + round((setting.end_min_hits - 1) * step / max(steps - 1, 1))


class FaceSearch:
    """The search through all scenes. It remembers its steps, so that two runs can share them.

    Parameters
    ----------
    steps
        In how many steps to try all window sizes, at least 1.
    scenes
        Where to search; ``None`` loads the demo's photographs.
    """

    def __init__(self, steps: int, scenes: list[Scene] | None = None) -> None:
        from skimage.color import rgb2gray
        from skimage.feature import Cascade

        self.steps = steps
        self.scenes = load_scenes() if scenes is None else scenes
        self._greys = [rgb2gray(scene.photo) for scene in self.scenes]
        self._cascade = Cascade(str(photo_dir() / "lbpcascade_frontalface_opencv.xml"))
        self._windows: list[Boxes] = [np.empty((0, 4)) for _ in self.scenes]
        self._found: list[list[Detections]] = []

    def found(self, step: int) -> list[Detections]:
        """Return what is known of each scene after `step`, all hits counted."""
        while len(self._found) <= step:
            for size_px in sizes_by_step(self.steps)[len(self._found)]:
                more = [self._hits(grey, size_px) for grey in self._greys]
                self._windows = [
                    np.concatenate(both) for both in zip(self._windows, more, strict=True)
                ]
            self._found.append([merge_windows(windows) for windows in self._windows])
        return self._found[step]

    def _hits(self, grey: NDArray[np.float64], size_px: int) -> Boxes:
        """Return the windows of one size that the cascade takes for a face: (n, 4) pixels."""
        found = self._cascade.detect_multi_scale(
            img=grey,
            # Sizes start at the smallest allowed and double: there is room for one.
            scale_factor=2,
            min_size=(size_px, size_px),
            max_size=(size_px + 1, size_px + 1),
            step_ratio=1,
            min_neighbor_number=0,
            # No overlap reaches 1.01: every window is returned as it is.
            intersection_score_threshold=1.01,
        )
        corners = [
            (at["c"], at["r"], at["c"] + at["width"], at["r"] + at["height"]) for at in found
        ]
        # The cascade's threads report in any order.
        return np.array(sorted(corners), np.float64).reshape(-1, 4)


def _image(scene: Scene, found: Detections) -> filmstrip.Image:
    """Return the scene with what was found and what is true, as two layers."""
    confidence = found.confidence()
    boxes = {
        "found": filmstrip.BoundingBoxes2D.from_arrays(
            found.boxes,
            class_id=np.ones(len(found.hits), np.int64),
            scores={"confidence": confidence, "hits": found.hits, "agreement": found.agreement},
            captions=[f"face {score:.2f}" for score in confidence],
            class_labels={1: "face"},
        ),
        "truth": filmstrip.BoundingBoxes2D.from_arrays(
            scene.truth,
            class_id=np.full(len(scene.truth), 2, np.int64),
            class_labels={2: "true face"},
        ),
    }
    classes = filmstrip.Classes(
        [
            {"id": 1, "name": "face", "color": "#facc15"},
            {"id": 2, "name": "true face", "color": "#22c55e"},
        ]
    )
    right = correct_count(scene.truth, found.boxes)
    wrong = len(found.hits) - right
    return filmstrip.Image(
        scene.photo,
        caption=f"{scene.name}: {right} of {len(scene.truth)} found, {wrong} wrong",
        grouping=scene.name,
        classes=classes,
        boxes=boxes,
        meta={"true_faces": len(scene.truth), "found": len(found.hits), "right": right},
    )


def _numbers(scenes: list[Scene], found: list[Detections]) -> dict[str, float]:
    """Return precision, recall and overlap over all scenes."""
    right = sum(correct_count(s.truth, f.boxes) for s, f in zip(scenes, found, strict=True))
    found_count = sum(len(f.hits) for f in found)
    ious = [best_ious(s.truth, f.boxes) for s, f in zip(scenes, found, strict=True)]
    return {
        "precision": right / max(found_count, 1),
        "recall": right / sum(len(s.truth) for s in scenes),
        "mean_iou": float(np.concatenate(ious).mean()),
        **{f"iou/{s.name}": float(i[0]) for s, i in zip(scenes, ious, strict=True) if len(i) == 1},
    }


def log_faces(
    setting: FaceSetting,
    store_dir: Path | None,
    *,
    search: FaceSearch,
    on_step: OnStep,
) -> LoggedRun:
    """Look for faces of more and more sizes and log what is known after each step.

    Parameters
    ----------
    setting
        Which variant to run.
    store_dir
        Where to log; ``None`` is filmstrip's default.
    search
        The search, of as many steps as are logged; another run may have gone through it before.
    on_step
        Called with each step as soon as it was logged.

    Returns
    -------
    LoggedRun
        The finished run.
    """
    config = {
        "task": "faces",
        "end_min_hits": setting.end_min_hits,
        "window_sizes_px": list(WINDOW_SIZES_PX),
        "same_face_iou": SAME_FACE_IOU,
        "match_iou": MATCH_IOU,
    }
    with filmstrip.init(
        project="demo",
        name=setting.name,
        group="faces",
        tags=["LBP cascade", "boxes"],
        notes="An LBP cascade tries more and more window sizes; hits that agree are faces.",
        config=config,
        dir=store_dir,
    ) as run:
        for step in range(search.steps):
            needed = min_hits(setting, step, search.steps)
            found = [all_hits.at_least(needed) for all_hits in search.found(step)]
            images = [_image(s, f) for s, f in zip(search.scenes, found, strict=True)]
            numbers = _numbers(search.scenes, found)
            run.log({"faces": images, "min_hits": needed, **numbers}, step=step)
            on_step(step)
    return LoggedRun(run.id, run.dir, image_count=len(search.scenes) * search.steps)

"""The segmentation part: its schedule, and what it logs."""

import numpy as np
import pytest

from filmstrip.demo.objects import CLASS_COLOURS, PHOTO_OBJECTS
from filmstrip.demo.segments import END_COUNT, PhotoSegments, photo_classes, segment_count


@pytest.mark.parametrize(
    ("step", "steps", "expected"), [(0, 30, 6), (29, 30, END_COUNT), (0, 1, 6)]
)
def test_segments_grow_from_the_grid_to_the_end_count(step, steps, expected):
    assert segment_count(step, steps) == expected


def test_every_step_has_more_segments_than_the_one_before():
    counts = [segment_count(step, 30) for step in range(30)]
    assert counts == sorted(set(counts))


@pytest.fixture(scope="module")
def refined():
    segments = PhotoSegments(PHOTO_OBJECTS[0])
    for count in (6, 20, 60, 180):
        segments.refine(count, "error")
    return segments


def test_the_cats_eye_is_an_eye_and_the_corner_background(refined):
    height, width = refined.labels.shape
    objects = refined.objects()
    names = list(CLASS_COLOURS)
    assert names[objects[int(0.38 * height), int(0.36 * width)]] == "eye"
    assert names[objects[int(0.12 * height), int(0.97 * width)]] == "background"
    assert names[objects[int(0.30 * height), int(0.55 * width)]] == "cat"


def test_the_images_of_a_photo_share_a_group_and_its_size(refined):
    images, numbers = refined.log_entries()
    assert [image.grouping for image in images] == ["chelsea"] * 3
    assert {(image.width, image.height) for image in images} == {PHOTO_OBJECTS[0].size}
    assert set(numbers) == {"energy/chelsea", "explained_variance/chelsea"}
    assert 0.5 < numbers["explained_variance/chelsea"] < 1


def test_classes_cover_the_ids_of_the_object_masks(refined):
    assert set(np.unique(refined.objects())) <= set(photo_classes(PHOTO_OBJECTS[0]).names)

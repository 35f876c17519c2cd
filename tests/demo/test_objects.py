"""Marked points name the segments."""

import re

import numpy as np
import pytest

from filmstrip.demo.objects import (
    CLASS_COLOURS,
    PHOTO_OBJECTS,
    PhotoObjects,
    class_of_segments,
    touching_segments,
)

IDS = {name: class_id for class_id, name in enumerate(CLASS_COLOURS)}
LABELS = np.array([[0, 1, 2, 3]], np.int32)


def test_a_segment_takes_the_name_reached_in_the_smallest_colour_steps():
    colours = np.array([[0.0, 0, 0], [10, 0, 0], [90, 0, 0], [100, 0, 0]])
    photo = PhotoObjects("any", (4, 1), {"cat": ((0.1, 0.5),), "table": ((0.9, 0.5),)})
    named = class_of_segments(LABELS, colours, photo)
    assert named.tolist() == [IDS["cat"], IDS["cat"], IDS["table"], IDS["table"]]


def test_one_mark_names_everything():
    photo = PhotoObjects("any", (4, 1), {"cup": ((0.5, 0.5),)})
    assert set(class_of_segments(LABELS, np.zeros((4, 3)), photo)) == {IDS["cup"]}


def test_of_two_marks_in_one_segment_the_last_class_wins():
    photo = PhotoObjects("any", (4, 1), {"cup": ((0.1, 0.1),), "coffee": ((0.2, 0.9),)})
    assert class_of_segments(LABELS, np.zeros((4, 3)), photo)[0] == IDS["coffee"]


def test_one_segment_touches_nothing():
    assert touching_segments(np.zeros((3, 3), np.int32)).shape == (0, 2)


@pytest.mark.parametrize("photo", PHOTO_OBJECTS, ids=lambda photo: photo.name)
def test_marks_are_inside_the_photo_and_of_known_classes(photo):
    assert set(photo.marks) <= set(CLASS_COLOURS)
    points = np.array([point for points in photo.marks.values() for point in points])
    assert points.min() >= 0
    assert points.max() < 1


@pytest.mark.parametrize("colour", CLASS_COLOURS.values())
def test_every_class_has_a_hex_colour(colour):
    assert re.fullmatch("#[0-9a-f]{6}", colour)


def test_no_two_classes_share_a_colour():
    assert len(set(CLASS_COLOURS.values())) == len(CLASS_COLOURS)

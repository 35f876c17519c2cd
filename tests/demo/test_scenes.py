"""The photographs with faces, and the truth about them."""

import numpy as np
import pytest

from filmstrip.demo.photos import load_face_crops
from filmstrip.demo.scenes import contact_sheet, load_scenes

SCENES = load_scenes()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_true_boxes_are_inside_their_picture(scene):
    height, width = scene.photo.shape[:2]
    assert (scene.truth[:, :2] >= 0).all()
    assert (scene.truth[:, 2:] <= [width, height]).all()
    assert (scene.truth[:, 2:] > scene.truth[:, :2]).all()


def test_scenes_hold_one_face_many_and_none():
    assert [len(scene.truth) for scene in SCENES] == [1, 1, 24, 0]


def test_each_crop_stands_where_its_box_says():
    crops = load_face_crops()
    sheet, boxes = contact_sheet(crops, rows=2, columns=3, face_px=25, margin_px=5)
    assert sheet.shape == (70, 105, 3)
    x0, y0, x1, y1 = boxes[4].astype(int)
    np.testing.assert_array_equal(sheet[y0:y1, x0:x1, 0], crops[4])

"""The search for faces: it covers all sizes, finds the astronaut, and repeats itself."""

import numpy as np
import pytest

from filmstrip.demo.faces import (
    ANY_HIT,
    VOTED,
    WINDOW_SIZES_PX,
    FaceSearch,
    coarse_to_fine,
    min_hits,
    sizes_by_step,
)
from filmstrip.demo.scenes import load_scenes
from filmstrip.demo.windows import best_ious

ASTRONAUT = load_scenes()[0]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 34])
def test_coarse_to_fine_visits_each_index_once(count):
    assert sorted(coarse_to_fine(count)) == list(range(count))


@pytest.mark.parametrize("steps", [1, 3, 30, 100])
def test_every_size_is_tried_at_exactly_one_step(steps):
    dealt = sizes_by_step(steps)
    assert len(dealt) == steps
    assert sorted(size for sizes in dealt for size in sizes) == list(WINDOW_SIZES_PX)


@pytest.mark.parametrize(("setting", "expected"), [(ANY_HIT, [1, 1, 1]), (VOTED, [1, 3, 6])])
def test_hits_needed_grow_from_one_to_the_settings_end(setting, expected):
    assert [min_hits(setting, step, 3) for step in range(3)] == expected


@pytest.fixture(scope="module")
def search():
    return FaceSearch(6, [ASTRONAUT])


def test_the_astronauts_face_is_the_best_find_at_the_end(search):
    (found,) = search.found(5)
    best = found.at_least(VOTED.end_min_hits).boxes[:1]
    assert best_ious(ASTRONAUT.truth, best)[0] > 0.75
    assert found.confidence()[0] > 0.75


def test_evidence_for_the_face_grows_with_every_step(search):
    hits = [int(search.found(step)[0].hits[0]) for step in range(6)]
    assert hits == sorted(set(hits))


def test_voting_drops_most_chance_patterns(search):
    (found,) = search.found(5)
    assert len(found.hits) >= 8
    assert len(found.at_least(VOTED.end_min_hits).hits) <= 2


def test_boxes_are_inside_the_picture(search):
    boxes = search.found(5)[0].boxes
    height, width = ASTRONAUT.photo.shape[:2]
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= [width, height]).all()


def test_windows_are_square_and_of_the_size_asked_for_to_a_pixel(search):
    hits = search._hits(search._greys[0], 100)
    assert len(hits) >= 3
    np.testing.assert_allclose(hits[:, 2:] - hits[:, :2], 100, atol=1)


def test_searching_again_finds_the_same(search):
    again = FaceSearch(6, [ASTRONAUT])
    np.testing.assert_array_equal(again.found(1)[0].boxes, search.found(1)[0].boxes)


def test_a_step_asked_for_again_is_not_searched_again(search):
    assert search.found(2) is search.found(2)

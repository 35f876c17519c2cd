"""Superpixels: both moves lower the energy, and labels stay complete."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from filmstrip.demo.photos import load_photo
from filmstrip.demo.superpixels import (
    energy,
    explained_variance,
    grid_labels,
    mean_colours,
    move_borders,
    pixel_features,
    refine,
    segment_errors,
    segment_means,
    split_segments,
)

PHOTO = load_photo("coffee.png", (90, 60))
FEATURES = pixel_features(PHOTO)
GRID = grid_labels(60, 90, 2, 3)


def test_features_are_lab_colour_and_scaled_place():
    grey = np.full((10, 20, 3), 255, np.uint8)
    features = pixel_features(grey, compactness=40)
    np.testing.assert_allclose(features[0, 0], [100, 0, 0, 0, 0], atol=0.01)
    np.testing.assert_allclose(features[9, 19, 3:], [18, 38], rtol=1e-6)


def test_segment_means_and_errors_of_two_halves():
    labels = np.array([[0, 0, 1]], np.int32)
    values = np.array([[[1.0], [3.0], [7.0]]], np.float32)
    np.testing.assert_array_equal(segment_means(labels, values), [[2], [7]])
    np.testing.assert_array_equal(segment_errors(labels, values), [2, 0])


def test_a_label_without_pixels_has_mean_zero():
    means = segment_means(np.array([[0, 2]], np.int32), np.ones((1, 2, 1), np.float32))
    np.testing.assert_array_equal(means, [[1], [0], [1]])


@pytest.mark.parametrize("rule", ["error", "area"])
def test_energy_falls_at_every_step(rule):
    labels, energies = GRID, [energy(GRID, FEATURES)]
    for count in (6, 12, 24, 48, 96):
        labels = refine(labels, FEATURES, count, rule)
        energies.append(energy(labels, FEATURES))
    assert energies == sorted(energies, reverse=True)
    assert energies[-1] < 0.2 * energies[0]


def test_moving_borders_never_raises_the_energy():
    labels, energies = GRID, []
    for _ in range(8):
        labels = move_borders(labels, FEATURES)
        energies.append(energy(labels, FEATURES))
    assert all(later <= earlier * (1 + 1e-6) for earlier, later in pairwise(energies))
    assert energies[-1] < energy(GRID, FEATURES)


def test_splitting_by_error_explains_more_than_splitting_by_area():
    explained = {}
    for rule in ("error", "area"):
        labels = GRID
        for count in (9, 14, 21, 32, 48):
            labels = refine(labels, FEATURES, count, rule)
        explained[rule] = explained_variance(labels, FEATURES)
    assert explained["error"] > explained["area"]


def test_split_adds_as_many_labels_as_asked_and_changes_nothing_else():
    labels = split_segments(GRID, FEATURES, 2, "area")
    assert set(np.unique(labels)) == set(range(8))
    kept = labels < 6
    np.testing.assert_array_equal(labels[kept], GRID[kept])
    assert GRID.max() == 5


def test_one_refinement_reaches_a_count_far_above_double():
    labels = refine(GRID, FEATURES, 150, "error")
    assert 140 <= labels.max() + 1 <= 150


def test_segments_of_one_pixel_are_not_split():
    labels = np.arange(4, dtype=np.int32).reshape(2, 2)
    features = np.random.default_rng(0).random((2, 2, 5)).astype(np.float32)
    np.testing.assert_array_equal(split_segments(labels, features, 4, "error"), labels)


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(4, 12), st.integers(4, 12), st.just(3))),
    st.integers(1, 12),
)
def test_refined_labels_count_up_from_zero_without_gaps(photo, count):
    features = pixel_features(photo)
    labels = refine(grid_labels(*photo.shape[:2], 1, 2), features, count, "error")
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert labels.max() < max(count, 2)


def test_mean_colours_are_floats_in_the_unit_range_with_the_photos_mean():
    picture = mean_colours(GRID, PHOTO)
    assert (picture.shape, picture.dtype) == (PHOTO.shape, np.float32)
    assert 0 <= picture.min() <= picture.max() <= 1
    np.testing.assert_allclose(picture.mean(), PHOTO.mean() / 255, rtol=1e-4)


def test_refining_twice_gives_the_same_segments():
    first, second = (refine(GRID, FEATURES, 40, "error") for _ in range(2))
    np.testing.assert_array_equal(first, second)

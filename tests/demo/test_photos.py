"""Photographs come from the scikit-image wheel, and its absence is said plainly."""

import numpy as np
import pytest

from filmstrip.demo import DemoDependencyError, photos
from filmstrip.demo.photos import load_face_crops, load_photo
from filmstrip.errors import FilmstripError


@pytest.mark.parametrize("name", ["astronaut.png", "camera.png", "chelsea.png", "coffee.png"])
def test_every_photo_of_the_demo_is_in_the_wheel_as_rgb(name):
    photo = load_photo(name)
    assert (photo.ndim, photo.shape[2], photo.dtype) == (3, 3, np.uint8)


@pytest.mark.parametrize("size", [(96, 64), (50, 80)])
def test_a_photo_fills_the_size_asked_for(size):
    assert load_photo("coffee.png", size).shape == (size[1], size[0], 3)


def test_there_are_a_hundred_face_crops():
    crops = load_face_crops()
    assert (crops.shape, crops.dtype) == ((100, 25, 25), np.uint8)
    assert crops.std(axis=(1, 2)).min() > 10


def test_a_missing_scikit_image_names_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(photos, "find_spec", lambda _name: None)
    with pytest.raises(DemoDependencyError) as caught:
        load_photo("coffee.png")
    assert str(caught.value) == (
        'expected the package scikit-image for the demo, got none; pip install "filmstrip[demo]"'
    )
    assert isinstance(caught.value, FilmstripError)
    assert isinstance(caught.value, ImportError)

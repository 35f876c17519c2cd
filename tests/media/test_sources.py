from __future__ import annotations

import io

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import pytest

from filmstrip.errors import ImageInputError
from filmstrip.media.image import Image
from filmstrip.media.sources import figure_from_any, is_file, is_pil


@pytest.fixture
def figure():
    figure, axes = plt.subplots(figsize=(2, 1), dpi=50)
    axes.plot([0, 1], [0, 1])
    yield figure
    plt.close(figure)


def saved(figure):
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=figure.dpi)
    return np.asarray(PIL.Image.open(stream).convert("RGB"))


@pytest.mark.parametrize(
    "pick",
    [
        lambda figure: figure,
        lambda figure: figure.axes[0],
        lambda figure: figure.axes[0].lines[0],
        lambda figure: plt,
    ],
    ids=["figure", "axes", "line", "pyplot"],
)
def test_a_figure_is_drawn_at_its_own_dpi(figure, pick):
    image = Image(pick(figure))
    assert (image.width, image.height, image.mode) == (100, 50, "RGB")
    assert np.array_equal(image.content.pixels, saved(figure))
    assert (image.source.kind, image.source.rule) == ("figure", "kept")


def test_a_figure_stays_open_and_as_it_was(figure):
    open_before, dpi, size = plt.get_fignums(), figure.dpi, figure.get_size_inches().tolist()
    Image(figure)
    Image(plt)
    assert plt.get_fignums() == open_before
    assert (figure.dpi, figure.get_size_inches().tolist()) == (dpi, size)


def test_changing_a_figure_afterwards_changes_nothing(figure):
    image = Image(figure)
    before = image.image.tobytes()
    figure.axes[0].set_title("later")
    assert image.image.tobytes() == before


def test_a_figure_without_pyplot_is_drawn():
    figure = matplotlib.figure.Figure(figsize=(1, 1), dpi=30)
    assert (Image(figure).width, plt.get_fignums()) == (30, [])


def test_a_transparent_figure_keeps_its_alpha(figure):
    figure.patch.set_alpha(0.0)
    image = Image(figure)
    assert image.mode == "RGBA"
    assert image.content.pixels[..., 3].min() == 0


def test_an_opaque_figure_is_a_jpeg_without_a_warning(figure):
    assert (Image(figure, file_type="jpg").mode, Image(figure, mode="L").mode) == ("RGB", "L")


def test_pyplot_without_a_figure_is_an_error_and_opens_none():
    plt.close("all")
    with pytest.raises(ImageInputError) as caught:
        Image(plt)
    assert str(caught.value) == (
        "expected pyplot with an open figure, got pyplot without one; draw before you log"
    )
    assert plt.get_fignums() == []


@pytest.mark.parametrize("value", [None, 5, np.zeros((2, 2)), "figure", plt.Figure, [1]])
def test_anything_else_has_no_figure(value):
    assert figure_from_any(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a.png", True),
        (b"", True),
        (bytearray(), True),
        (memoryview(b""), True),
        (io.BytesIO(), True),
        (io.StringIO(), True),
        (np.zeros(3), False),
        (None, False),
        ([b""], False),
    ],
)
def test_paths_bytes_and_streams_are_files(value, expected):
    assert is_file(value) is expected


def test_a_pil_image_is_told_from_its_array():
    picture = PIL.Image.new("L", (2, 2))
    assert is_pil(picture)
    assert not is_pil(np.asarray(picture))

"""Colours of classes: fixed by name, apart from each other, mirrored in other languages."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.colors import color_of, color_of_label, ink_on, is_background, rgb_from_hex
from filmstrip.record import ClassLabel

GOLDEN = {
    "": "#a260ba",
    "cat": "#007e48",
    "Cat": "#fcbaf6",
    "class_0": "#965a00",
    "traffic light": "#3caefc",
    "ключ": "#ded884",
    "猫": "#d800ba",
    "🐈": "#727e00",
}
"""Held by every implementation of the algorithm, in whatever language."""

MIRRORED = json.loads((Path(__file__).parent / "golden/colors.json").read_text("utf-8"))
"""What the viewer's tests read as well: its colours are these."""

COMMON_LISTS = {
    "Cityscapes": (
        "road,sidewalk,building,wall,fence,pole,traffic light,traffic sign,vegetation,terrain,sky,"
        "person,rider,car,truck,bus,train,motorcycle,bicycle"
    ),
    "Pascal VOC": (
        "aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,motorbike,"
        "person,pottedplant,sheep,sofa,train,tvmonitor"
    ),
    "CIFAR-10": "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck",
    "digits": "0,1,2,3,4,5,6,7,8,9",
    "class_<id>": ",".join(f"class_{i}" for i in range(10)),
}


def oklab(color: str) -> np.ndarray:
    """Return the colour in OKLab (Ottosson 2020)."""
    unit = np.array(rgb_from_hex(color)) / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    lms = np.cbrt(
        np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        )
        @ linear
    )
    return (
        np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        )
        @ lms
    )


@pytest.fixture(scope="module")
def palette() -> list[str]:
    return sorted({color_of(f"name {i}") for i in range(2000)})


@pytest.mark.parametrize(("name", "color"), GOLDEN.items())
def test_a_name_has_the_colour_that_it_had_in_every_release(name, color):
    assert color_of(name) == color


def test_the_viewer_is_tested_against_these_colours():
    found = [
        {"name": name, "color": color_of(name), "ink": ink_on(color_of(name))}
        for name in (entry["name"] for entry in MIRRORED["colors"])
    ]
    assert found == MIRRORED["colors"]
    assert len({entry["color"] for entry in found}) == 64


@pytest.mark.parametrize("entry", MIRRORED["background"])
def test_the_viewer_is_tested_against_this_background(entry):
    label = ClassLabel(**entry["label"]) if entry["label"] else None
    assert is_background(entry["id"], label) is entry["is_background"]


def test_the_palette_has_64_colours(palette):
    assert len(palette) == 64


def test_any_two_colours_of_the_palette_can_be_told_apart(palette):
    points = [oklab(color) for color in palette]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(points, 2)) >= 0.09


def test_no_colour_is_near_black_white_or_gray(palette):
    points = np.array([oklab(color) for color in palette])
    assert points[:, 0].min() >= 0.52
    assert points[:, 0].max() <= 0.87
    assert np.hypot(points[:, 1], points[:, 2]).min() >= 0.1


@pytest.mark.parametrize("names", COMMON_LISTS.values(), ids=COMMON_LISTS.keys())
def test_no_two_classes_of_a_common_list_share_a_colour(names):
    classes = names.split(",")
    assert len({color_of(name) for name in classes}) == len(classes)


@given(st.text())
def test_every_name_has_a_colour_of_six_hex_digits(name):
    assert len(rgb_from_hex(color_of(name))) == 3


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_hex_digits_and_numbers_are_the_same_colour(red, green, blue):
    assert rgb_from_hex(f"#{red:02x}{green:02x}{blue:02x}") == (red, green, blue)


def test_a_class_keeps_the_colour_that_it_was_given():
    assert color_of_label(ClassLabel(id=1, name="cat", color="#010203")) == "#010203"


def test_a_class_without_a_colour_takes_that_of_its_name():
    assert color_of_label(ClassLabel(id=1, name="cat")) == color_of("cat")


@pytest.mark.parametrize(
    ("class_id", "label", "expected"),
    [
        (0, None, True),
        (1, None, False),
        (0, ClassLabel(id=0, name="road"), False),
        (0, ClassLabel(id=0, name="background"), True),
        (9, ClassLabel(id=9, name="__Background__"), True),
        (9, ClassLabel(id=9, name="BG"), True),
        (0, ClassLabel(id=0, name="background", color="#000000"), False),
        (0, ClassLabel(id=0, name="not background"), False),
    ],
)
def test_background_is_id_0_without_a_name_or_a_class_of_that_name_without_a_colour(
    class_id, label, expected
):
    assert is_background(class_id, label) is expected


@pytest.mark.parametrize(
    ("color", "ink"),
    [
        ("#ffffff", "#000000"),
        ("#000000", "#ffffff"),
        ("#ffff00", "#000000"),
        ("#0000ff", "#ffffff"),
    ],
)
def test_text_is_black_on_light_and_white_on_dark(color, ink):
    assert ink_on(color) == ink


def test_text_has_a_contrast_of_at_least_3_to_1_on_every_colour(palette):
    def luminance(color: str) -> float:
        unit = np.array(rgb_from_hex(color)) / 255
        linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(color: str) -> float:
        low, high = sorted((luminance(color), luminance(ink_on(color))))
        return (high + 0.05) / (low + 0.05)

    assert min(map(contrast, palette)) >= 3

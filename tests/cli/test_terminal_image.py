"""Pictures as escapes: decoded again, or exact."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.cli.terminal_image import (
    CellBox,
    ColorDepth,
    fit_cells,
    half_blocks,
    iterm_image,
    kitty_image,
    shade_blocks,
    through_tmux,
)

CELL = re.compile(r"(?:\x1b\[([\d;]*)m)?▀")


def noise(width: int, height: int) -> PIL.Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return PIL.Image.fromarray(pixels)


def decoded(data: str) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def pixels_from_blocks(text: str) -> list[list[tuple[int, ...]]]:
    """Return the pixels that a terminal with 24-bit colours shows for half blocks."""
    rows = []
    for line in text.splitlines():
        above, below, ink, paper = [], [], None, None
        for codes in CELL.findall(line):
            for layer, color in re.findall(r"(38|48);2;(\d+;\d+;\d+)", codes):
                values = tuple(map(int, color.split(";")))
                ink, paper = (values, paper) if layer == "38" else (ink, values)
            above.append(ink)
            below.append(paper)
        rows += [above, below]
    return rows


class TestKitty:
    def test_the_chunks_together_are_the_picture(self):
        picture = noise(100, 80)
        escapes = kitty_image(picture, 40)
        chunks = [re.fullmatch(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", e).groups() for e in escapes]
        assert decoded("".join(data for _, data in chunks)).tobytes() == picture.tobytes()
        assert len(chunks) > 2
        assert all(len(data) <= 4096 for _, data in chunks)

    def test_the_first_chunk_says_how_to_show_it_and_the_last_that_it_is_the_last(self):
        heads = [e.split(";")[0].removeprefix("\x1b_G") for e in kitty_image(noise(60, 60), 7)]
        assert heads[0] == "a=T,f=100,q=2,c=7,m=1"
        assert heads[1:-1] == ["m=1"] * (len(heads) - 2)
        assert heads[-1] == "m=0"

    def test_a_small_picture_is_one_chunk(self):
        (escape,) = kitty_image(noise(1, 1), 1)
        assert escape.startswith("\x1b_Ga=T,f=100,q=2,c=1,m=0;")


class TestIterm:
    def test_the_escape_holds_the_picture_and_its_width_in_cells(self):
        picture = noise(9, 5)
        (escape,) = iterm_image(picture, 30)
        match = re.fullmatch(
            r"\x1b\]1337;File=inline=1;size=(\d+);width=30;height=auto;"
            r"preserveAspectRatio=1:([^\x07]*)\x07",
            escape,
        )
        assert decoded(match[2]).tobytes() == picture.tobytes()
        assert int(match[1]) == len(base64.b64decode(match[2]))


class TestHalfBlocks:
    @pytest.mark.parametrize("size", [(1, 2), (5, 4), (8, 6)])
    def test_a_terminal_shows_every_pixel_as_it_is(self, size):
        picture = noise(*size)
        shown = pixels_from_blocks(half_blocks(picture, ColorDepth.TRUE))
        assert np.array_equal(np.array(shown), np.asarray(picture))

    def test_the_last_row_of_an_odd_height_leaves_the_lower_half_alone(self):
        picture = PIL.Image.new("RGB", (2, 3), (1, 2, 3))
        last = half_blocks(picture, ColorDepth.TRUE).splitlines()[-1]
        assert last == "\x1b[38;2;1;2;3m▀▀\x1b[0m"

    def test_every_line_ends_without_colours(self):
        lines = half_blocks(noise(3, 5), ColorDepth.INDEXED).splitlines()
        assert [line[-4:] for line in lines] == ["\x1b[0m"] * 3

    def test_a_colour_is_named_only_where_it_changes(self):
        picture = PIL.Image.new("RGB", (4, 2), "black")
        assert half_blocks(picture, ColorDepth.TRUE).count("38;2") == 1

    @pytest.mark.parametrize(
        ("color", "index"),
        [
            ((0, 0, 0), 16),
            ((255, 255, 255), 231),
            ((255, 0, 0), 196),
            ((95, 135, 175), 67),
            ((8, 8, 8), 232),
            ((120, 119, 121), 243),
            ((238, 238, 238), 255),
        ],
    )
    def test_with_256_colours_the_nearest_is_taken(self, color, index):
        picture = PIL.Image.new("RGB", (1, 1), color)
        assert half_blocks(picture, ColorDepth.INDEXED) == f"\x1b[38;5;{index}m▀\x1b[0m\n"


class TestShades:
    def test_five_greys_stand_for_the_luma_of_two_rows(self):
        greys = np.repeat(np.array([[0, 60, 110, 160, 250]], np.uint8), 2, axis=0)
        assert shade_blocks(PIL.Image.fromarray(greys)) == " ░▒▓█\n"

    def test_no_escape_and_no_space_at_the_end_of_a_line(self):
        picture = PIL.Image.new("RGB", (4, 5), "black")
        picture.putpixel((0, 0), (255, 255, 255))
        assert shade_blocks(picture) == "▒\n\n\n"


class TestFit:
    @given(
        st.integers(1, 70_000),
        st.integers(1, 70_000),
        st.integers(1, 300),
        st.none() | st.integers(1, 200),
        st.booleans(),
    )
    def test_a_picture_never_exceeds_its_cells_nor_vanishes(
        self, width, height, columns, rows, fill
    ):
        box = fit_cells(width, height, max_columns=columns, max_rows=rows, fill=fill)
        assert 1 <= box.columns <= columns
        assert box.half_rows >= 1
        assert rows is None or box.half_rows <= 2 * rows

    @pytest.mark.parametrize(
        ("size", "fill", "box"),
        [
            ((512, 256), False, CellBox(80, 40)),
            ((100, 200), False, CellBox(25, 50)),
            ((28, 28), False, CellBox(28, 28)),
            ((28, 28), True, CellBox(50, 50)),
            ((1, 1), False, CellBox(24, 24)),
            ((2000, 20), False, CellBox(80, 1)),
            ((20, 2000), False, CellBox(1, 50)),
        ],
    )
    def test_a_picture_keeps_its_shape(self, size, fill, box):
        assert fit_cells(*size, max_columns=80, max_rows=25, fill=fill) == box


def test_tmux_is_handed_each_escape_with_its_escapes_doubled():
    assert through_tmux("\x1b]1337;x\a") == "\x1bPtmux;\x1b\x1b]1337;x\a\x1b\\"

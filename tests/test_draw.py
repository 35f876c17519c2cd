"""Overlays: exact pixels on small pictures, and what must hold on any."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import filmstrip
from filmstrip.colors import color_of, rgb_from_hex
from filmstrip.draw import display_rgb, draw_overlays
from filmstrip.draw.masks import scaled_ids
from filmstrip.errors import OptionError

GRAY = 100


def rgb(name: str) -> tuple[int, int, int]:
    return rgb_from_hex(color_of(name))


def gray_image(height: int, width: int, **overlays) -> filmstrip.Image:
    return filmstrip.Image(np.full((height, width, 3), GRAY, np.uint8), **overlays)


def mask_of(ids, **labels) -> dict:
    return {"layer": {"mask_data": np.array(ids), **labels}}


def boxes_of(*corners, **columns) -> dict:
    return {"layer": filmstrip.BoundingBoxes2D.from_arrays(np.array(corners), **columns)}


def drawn(image, **options) -> np.ndarray:
    return np.asarray(draw_overlays(image, **options))


def tinted(color: tuple[int, int, int], opacity: float) -> list[int]:
    weight = round(opacity * 256)
    return [(c * weight + GRAY * (256 - weight) + 128) >> 8 for c in color]


class TestDisplay:
    @pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "HSV"])
    def test_an_opaque_mode_is_shown_as_pillow_converts_it(self, mode):
        picture = PIL.Image.new("RGB", (3, 2), (200, 10, 60)).convert(mode)
        assert display_rgb(picture).tobytes() == picture.convert("RGB").tobytes()

    def test_an_rgb_picture_is_copied(self):
        picture = PIL.Image.new("RGB", (1, 1))
        display_rgb(picture).putpixel((0, 0), (9, 9, 9))
        assert picture.getpixel((0, 0)) == (0, 0, 0)

    @pytest.mark.parametrize("mode", ["RGBA", "RGBa", "LA", "La"])
    def test_transparent_pixels_are_shown_on_white(self, mode):
        whole = mode.upper()
        clear, opaque = ((0, 0, 0, 0), (0, 0, 0, 255)) if "R" in mode else ((0, 0), (0, 255))
        picture = PIL.Image.new(whole, (2, 1), opaque)
        picture.putpixel((0, 0), clear)
        shown = display_rgb(picture.convert(mode) if mode != whole else picture)
        assert [shown.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (0, 0, 0)]

    def test_the_transparent_colour_of_a_palette_is_shown_on_white(self):
        picture = PIL.Image.new("P", (2, 1))
        picture.putpalette([10, 20, 30, 40, 50, 60])
        picture.putpixel((1, 0), 1)
        picture.info["transparency"] = 1
        shown = display_rgb(picture)
        assert [shown.getpixel((x, 0)) for x in (0, 1)] == [(10, 20, 30), (255, 255, 255)]

    @pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
    def test_wide_values_are_stretched_from_their_smallest_to_their_largest(self, dtype):
        shown = display_rgb(PIL.Image.fromarray(np.array([[500, 1000, 1500]], dtype)))
        assert np.asarray(shown)[0, :, 0].tolist() == [0, 127, 255]

    @pytest.mark.parametrize("value", [0, 7, 65535])
    def test_a_wide_picture_of_one_value_is_black(self, value):
        shown = display_rgb(PIL.Image.fromarray(np.full((1, 2), value, np.uint16)))
        assert not np.asarray(shown).any()

    def test_nan_is_black_and_infinity_at_the_ends(self):
        values = np.array([[np.nan, -np.inf, 1, 2, np.inf]], np.float32)
        shown = display_rgb(PIL.Image.fromarray(values))
        assert np.asarray(shown)[0, :, 0].tolist() == [0, 0, 0, 255, 255]

    def test_a_16_bit_image_has_its_overlays(self):
        image = filmstrip.Image(
            np.full((20, 20), 300, np.uint16), mode="I;16", boxes=boxes_of([2, 2, 9, 9])
        )
        assert tuple(drawn(image)[2, 2]) == rgb("layer")


class TestMasks:
    def test_regions_are_tinted_and_background_is_left_clear(self):
        ids = np.zeros((5, 5), int)
        ids[:, 3:] = 7
        ids[:, 4] = 7
        image = gray_image(5, 5, masks=mask_of(ids, class_labels={7: "cat"}))
        pixels = drawn(image)
        assert (pixels[:, :3] == GRAY).all()
        assert pixels[0, 4].tolist() == tinted(rgb("cat"), 0.45)

    def test_a_region_has_a_contour_of_one_pixel_on_its_own_side(self):
        ids = np.zeros((3, 6), int)
        ids[:, 3:] = 7
        pixels = drawn(gray_image(3, 6, masks=mask_of(ids, class_labels={7: "cat"})))
        assert pixels[1, 3].tolist() == tinted(rgb("cat"), 0.9)
        assert pixels[1, 4].tolist() == tinted(rgb("cat"), 0.45)

    def test_two_regions_that_touch_have_a_contour_each(self):
        ids = np.array([[5, 5, 6, 6]])
        pixels = drawn(gray_image(1, 4, masks=mask_of(ids)))
        assert pixels[0, 1].tolist() == tinted(rgb("class_5"), 0.9)
        assert pixels[0, 2].tolist() == tinted(rgb("class_6"), 0.9)

    def test_neighbours_on_a_diagonal_alone_have_no_contour(self):
        ids = np.array([[5, 5], [5, 6]])
        pixels = drawn(gray_image(2, 2, masks=mask_of(ids)))
        assert pixels[0, 0].tolist() == tinted(rgb("class_5"), 0.45)

    @pytest.mark.parametrize(("side", "width"), [(699, 1), (1400, 2)])
    def test_contours_are_wider_on_large_pictures(self, side, width):
        ids = np.zeros((side, side), np.uint8)
        ids[:, side // 2 :] = 1
        row = drawn(gray_image(side, side, masks=mask_of(ids)))[0]
        assert (row == tinted(rgb("class_1"), 0.9)).all(axis=1).sum() == width

    def test_opacity_0_leaves_the_contours(self):
        ids = np.array([[0, 1, 1]])
        pixels = drawn(gray_image(1, 3, masks=mask_of(ids)), opacity=0)
        assert pixels[0, 1].tolist() == tinted(rgb("class_1"), 0.9)
        assert pixels[0, 2].tolist() == [GRAY] * 3

    def test_opacity_1_covers_the_picture(self):
        pixels = drawn(gray_image(2, 2, masks=mask_of(np.ones((2, 2), int))), opacity=1)
        assert (pixels == rgb("class_1")).all()

    @pytest.mark.parametrize("opacity", [-0.1, 1.5, float("nan")])
    def test_another_opacity_is_an_error(self, opacity):
        with pytest.raises(OptionError) as caught:
            draw_overlays(gray_image(1, 1), opacity=opacity)
        assert str(caught.value) == (
            f"expected opacity from 0 to 1, got {opacity!r}; leave it out for 0.45"
        )

    def test_a_smaller_mask_is_scaled_with_nearest_neighbour(self):
        masks = mask_of([[0, 1]], class_labels={1: "cat"})
        pixels = drawn(gray_image(4, 8, masks=masks), opacity=1)
        assert (pixels[:, :4] == GRAY).all()
        assert (pixels[:, 5:] == rgb("cat")).all()

    @pytest.mark.parametrize("largest", [200, 60_000, 2**32 - 1], ids=["8", "16", "32 bits"])
    def test_ids_of_any_width_have_their_colours(self, largest):
        pixels = drawn(gray_image(1, 2, masks=mask_of([[0, largest]])), opacity=1)
        assert pixels[0, 0].tolist() == [GRAY] * 3
        assert pixels[0, 1].tolist() == tinted(rgb(f"class_{largest}"), 0.9)

    def test_a_class_is_drawn_in_the_colour_that_it_was_given(self):
        image = gray_image(
            1,
            1,
            masks=mask_of([[4]]),
            classes=[{"id": 4, "name": "cat", "color": "#0a141e"}],
        )
        assert drawn(image, opacity=1).tolist() == [[[10, 20, 30]]]

    def test_masks_can_be_left_out(self):
        image = gray_image(2, 2, masks=mask_of(np.ones((2, 2), int)))
        assert (drawn(image, masks=False) == GRAY).all()

    @given(
        hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)),
        st.integers(1, 4),
    )
    def test_ids_scaled_by_a_whole_number_are_repeated(self, ids, factor):
        height, width = ids.shape
        repeated = ids.repeat(factor, axis=0).repeat(factor, axis=1)
        assert (scaled_ids(ids, width * factor, height * factor) == repeated).all()

    @given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)))
    def test_a_pixel_takes_the_id_under_its_centre(self, ids):
        height, width = ids.shape
        marked = np.full((height, 3, width, 3), 255, np.uint8)
        marked[:, 1, :, 1] = ids
        scaled = scaled_ids(marked.reshape(3 * height, 3 * width), width, height)
        assert (scaled == ids).all()


class TestBoxes:
    def test_a_line_covers_the_outermost_pixels_of_the_box(self):
        pixels = drawn(gray_image(10, 10, boxes=boxes_of([2, 3, 7, 8])))
        is_line = (pixels == rgb("layer")).all(axis=2)
        expected = np.zeros((10, 10), bool)
        expected[3:8, 2:7] = True
        expected[4:7, 3:6] = False
        assert (is_line == expected).all()
        assert (pixels[~expected] == GRAY).all()

    def test_a_box_past_the_edges_is_clipped_to_the_picture(self):
        pixels = drawn(gray_image(6, 6, boxes=boxes_of([-50, -50, 3, 99])))
        is_line = (pixels == rgb("layer")).all(axis=2)
        assert is_line[:, [0, 2]].all()
        assert not is_line[:, 3:].any()

    @pytest.mark.parametrize(
        "corners",
        [
            [float("nan"), 1, 4, 4],
            [1, 1, float("inf"), 4],
            [4, 1, 2, 4],
            [1, 4, 4, 2],
            [20, 1, 30, 4],
            [-9, 1, -2, 4],
            [1, 6, 4, 9],
            [6, 1, 9, 4],
        ],
        ids=["NaN", "inf", "x swapped", "y swapped", "right", "left", "below", "at the edge"],
    )
    @pytest.mark.filterwarnings("ignore::filmstrip.FilmstripWarning")
    def test_a_box_that_is_invalid_or_outside_is_not_drawn(self, corners):
        assert (drawn(gray_image(6, 6, boxes=boxes_of(corners))) == GRAY).all()

    @pytest.mark.parametrize("corners", [[2, 2, 2, 2], [2.2, 2.2, 2.4, 2.4]])
    def test_a_box_smaller_than_a_pixel_is_that_pixel(self, corners):
        pixels = drawn(gray_image(6, 6, boxes=boxes_of(corners)))
        assert np.argwhere((pixels == rgb("layer")).all(axis=2)).tolist() == [[2, 2]]

    def test_no_boxes_leave_the_picture_as_it_is(self):
        image = gray_image(6, 6, boxes={"layer": {"box_data": []}})
        assert (drawn(image) == GRAY).all()

    def test_boxes_can_be_left_out(self):
        assert (drawn(gray_image(6, 6, boxes=boxes_of([1, 1, 4, 4])), boxes=False) == GRAY).all()

    def test_a_class_has_its_colour_and_a_box_without_one_that_of_its_layer(self):
        image = gray_image(8, 8, boxes=boxes_of([1, 1, 3, 3], [5, 5, 7, 7], class_id=[2, -1]))
        pixels = drawn(image)
        assert tuple(pixels[1, 1]) == rgb("class_2")
        assert tuple(pixels[5, 5]) == rgb("layer")

    def test_a_small_box_is_drawn_over_a_large_one_that_came_later(self):
        image = gray_image(9, 9, boxes=boxes_of([1, 1, 4, 4], [1, 1, 8, 8], class_id=[1, 2]))
        pixels = drawn(image)
        assert tuple(pixels[1, 1]) == rgb("class_1")
        assert tuple(pixels[1, 6]) == rgb("class_2")

    def test_the_second_layer_has_dashes(self):
        both = {
            "truth": boxes_of([0, 0, 40, 1])["layer"],
            "found": boxes_of([0, 9, 40, 10])["layer"],
        }
        pixels = drawn(gray_image(20, 40, boxes=both))
        assert (pixels[0] == rgb("truth")).all()
        is_dash = (pixels[9] == rgb("found")).all(axis=1)
        assert is_dash.tolist() == [x % 10 < 5 for x in range(40)]

    @pytest.mark.parametrize(("side", "width"), [(28, 1), (512, 2), (2200, 10)])
    def test_lines_are_wider_on_large_pictures(self, side, width):
        boxes = boxes_of([side // 4, side // 4, side // 2, side // 2])
        row = drawn(gray_image(side, side, boxes=boxes))[side // 3]
        assert (row == rgb("layer")).all(axis=1).sum() == 2 * width


class TestTexts:
    def texts(self, monkeypatch, image) -> list[str]:
        seen = []
        from filmstrip.draw.plates import PlateLayout

        monkeypatch.setattr(PlateLayout, "draw", lambda self, text, color, box: seen.append(text))
        draw_overlays(image)
        return sorted(seen)

    def test_a_box_carries_its_class_and_first_score(self, monkeypatch):
        boxes = boxes_of(
            [1, 1, 9, 9],
            class_id=[3],
            scores={"confidence": [0.876], "iou": [0.1]},
            class_labels={3: "cat"},
        )
        assert self.texts(monkeypatch, gray_image(99, 99, boxes=boxes)) == ["cat 0.88"]

    def test_a_caption_is_shown_instead(self, monkeypatch):
        boxes = boxes_of([1, 1, 9, 9], class_id=[3], scores={"p": [0.5]}, captions=["mine"])
        assert self.texts(monkeypatch, gray_image(99, 99, boxes=boxes)) == ["mine"]

    def test_what_a_box_lacks_is_left_out(self, monkeypatch):
        boxes = boxes_of(
            [1, 1, 9, 9],
            [2, 2, 9, 9],
            [3, 3, 9, 9],
            class_id=[3, -1, -1],
            scores={"p": [float("nan"), 0.25, float("nan")]},
        )
        image = gray_image(99, 99, boxes=boxes)
        assert self.texts(monkeypatch, image) == ["0.25", "class_3"]

    def test_a_small_picture_has_no_texts(self, monkeypatch):
        boxes = boxes_of([1, 1, 9, 9], captions=["mine"])
        assert self.texts(monkeypatch, gray_image(28, 28, boxes=boxes)) == []

    @settings(max_examples=25, deadline=None)
    @given(
        st.integers(96, 140),
        st.integers(96, 140),
        st.lists(st.tuples(*[st.floats(-50, 200)] * 4), max_size=6),
        st.text(max_size=40),
    )
    def test_any_boxes_with_any_text_can_be_drawn(self, width, height, corners, caption):
        corners = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
        boxes = filmstrip.BoundingBoxes2D.from_arrays(
            np.array(corners).reshape(-1, 4), captions=[caption] * len(corners)
        )
        image = gray_image(height, width, boxes={"layer": boxes})
        assert drawn(image).shape == (height, width, 3)

    @pytest.mark.parametrize("text", ["x", "a very long caption " * 20], ids=["short", "long"])
    @pytest.mark.parametrize("corner", [(0, 0), (190, 0), (0, 190), (190, 190)])
    def test_a_plate_stays_inside_the_picture(self, text, corner):
        from PIL import ImageDraw

        from filmstrip.draw.plates import PlateLayout

        # Twice the picture's size: what would be cut off shows outside of it.
        picture = PIL.Image.new("RGB", (400, 400))
        canvas = ImageDraw.Draw(picture, "RGBA")
        x, y = corner
        PlateLayout(canvas, (200, 200), gap=1).draw(text, "#ff0000", (x, y, x + 10, y + 10))
        left, top, right, bottom = picture.getbbox()
        assert left >= 0
        assert top >= 0
        assert right <= 200
        assert bottom <= 200

    def test_plates_of_boxes_at_one_place_do_not_cover_each_other(self):
        from PIL import ImageDraw

        from filmstrip.draw.plates import PlateLayout

        picture = PIL.Image.new("RGB", (200, 200))
        layout = PlateLayout(ImageDraw.Draw(picture, "RGBA"), picture.size, gap=1)
        layout.draw("first", "#ff0000", (50, 50, 150, 150))
        layout.draw("second", "#00ff00", (50, 50, 150, 150))
        before = np.asarray(picture)
        is_plate = before.any(axis=2)
        layout.draw("third", "#0000ff", (50, 50, 150, 150))
        assert (np.asarray(picture)[is_plate] == before[is_plate]).all()


def test_the_image_itself_is_not_changed():
    image = gray_image(9, 9, boxes=boxes_of([1, 1, 5, 5]), masks=mask_of(np.ones((9, 9), int)))
    before = image.image.tobytes()
    draw_overlays(image)
    assert image.image.tobytes() == before


def test_a_logged_image_is_drawn_as_the_image_was(tmp_path):
    rng = np.random.default_rng(0)
    image = filmstrip.Image(
        rng.integers(0, 256, (120, 130, 3), np.uint8),
        boxes=boxes_of(
            [10, 20, 60, 90], class_id=[1], scores={"p": [0.5]}, class_labels={1: "cat"}
        ),
        masks=mask_of(rng.integers(0, 4, (60, 65)), class_labels={1: "cat"}),
    )
    with filmstrip.init(dir=tmp_path / "store", id="r1") as run:
        run.log({"examples": image})
    [logged] = filmstrip.open(tmp_path / "store").run("r1").images("examples")
    assert draw_overlays(logged).tobytes() == draw_overlays(image).tobytes()

"""Focus: one image down to its single pixels, and all that is known of it."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from tests.browser.picture_store import (
    DOG,
    HEIGHT,
    HOSTILE,
    WIDTH,
    pixel,
    plain_pixels,
    point_at,
    wide_pixels,
)

import filmstrip

OFF = "&overlays=" + '{"areBoxesOn":false,"areMasksOn":false}'


def focus(
    key: str = "plain", step: int = 0, index: int = 0, more: str = "", run: str = "one"
) -> str:
    return f"?view=focus&place={run}/{key}/{step}/{index}{more}"


def title(page) -> list[str]:
    """Return the step, image and run that the bar names."""
    return [
        page.get_by_role("group", name=noun, exact=True).locator("b").inner_text()
        for noun in ("step", "image", "run")
    ]


class TestPixels:
    def test_magnified_pixels_are_whole_squares_of_their_own_colour(self, pictures):
        page = pictures.open(focus(more=f"{OFF}&inspect=zoom:6,0.5,0.5"))
        pixels = plain_pixels(0)
        found = page.locator("main .stage canvas").evaluate(
            """canvas => {
              const { width, height } = canvas;
              const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
              const colors = new Set();
              for (let i = 0; i < data.length; i += 4) colors.add(data.slice(i, i + 3).join());
              return [...colors];
            }"""
        )
        stored = {",".join(map(str, color)) for color in pixels.reshape(-1, 3)}
        lines = {color for color in found if color not in stored}
        assert len(set(found) & stored) > 30
        assert len(lines) < len(found)  # the lines between pixels are the only other colours

    def test_below_the_lines_there_are_only_colours_of_the_picture(self, pictures):
        page = pictures.open(focus(more=OFF))
        for place in [(0, 0), (WIDTH - 1, HEIGHT - 1), (20, 30)]:
            assert pixel(page, place) == plain_pixels(0)[place[1], place[0]].tolist()

    def test_shrunk_pictures_are_smooth(self, pictures):
        page = pictures.open(focus("squares"))
        colors = {pixel(page, (x, 450), image=(1200, 900))[0] for x in range(100, 1100, 17)}
        assert all(60 < color < 200 for color in colors)

    def test_the_1_key_shows_one_pixel_on_one(self, pictures):
        page = pictures.open(focus("squares"))
        page.keyboard.press("1")
        pictures.settle()
        row = page.locator("main .stage canvas").evaluate(
            """canvas => {
              const y = Math.floor(canvas.height / 2);
              const x = Math.floor(canvas.width / 2);
              return [...canvas.getContext("2d").getImageData(x, y, 12, 1).data]
                .filter((_, i) => i % 4 === 0);
            }"""
        )
        assert set(row) == {0, 255}
        assert all(a != b for a, b in pairwise(row))
        expect(page.get_by_text("100%", exact=True)).to_be_visible()
        page.keyboard.press("0")
        expect(page.get_by_role("button", name="Fit")).to_have_attribute("aria-pressed", "true")

    def test_the_wheel_zooms_about_the_pointer(self, pictures):
        page = pictures.open(focus())
        point_at(page, (50, 12))
        expect(page.get_by_test_id("pixel")).to_contain_text("x 50 y 12")
        page.mouse.wheel(0, -600)
        page.wait_for_url("**inspect=zoom**")
        box = page.locator("main .stage").bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        expect(page.get_by_test_id("pixel")).not_to_contain_text("x 50 y 12")
        point_at(page, (50, 12))
        expect(page.get_by_test_id("pixel")).to_contain_text("x 50 y 12")

    def test_dragging_moves_the_picture(self, pictures):
        page = pictures.open(focus(more="&inspect=zoom:8,0.5,0.5"))
        box = page.locator("main .stage").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.move(*middle)
        expect(page.get_by_test_id("pixel")).to_contain_text("x 32 y 24")
        page.mouse.down()
        page.mouse.move(middle[0] - 200, middle[1] - 100, steps=4)
        page.mouse.up()
        page.mouse.move(*middle)
        expect(page.get_by_test_id("pixel")).not_to_contain_text("x 32 y 24")


class TestValues:
    @pytest.mark.parametrize("place", [(0, 0), (13, 7), (39, 29)])
    def test_sixteen_bits_are_read_in_full(self, pictures, place):
        page = pictures.open(focus("wide", 10))
        point_at(page, place, image=(40, 30))
        value = int(wide_pixels(10)[place[1], place[0]])
        expect(page.get_by_test_id("pixel-value")).to_have_text(f"{value} uint16")

    def test_every_channel_is_read(self, pictures):
        page = pictures.open(focus())
        point_at(page, (20, 30))
        red, green, blue = plain_pixels(0)[30, 20].tolist()
        expect(page.get_by_test_id("pixel-value")).to_have_text(f"{red}, {green}, {blue} uint8")

    def test_mask_classes_and_box_scores_are_read_too(self, pictures):
        page = pictures.open(focus())
        point_at(page, (20, 15))
        panel = page.get_by_test_id("pixel")
        expect(panel).to_contain_text("road 70000 in seg")
        expect(panel).to_contain_text("background 0 in truth")
        expect(panel).to_contain_text("cat 0.90 p 0.90")
        point_at(page, (60, 44))
        expect(panel).to_contain_text("background 0 in seg")
        expect(panel).not_to_contain_text("cat")


class TestWindow:
    def test_the_whole_range_of_16_bits_is_from_black_to_white(self, pictures):
        page = pictures.open(focus("wide"))
        assert pixel(page, (0, 0), image=(40, 30)) == [0, 0, 0]
        assert pixel(page, (39, 29), image=(40, 30)) == [255, 255, 255]

    def test_a_share_of_the_values_is_cut(self, pictures):
        page = pictures.open(focus("wide"))
        page.get_by_role("button", name="5 %", exact=True).click()
        low = int(np.quantile(wide_pixels(0), 0.05))
        expect(page.get_by_label("Black")).to_have_value(str(low))
        pictures.settle()
        expect(page.get_by_role("button", name="5 %", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        page.wait_for_function(
            "() => document.querySelector('main .stage canvas').dataset.painted !== ''"
        )

    def test_a_window_is_kept_for_its_key_alone(self, pictures):
        page = pictures.open(focus("wide"))
        page.get_by_label("White").fill("2000")
        page.get_by_label("White").press("Enter")
        page.get_by_label("Keep for key").check()
        page.get_by_label("White").blur()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_text("Logged at step 10")).to_be_visible()
        expect(page.get_by_label("White")).to_have_value("2000")
        page.goto(pictures.url + focus("wide", 20))
        expect(page.get_by_label("White")).to_have_value("2000")
        page.goto(pictures.url + focus("plain"))
        expect(page.get_by_label("White")).to_have_value("255")

    def test_a_window_that_is_kept_holds_in_every_panel(self, pictures):
        page = pictures.open(focus("wide"))
        page.get_by_label("White").fill("1001")
        page.get_by_label("White").press("Enter")
        page.get_by_label("Keep for key").check()
        page.goto(pictures.url + "?keys=wide&runs=one")
        pictures.settle()
        copy = """canvas => {
          const copy = new OffscreenCanvas(1, 1).getContext("2d");
          copy.drawImage(canvas, canvas.width / 2, canvas.height / 3, 1, 1, 0, 0, 1, 1);
          return copy.getImageData(0, 0, 1, 1).data[0];
        }"""
        assert page.locator("[data-cell] canvas").evaluate(copy) == 255


class TestStepping:
    def test_steps_samples_and_runs_are_gone_through_by_keys(self, pictures):
        page = pictures.open(focus())
        assert title(page) == ["0", "0", "run one"]
        for key, expected in [
            ("ArrowRight", ["10", "0", "run one"]),
            ("ArrowDown", ["10", "1", "run one"]),
            ("PageUp", ["10", "1", "run two"]),
            ("End", ["20", "1", "run two"]),
            ("ArrowUp", ["20", "0", "run two"]),
            ("PageDown", ["20", "0", "run one"]),
            ("Home", ["0", "0", "run one"]),
            ("ArrowLeft", ["0", "0", "run one"]),
        ]:
            page.keyboard.press(key)
            for noun, text in zip(("step", "image", "run"), expected, strict=True):
                shown = page.get_by_role("group", name=noun, exact=True).locator("b")
                expect(shown).to_have_text(text)

    def test_zoom_is_kept_while_stepping(self, pictures):
        page = pictures.open(focus(more="&inspect=zoom:4,0.25,0.25"))
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**place=one/plain/10/0**")
        assert "inspect=zoom:4,0.25,0.25" in page.url
        box = page.locator("main .stage").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(page.get_by_test_id("pixel")).to_contain_text("x 16 y 12")

    def test_the_picture_is_that_of_the_step_that_is_named(self, pictures):
        page = pictures.open(focus(more=OFF))
        page.keyboard.press("End")
        expect(page.get_by_text("Logged at step 20")).to_be_visible()
        pictures.settle()
        assert pixel(page, (5, 5)) == plain_pixels(20)[5, 5].tolist()


class TestFacts:
    def test_texts_are_text(self, pictures):
        page = pictures.open(focus())
        about = page.get_by_role("complementary", name="About this image")
        expect(about.locator(".caption")).to_have_text(f"{HOSTILE} 0")
        for text in ("camera.side", "front", "exposure", "Infinity", "loss", "48 × 64 × 3"):
            expect(about).to_contain_text(text)
        assert page.evaluate("() => window.broken") is None
        assert page.evaluate("() => document.querySelectorAll('main b b, aside img').length") == 0

    def test_texts_can_be_selected(self, pictures):
        page = pictures.open(focus())
        caption = page.get_by_role("complementary", name="About this image").locator(".caption")
        caption.click(click_count=3)
        assert "bold" in page.evaluate("() => getSelection().toString()")

    def test_flawed_boxes_are_listed_with_what_is_wrong(self, pictures):
        page = pictures.open(focus())
        flagged = page.get_by_role("note", name="Flagged boxes")
        expect(flagged).to_contain_text("3 boxes are not drawn")
        assert [text.split(" — ")[0] for text in flagged.locator("li").all_inner_texts()] == [
            "not a number",
            "inverted",
            "outside",
        ]

    def test_a_box_of_the_table_is_shown_large(self, pictures):
        page = pictures.open(focus())
        page.get_by_role("cell", name="dog").get_by_role("button").click()
        page.wait_for_url("**inspect=zoom**")
        box = page.locator("main .stage").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        middle = ((DOG[0] + DOG[2]) // 2, (DOG[1] + DOG[3]) // 2)
        expect(page.get_by_test_id("pixel")).to_contain_text(f"x {middle[0]} y {middle[1]}")
        expect(page.get_by_test_id("pixel")).to_contain_text("dog 0.30")


class TestDownload:
    def test_the_original_is_the_stored_file(self, pictures, picture_store):
        page = pictures.open(focus())
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Original").click()
        stored = filmstrip.open(picture_store).run("one").images("plain", 0)[0]
        assert waiting.value.suggested_filename == "one-plain-0-0.png"
        assert waiting.value.path().read_bytes() == stored.bytes()

    def test_what_is_seen_has_its_overlays(self, pictures):
        page = pictures.open(focus())
        with page.expect_download() as waiting:
            page.get_by_role("button", name="As seen").click()
        saved = np.asarray(Image.open(io.BytesIO(waiting.value.path().read_bytes())).convert("RGB"))
        factor = saved.shape[0] // HEIGHT
        assert saved.shape == (HEIGHT * factor, WIDTH * factor, 3)
        assert factor == 8
        bare = plain_pixels(0).repeat(factor, 0).repeat(factor, 1)
        differs = (saved != bare).any(2)
        assert differs[:, : WIDTH * factor // 2].mean() > 0.95  # the mask of the left half
        assert not differs[-8:, -8:].any()


def test_an_image_that_is_not_there_says_what_to_do(pictures):
    page = pictures.open(focus("none"), is_settled=False)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This image is not here")
    alert.get_by_role("button", name="Back to the grid").click()
    pictures.settle()


def test_all_images_of_a_step_are_gone_through_however_many(new_viewer, serve, tmp_path):
    with filmstrip.init(dir=tmp_path, id="many") as run:
        for step, count in enumerate([1300, 2]):
            images = [filmstrip.Image(np.full((3, 4), n / 1300)) for n in range(count)]
            run.log({"val": images}, step=step)
    viewer = new_viewer(serve(tmp_path).url)
    page = viewer.open(focus("val", 0, 999, run="many"))
    image = page.get_by_role("group", name="image", exact=True)
    for key, number in (
        ("ArrowDown", 1001), ("ArrowUp", 1000), ("ArrowUp", 999), ("ArrowDown", 1000),
    ):  # fmt: skip
        page.keyboard.press(key)
        expect(image).to_contain_text(f"{number}/1300")
        expect(image).to_contain_text(str(number - 1))
    viewer.open(focus("val", 0, 1299, run="many"))
    expect(image).to_contain_text("1300/1300")
    expect(image.get_by_role("button", name="Next image")).to_be_disabled()
    page.keyboard.press("ArrowRight")  # a step of fewer
    expect(image).to_contain_text("1/2")

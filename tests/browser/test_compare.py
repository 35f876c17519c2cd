"""Compare: any two images, in four ways, and how far they are from each other."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect
from tests.browser.picture_store import HEIGHT, WIDTH, pixel, plain_pixels, point_at

OFF = "&overlays=" + '{"areBoxesOn":false,"areMasksOn":false}'


def compare(mode: str = "side", other: str = "two/plain/0/0", more: str = "") -> str:
    return f"?view=compare&place=one/plain/0/0&other={other}{OFF}&inspect=mode:{mode}{more}"


def number(page, name: str) -> str:
    found = page.get_by_test_id(name)
    expect(found).to_be_visible()
    return found.inner_text()


def test_side_by_side_both_are_under_the_same_zoom(pictures):
    page = pictures.open(compare())
    a, b = (page.locator("main .stage canvas").nth(i) for i in range(2))
    assert pixel(page, (30, 20)) == plain_pixels(0)[20, 30].tolist()
    assert pixel(page, (30, 20), canvas=1) == plain_pixels(0, 10)[20, 30].tolist()
    point_at(page, (10, 10), stage=1)
    page.mouse.wheel(0, -800)
    page.wait_for_url("**zoom**")
    pictures.settle()
    middle = """canvas => [...canvas.getContext("2d")
      .getImageData(canvas.width / 3, canvas.height / 3, 1, 1).data].slice(0, 3)"""
    red_a, green_a, _ = a.evaluate(middle)
    red_b, green_b, _ = b.evaluate(middle)
    assert (red_b - red_a, green_b - green_a) == (10, 10)


def test_a_mark_shows_the_same_place_in_the_other_picture(pictures):
    page = pictures.open(compare())
    point_at(page, (30, 20))
    expect(page.locator(".mark")).to_have_count(1)
    red, green, blue = plain_pixels(0)[20, 30].tolist()
    expect(page.get_by_test_id("readout")).to_have_text(
        f"x 30, y 20: A {red}, {green}, {blue}, B {red + 10}, {green + 10}, {blue}"
    )


def test_the_wipe_shows_one_on_each_side_of_its_handle(pictures):
    page = pictures.open(compare("wipe", more=";split:0.5"))
    handle = page.get_by_role("slider", name="Where A ends and B begins")
    expect(handle).to_have_attribute("aria-valuenow", "50")

    def seen(x: int) -> list[int]:
        point_at(page, (x, 20))
        box = page.locator("main .stage canvas").first.bounding_box()
        scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
        left = box["x"] + (box["width"] - WIDTH * scale) / 2 + (x + 0.5) * scale
        top = box["y"] + (box["height"] - HEIGHT * scale) / 2 + 20.5 * scale
        shot = page.screenshot(clip={"x": left, "y": top, "width": 1, "height": 1})
        return np.asarray(_image(shot))[0, 0, :3].tolist()

    assert seen(16) == plain_pixels(0)[20, 16].tolist()
    assert seen(48) == plain_pixels(0, 10)[20, 48].tolist()
    box = handle.bounding_box()
    stage = page.locator("main .stage canvas").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] - 2, box["y"] + 30, steps=5)
    page.mouse.up()
    assert int(handle.get_attribute("aria-valuenow")) > 95
    assert seen(48) == plain_pixels(0)[20, 48].tolist()


def _image(png: bytes):
    import io

    from PIL import Image

    return Image.open(io.BytesIO(png)).convert("RGB")


def test_flicker_goes_from_one_to_the_other_and_holds(pictures):
    page = pictures.open(compare("flicker"))
    tag = page.locator("main").get_by_role("status")
    expect(tag).to_have_text("B")
    expect(tag).to_have_text("A")
    page.get_by_role("button", name="Pause").click()
    held = tag.inner_text()
    page.locator("body").click(position={"x": 5, "y": 5})
    page.keyboard.press(" ")
    expect(tag).to_have_text("B" if held == "A" else "A")


@pytest.mark.parametrize("gain", [1, 8])
def test_the_difference_is_shown_with_a_gain(pictures, gain):
    page = pictures.open(compare("difference", more=f";gain:{gain}"))
    expect(page.get_by_role("img", name="Absolute difference of A and B")).to_be_visible()
    assert pixel(page, (30, 20), canvas=1) == [10 * gain] * 3


def test_the_gain_is_doubled_and_halved_by_keys(pictures):
    page = pictures.open(compare("difference"))
    page.keyboard.press("]")
    page.keyboard.press("]")
    expect(page.get_by_text("|A − B| × 4")).to_be_visible()
    page.keyboard.press("[")
    expect(page.get_by_text("|A − B| × 2")).to_be_visible()


class TestNumbers:
    def test_mean_maximum_and_psnr_are_those_of_the_original_values(self, pictures):
        page = pictures.open(compare())
        a, b = plain_pixels(0).astype(float), plain_pixels(0, 10).astype(float)
        error = np.abs(a - b)
        assert float(number(page, "mean")) == pytest.approx(error.mean(), abs=5e-3)
        assert number(page, "max") == "10"
        psnr = 10 * np.log10(255**2 / (error**2).mean())
        assert number(page, "psnr") == f"{psnr:.2f} dB"

    def test_an_image_is_equal_to_itself(self, pictures):
        page = pictures.open(compare(other="one/plain/0/0"))
        assert (number(page, "mean"), number(page, "psnr")) == ("0", "∞ (equal)")

    def test_another_size_is_scaled_and_said(self, pictures):
        page = pictures.open(compare(other="two/plain/0/1"))
        expect(page.get_by_text("B, 32 × 24, is scaled to A, 64 × 48")).to_be_visible()
        small = plain_pixels(0)[::2, ::2].repeat(2, 0).repeat(2, 1).astype(float)
        expected = np.abs(plain_pixels(0) - small).mean()
        assert float(number(page, "mean")) == pytest.approx(expected, abs=5e-3)

    def test_files_that_browsers_do_not_decode_are_compared_by_the_server(self, pictures):
        page = pictures.open(compare("difference", other="one/tiff/0/0"))
        assert (number(page, "mean"), number(page, "max")) == ("0", "0")
        expect(page.get_by_text("Browsers cannot decode tiff files: A is shown.")).to_be_visible()


class TestChoosing:
    def test_run_key_step_and_sample_are_chosen_for_each_side(self, pictures):
        page = pictures.open(compare())
        b = page.get_by_role("group", name="Picture B")
        b.get_by_label("Run of B").select_option("run one")
        page.wait_for_url("**other=one/plain/0/0**")
        b.get_by_role("button", name="Next step").click()
        page.wait_for_url("**other=one/plain/10/0**")
        b.get_by_role("button", name="Next image").click()
        page.wait_for_url("**other=one/plain/10/1**")
        b.get_by_label("Key of B").select_option("wide")
        page.wait_for_url("**other=one/wide/10/0**")

    def test_keys_step_both_or_one(self, pictures):
        page = pictures.open(compare())
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**place=one/plain/10/0&other=two/plain/10/0**")
        pictures.settle()
        page.keyboard.press("Shift+ArrowRight")
        page.wait_for_url("**place=one/plain/10/0&other=two/plain/20/0**")
        pictures.settle()
        page.keyboard.press("x")
        page.wait_for_url("**place=two/plain/20/0&other=one/plain/10/0**")

    def test_without_a_second_picture_the_same_of_another_run_is_taken(self, pictures):
        page = pictures.open("?view=compare&place=one/plain/10/0")
        page.wait_for_url("**other=two/plain/10/0**")


def test_what_is_seen_is_saved(pictures):
    page = pictures.open(compare())
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download what is seen").click()
    saved = _image(waiting.value.path().read_bytes())
    stage = page.locator("main .side").bounding_box()
    assert saved.size == (round(stage["width"]), round(stage["height"]))
    colors = {color for _, color in saved.getcolors(1 << 24)}
    assert tuple(plain_pixels(0)[20, 30].tolist()) in colors
    assert tuple(plain_pixels(0, 10)[20, 30].tolist()) in colors

"""The filmstrip: one sample over all steps, with a number above it."""

from __future__ import annotations

from playwright.sync_api import expect


def current_step(page) -> str:
    return page.locator("[aria-current=step]").get_attribute("aria-label").split("step ")[1]


def test_one_image_stands_in_a_strip_over_all_steps(viewer):
    page = viewer.open("?view=filmstrip&keys=faces")
    strips = page.locator("ol[aria-label]")
    assert [strip.get_attribute("aria-label") for strip in strips.all()] == [
        "faces-voted: image 0 of faces",
        "faces-any-hit: image 0 of faces",
    ]
    page.keyboard.press("Home")
    viewer.settle()
    assert current_step(page) == "0, image 0"
    page.keyboard.press("ArrowRight")
    assert current_step(page) == "1, image 0"
    page.keyboard.press("End")
    assert current_step(page) == "9, image 0"


def test_the_loss_is_drawn_above_and_any_number_can_be(viewer):
    page = viewer.open("?view=filmstrip&keys=reconstruction")
    names = page.get_by_label("Drawn above")
    chart = page.locator("canvas[role=slider]")
    assert chart.get_attribute("aria-label") == f"{names.input_value()} over steps"
    names.select_option("psnr_db/coffee")
    expect(chart).to_have_attribute("aria-label", "psnr_db/coffee over steps")
    page.wait_for_function(
        """() => {
          const canvas = document.querySelector("canvas[role=slider]");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.some((value) => value > 0);
        }"""
    )


def test_a_click_on_the_chart_jumps(viewer):
    page = viewer.open("?view=filmstrip&keys=faces")
    box = page.locator("canvas[role=slider]").bounding_box()
    page.mouse.click(box["x"] + 52 + (box["width"] - 64) * 4 / 9, box["y"] + 60)
    viewer.settle()
    assert current_step(page) == "4, image 0"
    expect(page.locator("output")).to_contain_text("at step 4")


def test_a_click_in_the_strip_jumps_and_the_picture_opens_focus(viewer):
    page = viewer.open("?view=filmstrip&keys=faces")
    page.locator("ol li button").nth(2).click()
    viewer.settle()
    step = current_step(page)
    page.get_by_role("button", name="Open in Focus").click()
    page.wait_for_url("**view=focus**")
    assert f"/faces/{step.split(',')[0]}/0" in page.url


def test_another_image_of_the_key_is_followed(viewer):
    page = viewer.open("?view=filmstrip&keys=faces")
    page.get_by_label("Image", exact=False).first.fill("2")
    page.keyboard.press("Tab")
    viewer.settle()
    assert page.locator("ol").first.get_attribute("aria-label").endswith("image 2 of faces")
    expect(page.locator(".caption").first).to_contain_text("contact sheet")

"""Overlays: what is switched is switched in every panel at once, and kept."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.browser.picture_store import CAT, DOG, pixel, plain_pixels

from filmstrip.colors import color_of, rgb_from_hex

FOCUS = "?view=focus&place=one/plain/0/0"
ROAD = (4, 44)
"""A pixel of the class road in both masks, and in no box."""
ONLY_SEG = (28, 44)
"""Road in the one mask, background in the other."""
BARE = (60, 45)


def edge(box, share: float = 0.5) -> tuple[float, float]:
    """Return a place on the lower line of a box."""
    return (box[0] + share * (box[2] - box[0]), box[3] - 0.58)


def is_drawn(page, box, name: str) -> bool:
    """Return whether a line of the class's colour, which may be dashed, ends the box."""
    color = list(rgb_from_hex(color_of(name)))
    return color in [pixel(page, edge(box, share / 20)) for share in range(3, 17)]


def stored(place) -> list[int]:
    return plain_pixels(0)[place[1], place[0]].tolist()


@pytest.fixture
def page(pictures):
    page = pictures.open(FOCUS)
    assert is_drawn(page, DOG, "dog")
    assert pixel(page, ROAD) != stored(ROAD)
    assert pixel(page, BARE) == stored(BARE)
    return page


def switch(page, viewer, name: str, *, section: str | None = None) -> None:
    panel = (
        page.locator("details", has=page.get_by_role("heading", name=section)) if section else page
    )
    panel.get_by_label(name, exact=True).click()
    viewer.settle()
    page.evaluate("() => new Promise(requestAnimationFrame)")


def test_boxes_are_switched_off_and_on(page, pictures):
    switch(page, pictures, "Show boxes")
    assert not is_drawn(page, DOG, "dog")
    assert pixel(page, ROAD) != stored(ROAD)
    switch(page, pictures, "Show boxes")
    assert is_drawn(page, DOG, "dog")


def test_one_layer_is_switched_off(page, pictures):
    switch(page, pictures, "found", section="Boxes")
    assert not is_drawn(page, DOG, "dog")
    switch(page, pictures, "seg", section="Masks")
    assert pixel(page, ONLY_SEG) == stored(ONLY_SEG)
    assert pixel(page, ROAD) != stored(ROAD)


def test_masks_have_an_opacity(page, pictures):
    page.get_by_role("slider", name="Opacity").fill("1")
    pictures.settle()
    expect(page.get_by_text("100 %", exact=True)).to_be_visible()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert pixel(page, ROAD) == list(rgb_from_hex(color_of("road")))
    page.get_by_role("slider", name="Opacity").fill("0")
    expect(page.get_by_text("0 %", exact=True)).to_be_visible()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert pixel(page, ROAD) == stored(ROAD)


def test_lines_have_a_width_and_boxes_are_filled(page, pictures):
    inside = ((DOG[0] + DOG[2]) // 2, (DOG[1] + DOG[3]) // 2 + 4)
    assert pixel(page, inside) == stored(inside)
    page.get_by_label("Fill").check()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert pixel(page, inside) != stored(inside)
    page.get_by_role("slider", name="Line").fill("8")
    expect(page.get_by_text("8 px")).to_be_visible()


def test_a_threshold_hides_what_scores_less_but_not_what_has_no_score(page, pictures):
    page.get_by_role("slider", name="Least p").fill("0.95")
    expect(page.get_by_text("≥ 0.95")).to_be_visible()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert not is_drawn(page, DOG, "dog")
    assert is_drawn(page, CAT, "cat")


def test_a_class_is_searched_hidden_and_shown_alone(page, pictures):
    page.get_by_label("Search classes").fill("DO")
    names = page.locator(".classes li")
    expect(names).to_have_count(1)
    page.get_by_label("Search classes").fill("")
    expect(names).to_have_count(3)
    page.get_by_role("button", name="Show only cat").click()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert not is_drawn(page, DOG, "dog")
    assert pixel(page, ROAD) == stored(ROAD)
    page.get_by_role("button", name="Show only cat").click()
    page.get_by_role("checkbox", name="dog").uncheck()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert not is_drawn(page, DOG, "dog")
    assert is_drawn(page, CAT, "cat")


def test_only_what_two_masks_do_not_agree_on_is_drawn(page, pictures):
    masks = page.locator("details", has=page.get_by_role("heading", name="Masks"))
    masks.get_by_label("Only what differs between").check()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert pixel(page, ROAD) == stored(ROAD)
    assert pixel(page, ONLY_SEG) != stored(ONLY_SEG)


def test_only_boxes_without_a_counterpart_are_drawn(page, pictures):
    boxes = page.locator("details", has=page.get_by_role("heading", name="Boxes")).first
    boxes.get_by_label("Only what differs between").check()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert not is_drawn(page, CAT, "cat")
    assert is_drawn(page, DOG, "dog")


def test_a_colour_is_the_same_as_in_python_and_a_chosen_one_is_remembered(page, pictures):
    chooser = page.get_by_label("Colour of dog")
    expect(chooser).to_have_value(color_of("dog"))
    chooser.fill("#ff0000")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert pixel(page, edge(DOG)) == [255, 0, 0]
    page.wait_for_function("() => localStorage.getItem('filmstrip.overlays')?.includes('#ff0000')")
    page.goto(pictures.url + "?view=focus&place=one/plain/20/0")
    pictures.settle()
    assert pixel(page, edge(DOG)) == [255, 0, 0]


def test_all_panels_are_switched_at_once(pictures):
    page = pictures.open("?keys=plain&runs=one")
    counts = """() => [...document.querySelectorAll("[data-cell] canvas")].map((canvas) => {
      const { width, height } = canvas;
      const copy = new OffscreenCanvas(width, height)
        .getContext("2d", { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const data = copy.getImageData(0, 0, width, height).data;
      return data.reduce((sum, value, i) => sum + value * (i % 7), 0);
    })"""
    before = page.evaluate(counts)
    switch(page, pictures, "Show masks")
    switch(page, pictures, "Show boxes")
    after = page.evaluate(counts)
    assert len(before) == 2
    assert before[0] != after[0]
    assert before[1] == after[1]
    page.wait_for_url("**overlays=**")
    page.goto(page.url.replace("?", "?view=compare&place=one/plain/0/0&other=one/plain/10/0&"))
    pictures.settle()
    assert pixel(page, ROAD) == stored(ROAD)
    assert pixel(page, ROAD, canvas=1) == plain_pixels(10)[ROAD[1], ROAD[0]].tolist()


def test_everything_is_taken_back_at_once(page, pictures):
    switch(page, pictures, "Show boxes")
    page.get_by_role("button", name="Reset overlays").click()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert is_drawn(page, DOG, "dog")
    expect(page.get_by_role("button", name="Reset overlays")).to_be_hidden()

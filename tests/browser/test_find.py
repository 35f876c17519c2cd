"""Find: the query bar, its completion, and everything that is said of an image."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

import filmstrip


def found(page) -> str:
    return page.get_by_role("status").filter(has_text="found").inner_text()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "380 found in all runs"),
        ("key:faces", "80 found in all runs"),
        ("key:faces step:2..4 index:0", "6 found in all runs"),
        ("has:masks", "120 found in all runs"),
        ("chelsea -has:masks key:reconstruction", "60 found in all runs"),
    ],
)
def test_a_query_finds(viewer, query, text):
    page = viewer.open("?view=find")
    page.get_by_role("combobox", name="Query").fill(query)
    expect(page.get_by_role("status").filter(has_text="found")).to_have_text(re.compile(text))


def test_a_query_sorts(viewer):
    page = viewer.open("?view=find&query=key:faces+sort:-step")
    labels = [cell.get_attribute("aria-label") for cell in page.locator("[data-cell]").all()[:3]]
    assert all("step 9" in label for label in labels)


def test_the_bar_completes_from_the_keyboard(viewer):
    page = viewer.open("?view=find")
    bar = page.get_by_role("combobox", name="Query")
    bar.press_sequentially("key:fa")
    option = page.get_by_role("option").first
    expect(option).to_contain_text("key:faces")
    bar.press("ArrowDown")
    assert option.get_attribute("aria-selected") == "true"
    bar.press("Enter")
    expect(bar).to_have_value(re.compile("^key:faces ?$"))
    expect(page.get_by_role("status").filter(has_text="found")).to_contain_text("80 found")


def test_a_wrong_query_says_where_and_what_to_write(viewer):
    page = viewer.open("?view=find")
    page.get_by_role("combobox", name="Query").fill("step:soon")
    expect(page.get_by_role("alert")).to_contain_text("write step:10..200")
    assert page.locator("[data-cell]").count() > 0
    viewer.forgive()


def test_a_query_that_finds_nothing_says_what_to_do(viewer):
    page = viewer.open("?view=find")
    page.get_by_role("combobox", name="Query").fill("unicorn")
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()
    page.get_by_role("button", name="Show all images").click()
    expect(page.get_by_role("status").filter(has_text="found")).to_contain_text("380 found")


def test_a_query_whose_images_are_hard_to_find_goes_on_until_it_has_them(
    new_viewer, serve, tmp_path
):
    picture = filmstrip.Image(np.zeros((2, 2)), caption="hay")
    with filmstrip.init(dir=tmp_path, id="farm") as run:
        run.log({"val": filmstrip.Image(np.ones((2, 2)), caption="needle")}, step=0)
        for step in range(1, 101):
            run.log({"val": [picture] * 200}, step=step)
    viewer = new_viewer(serve(tmp_path).url)
    asked = []
    viewer.page.on("request", lambda request: asked.append(request.url))
    page = viewer.open("?view=find&query=-hay")
    expect(page.locator("[data-cell]")).to_have_attribute(
        "aria-label", re.compile("step 0, image 0")
    )
    expect(page.get_by_role("status").filter(has_text="found")).to_have_text(re.compile("^1 found"))
    assert sum("/api/images?" in url for url in asked) > 1


def test_caption_and_meta_are_shown_in_full_and_can_be_selected(viewer):
    page = viewer.open("?view=find&query=key:faces+step:9+index:0+run:faces-voted")
    page.locator("[data-cell]").first.click()
    details = page.get_by_label("Details of the chosen image")
    expect(details).to_contain_text("astronaut: 1 of 1 found")
    expect(details).to_contain_text("true_faces")
    expect(details).to_contain_text("mean_iou")
    caption = details.locator(".caption")
    assert caption.evaluate("element => element.scrollWidth <= element.clientWidth")
    caption.dblclick()
    assert page.evaluate("() => getSelection().toString().trim()") != ""


def test_the_chosen_image_is_in_the_address_and_opens_in_focus(viewer):
    page = viewer.open("?view=find&query=key:faces")
    page.locator("[data-cell]").nth(2).click()
    page.wait_for_url("**place=**")
    page.reload()
    details = page.get_by_label("Details of the chosen image")
    expect(details).to_be_visible()
    details.get_by_role("button", name="Open in Focus").click()
    page.wait_for_url("**view=focus**")


def test_more_is_loaded_as_it_is_scrolled_to(viewer):
    page = viewer.open("?view=find&cell=200")
    for _ in range(6):
        page.locator(".scroller").evaluate("element => element.scrollTo(0, element.scrollHeight)")
        viewer.settle()
        page.wait_for_timeout(100)
    page.wait_for_function(
        "() => { const e = document.querySelector('.scroller'); e.scrollTo(0, e.scrollHeight);"
        " return e.scrollHeight > 380 / 8 * 150; }"
    )

"""The grid: rows, cells, the one slider, counts."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

import filmstrip

LAST = 9


def cell_steps(page) -> list[str]:
    return page.locator("[data-place] .step").evaluate_all(
        "steps => steps.map(step => step.lastChild.textContent.trim())"
    )


def headers(page) -> list[str]:
    return [" ".join(text.split()) for text in page.locator("h2.header").all_inner_texts()]


def test_rows_are_runs_and_cells_say_their_step(viewer):
    page = viewer.open()
    assert headers(page)[0] == "faces-voted faces step 9 · 4 images Filmstrip"
    assert set(cell_steps(page)) == {str(LAST)}
    cell = page.locator("[data-cell]").first
    assert cell.get_attribute("aria-label").endswith("faces-voted, faces, step 9, image 0")


def test_rows_are_keys(viewer):
    page = viewer.open()
    page.get_by_role("radio", name="Keys").click()
    viewer.settle()
    assert headers(page)[0].startswith("faces faces-voted")
    page.wait_for_url("**rows=keys**")


def test_rows_are_groups_across_runs(viewer):
    page = viewer.open("?rows=groups&keys=reconstruction&cell=120")
    assert headers(page) == ["chelsea 6 images of 6 runs", "coffee 6 images of 6 runs"]
    texts = page.locator("[data-place] .caption").all_inner_texts()[:6]
    assert [text.split(" · ")[0] for text in texts] == ["reconstruct-fourier"] * 3 + [
        "reconstruct-baseline"
    ] * 3


def test_a_group_stands_in_one_row(viewer):
    page = viewer.open("?keys=reconstruction&cell=150")
    tops = {}
    for label in page.locator(".labels span").all():
        tops.setdefault(label.inner_text(), set()).add(label.bounding_box()["y"])
    assert set(tops) == {"chelsea", "coffee"}
    captions = page.locator("[data-place] .caption").all_inner_texts()[:6]
    assert [caption.split(":")[0] for caption in captions] == ["chelsea"] * 3 + ["coffee"] * 3


def test_one_slider_moves_every_key(viewer):
    page = viewer.open()
    slider = page.get_by_role("slider", name="Slider over step")
    slider.focus()
    slider.press("Home")
    viewer.settle()
    assert set(cell_steps(page)) == {"0"}
    slider.press("ArrowRight")
    viewer.settle()
    assert set(cell_steps(page)) == {"1"}
    assert slider.get_attribute("aria-valuetext") == "step 1"
    page.get_by_role("button", name="Newest, and stay there").click()
    viewer.settle()
    assert set(cell_steps(page)) == {str(LAST)}


def test_each_cell_shows_the_newest_image_at_or_before_the_slider(new_viewer, serve, tmp_path):
    with filmstrip.init(dir=tmp_path, id="often") as run:
        for step in range(6):
            run.log(
                {"x": filmstrip.Image(np.full((3, 4), step / 8), caption=f"often {step}")},
                step=step,
            )
    with filmstrip.init(dir=tmp_path, id="seldom") as run:
        for step in (0, 4):
            run.log(
                {"x": filmstrip.Image(np.full((3, 4), step / 8), caption=f"seldom {step}")},
                step=step,
            )
    url = serve(tmp_path).url
    viewer = new_viewer(url)
    page = viewer.open("?at=3")
    captions = page.locator("[data-place] .caption").all_inner_texts()
    assert sorted(captions) == ["often 3", "seldom 0"]
    assert page.locator(".earlier").count() == 1
    assert (
        page.get_by_role("slider", name="Slider over step").get_attribute("aria-valuetext")
        == "step 3"
    )


def test_a_slider_that_walks_is_fetched_ahead_and_nothing_is_asked_for_twice(
    new_viewer, serve, tmp_path
):
    with filmstrip.init(dir=tmp_path, id="walk") as run:
        for step in range(12):
            noise = np.random.default_rng(step).integers(0, 256, (4, 300, 300), np.uint8)
            run.log({"noise": [filmstrip.Image(pixels) for pixels in noise]}, step=step)
    viewer = new_viewer(serve(tmp_path).url)
    page = viewer.open("?at=0")
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url)))
    slider = page.get_by_role("slider", name="Slider over step")
    slider.focus()
    with page.expect_request(lambda request: "at=3" in urlsplit(request.url).query):
        slider.press("ArrowRight")  # it stands at 1
    for _ in range(8):
        slider.press("ArrowRight")
    viewer.settle()
    assert set(cell_steps(page)) == {"9"}
    queries = {name: [] for name in ("/api/latest", "/thumbnails/256")}
    for url in asked:
        if url.path in queries:
            queries[url.path].append(parse_qs(url.query))
    for values in (
        [query["at"][0] for query in queries["/api/latest"]],
        [digest for query in queries["/thumbnails/256"] for digest in query["digest"]],
    ):
        assert values
        assert len(values) == len(set(values))


@pytest.mark.parametrize("query", ["", "?at=1"])
def test_a_page_asks_once_for_what_it_shows(new_viewer, serve, tmp_path, query):
    for name in ("one", "two"):
        with filmstrip.init(dir=tmp_path, id=name) as run:
            for step in range(3):
                run.log({"x": filmstrip.Image(np.full((3, 4), step / 8))}, step=step)
    viewer = new_viewer(serve(tmp_path).url)
    asked = []
    viewer.page.on("request", lambda request: asked.append(urlsplit(request.url)))
    viewer.open(query)
    places = [parse_qs(url.query).get("at") for url in asked if url.path == "/api/latest"]
    assert places.count(parse_qs(query.lstrip("?")).get("at")) == 1


@pytest.mark.parametrize(
    ("axis", "text"),
    [("time", r"newest, .*\d\d:\d\d"), ("precision", r"newest, precision [\d.]+")],
)
def test_the_slider_runs_over_time_or_any_number(viewer, axis, text):
    page = viewer.open("?keys=faces")
    page.get_by_title("What the slider runs over").select_option(axis)
    viewer.settle()
    slider = page.get_by_role("slider", name=f"Slider over {axis}")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(f"^{text}$"))
    slider.press("Home")
    viewer.settle()
    assert page.locator("[data-place]").count() > 0


def test_marks_stand_where_images_exist(viewer):
    page = viewer.open()
    columns = page.locator("canvas.marks").evaluate(
        """canvas => {
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          return Array.from({ length: width }, (_, x) => x).filter((x) => data[4 * x + 3] > 0);
        }"""
    )
    marks = [x for i, x in enumerate(columns) if i == 0 or x - columns[i - 1] > 1]
    assert len(marks) == LAST + 1


def test_play_goes_through_all_steps_to_the_last(viewer):
    page = viewer.open("?at=0&keys=faces")
    page.get_by_title("Speed of play").select_option("20/s")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    viewer.settle()
    assert set(cell_steps(page)) == {str(LAST)}


def test_counts_say_logged_stored_and_shown(viewer):
    page = viewer.open()
    counts = page.get_by_label("Counts of images")
    expect(counts).to_have_text(re.compile(r"380 logged\s+380 stored\s+38 shown"))
    page.get_by_label("faces-voted", exact=False).first.uncheck()
    expect(counts).to_have_text(re.compile(r"340 logged\s+340 stored\s+34 shown"))


def test_runs_are_searched_switched_and_shown_alone(viewer):
    page = viewer.open()
    page.get_by_label("Search runs").fill("recon four")
    runs = (
        page.get_by_role("region", name="Runs").or_(page.locator("section", has_text="Runs")).first
    )
    assert runs.locator("li").count() == 1
    page.get_by_role("button", name="Show only reconstruct-fourier").click()
    viewer.settle()
    assert headers(page) == ["reconstruct-fourier reconstruction step 9 · 6 images Filmstrip"]
    page.get_by_role("button", name="Hide all runs").click()
    expect(page.get_by_text("No images in what is chosen")).to_be_visible()
    page.get_by_role("button", name="Show all", exact=True).click()
    viewer.settle()
    assert len(headers(page)) > 1


def test_a_cell_opens_focus_and_the_way_back_is_the_same_grid(viewer):
    page = viewer.open("?at=4&keys=faces")
    page.locator("[data-cell]").nth(1).click()
    page.wait_for_url("**view=focus**")
    assert "place=" in page.url
    page.go_back()
    viewer.settle()
    assert set(cell_steps(page)) == {"4"}


def test_the_way_back_leads_to_where_the_grid_was_scrolled_to(viewer):
    page = viewer.open()
    scroller = page.locator(".scroller")
    scroller.evaluate("element => element.scrollTo(0, 700)")
    page.wait_for_function(
        "() => document.querySelector('.entry').style.transform !== 'translateY(0px)'"
    )
    viewer.settle()
    page.locator("[data-cell]").last.click()
    page.wait_for_url("**view=focus**")
    page.go_back()
    page.wait_for_function("() => document.querySelector('.scroller')?.scrollTop > 500")


def test_only_what_is_in_sight_is_in_the_page(new_viewer, serve, tmp_path):
    with filmstrip.init(dir=tmp_path, id="many") as run:
        for key in range(20):
            images = [filmstrip.Image(np.full((3, 4), n / 100)) for n in range(100)]
            run.log({f"key {key:02}": images}, step=0)
    viewer = new_viewer(serve(tmp_path).url)
    page = viewer.open("?cell=100")
    assert page.locator("[data-cell]").count() < 400
    expect(page.get_by_label("Counts of images")).to_contain_text("2,000 shown")
    page.locator(".scroller").evaluate("element => element.scrollTo(0, element.scrollHeight)")
    last = page.locator("[data-cell]").last
    expect(last).to_have_attribute("aria-label", "many, key 19, step 0, image 99")
    viewer.settle()
    assert page.locator("[data-cell]").count() < 400


def test_no_step_has_too_many_images_to_be_shown(new_viewer, serve, tmp_path):
    with filmstrip.init(dir=tmp_path, id="many") as run:
        run.log({"val": [filmstrip.Image(np.full((3, 4), n / 1300)) for n in range(1300)]}, step=0)
        run.log({"val": filmstrip.Image(np.ones((3, 4)))}, step=1)
    viewer = new_viewer(serve(tmp_path).url)
    page = viewer.open("?cell=100&at=0")
    expect(page.get_by_label("Counts of images")).to_contain_text("1,300 shown")
    page.wait_for_function(
        """() => {
          document.querySelector(".scroller").scrollTo(0, 1e6);
          const last = [...document.querySelectorAll("[data-cell]")].at(-1);
          return last?.getAttribute("aria-label") === "many, val, step 0, image 1299";
        }"""
    )
    viewer.settle()
    page.locator("[data-cell]").last.click()
    expect(page.get_by_role("group", name="image", exact=True)).to_contain_text("1300/1300")
    viewer.open("?cell=100&at=0&rows=groups")
    expect(page.get_by_label("Counts of images")).to_contain_text("1,300 shown")

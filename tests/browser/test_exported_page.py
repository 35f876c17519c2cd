"""The page that `filmstrip export --format html` writes, opened from disk."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.browser.picture_store import HOSTILE, pixel, plain_pixels, point_at, wide_pixels

import filmstrip
from filmstrip.export import export_run


@pytest.fixture(scope="session")
def exported(picture_store, tmp_path_factory):
    target = tmp_path_factory.mktemp("exported") / "run.html"
    export_run(filmstrip.open(picture_store).run("one"), target, format="html")
    return target


@pytest.fixture
def page(new_viewer, exported):
    """Nothing but the file itself may be asked for."""
    page = new_viewer(exported.as_uri()).page
    page.goto(exported.as_uri())
    expect(page.locator("main canvas").first).to_have_attribute("data-painted", re.compile(".+"))
    return page


def settled(page) -> None:
    page.wait_for_function(
        "() => [...document.querySelectorAll('main canvas[data-painted]')]"
        ".every((canvas) => canvas.dataset.painted !== '')"
    )
    page.evaluate("() => new Promise(requestAnimationFrame)")


def open_image(page, index: int = 0) -> None:
    page.get_by_role("region", name="plain").locator("button.open").nth(index).click()
    settled(page)


def test_it_shows_the_newest_images_of_every_key(page):
    assert page.title() == "run one · filmstrip"
    expect(page.get_by_role("heading", name="plain")).to_contain_text("step 20")
    expect(page.get_by_role("heading", name="squares")).to_contain_text("step 0")
    expect(page.locator("main canvas")).to_have_count(5)


def test_one_slider_moves_all_keys(page):
    slider = page.get_by_role("slider", name="Step", exact=True)
    slider.press("Home")
    expect(page.get_by_test_id("step")).to_have_text("step 0")
    expect(page.get_by_role("heading", name="wide")).to_contain_text("step 0")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", name="wide")).to_contain_text("step 10")


def test_an_image_is_looked_into_down_to_its_original_values(page):
    page.get_by_role("region", name="wide").locator("button.open").click()
    settled(page)
    point_at(page, (13, 7), image=(40, 30))
    value = int(wide_pixels(20)[7, 13])
    expect(page.get_by_test_id("pixel-value")).to_have_text(f"{value} uint16")


def test_a_file_that_browsers_do_not_decode_is_shown_as_well(page):
    page.get_by_role("region", name="tiff").locator("button.open").click()
    settled(page)
    assert pixel(page, (20, 30)) == plain_pixels(0)[30, 20].tolist()


def test_overlays_are_switched(page):
    open_image(page)
    assert pixel(page, (4, 44)) != plain_pixels(20)[44, 4].tolist()
    page.get_by_label("Show masks").uncheck()
    settled(page)
    assert pixel(page, (4, 44)) == plain_pixels(20)[44, 4].tolist()


def test_two_images_are_compared(page):
    for index in range(2):
        row = page.get_by_role("region", name="plain").locator("li").nth(index)
        row.hover()
        row.get_by_role("button", name="Pick to compare").click()
    expect(page.get_by_test_id("max")).to_have_text(
        str(int(abs(255 - 2 * plain_pixels(20).astype(int)).max()))
    )
    page.get_by_role("button", name="Difference").click()
    expect(page.get_by_role("img", name="Absolute difference of A and B")).to_be_visible()


def test_captions_and_keys_are_text(page):
    open_image(page)
    about = page.get_by_role("complementary", name="About this image")
    expect(about.locator(".caption")).to_have_text(f"{HOSTILE} 20")
    assert page.evaluate("() => window.broken") is None


def test_no_script_runs_but_its_own(new_viewer, exported):
    viewer = new_viewer(exported.as_uri())
    viewer.is_forgiven = True  # the browser says that it stopped the script
    page = viewer.page
    page.goto(exported.as_uri())
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.broken = 2";
          document.body.append(script);
        }"""
    )
    assert page.evaluate("() => window.broken") is None
    assert any("Executing inline script" in complaint for complaint in viewer.complaints)


@pytest.mark.parametrize(
    "text", ["</script><script>window.broken=1</script>", "<!--<script>", "\u2028"]
)
def test_no_text_can_end_the_element_that_it_stands_in(new_viewer, tmp_path, text):
    with filmstrip.init(dir=tmp_path / "store", id="r1", name=text, project=text) as run:
        run.log(
            {text: filmstrip.Image(plain_pixels(0), caption=text, meta={text: text}), text * 2: 1}
        )
    target = tmp_path / "page.html"
    export_run(filmstrip.open(tmp_path / "store").run("r1"), target, format="html")
    page = new_viewer(target.as_uri()).page
    page.goto(target.as_uri())
    expect(page.locator("main canvas")).to_have_attribute("data-painted", re.compile(".+"))
    assert page.evaluate("() => window.broken") is None
    page.locator("button.open").click()
    about = page.get_by_role("complementary", name="About this image")
    assert about.locator(".caption").evaluate("element => element.textContent") == text


def test_baked_overlays_are_part_of_the_picture(new_viewer, picture_store, tmp_path):
    target = tmp_path / "baked.html"
    run = filmstrip.open(picture_store).run("one")
    export_run(run, target, format="html", keys=["plain"], overlays=True)
    page = new_viewer(target.as_uri()).page
    page.goto(target.as_uri())
    open_image(page)
    assert pixel(page, (4, 44)) != plain_pixels(20)[44, 4].tolist()
    expect(page.get_by_role("button", name="Layers")).to_be_hidden()

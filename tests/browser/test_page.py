"""The page around the views: themes, keys, narrow screens, address, live updates, bad stores."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import filmstrip

VIEWS = {
    "grid": "",
    "filmstrip": "?view=filmstrip&keys=segments",
    "find": "?view=find&query=key:faces&place={run}/faces/9/0",
    "focus": "?view=focus&place={run}/faces/9/0",
    "compare": "?view=compare&place={run}/faces/9/0&other={run}/faces/0/0",
}
each_view = pytest.mark.parametrize("view", VIEWS)
each_scheme = pytest.mark.parametrize("scheme", ["light", "dark"])
each_width = pytest.mark.parametrize("width", [1440, 400])


def address(view: str, store: Path) -> str:
    run = next(run.id for run in filmstrip.open(store).runs() if run.info.name == "faces-voted")
    return VIEWS[view].format(run=run)


@each_view
@each_scheme
@each_width
def test_every_view_fits_in_both_themes(
    new_viewer, server, demo_store, screenshots_dir, view, scheme, width
):
    viewer = new_viewer(server, width=width, height=900 if width > 400 else 800, scheme=scheme)
    page = viewer.open(address(view, demo_store))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    page.locator(".path bdi").evaluate_all(
        "paths => paths.forEach(p => (p.textContent = '.filmstrip'))"
    )
    taken = Image.open(io.BytesIO(page.screenshot()))
    assert taken.width == width
    assert len(set(taken.convert("L").resize((64, 64)).tobytes())) > 16  # it shows something
    taken.save(screenshots_dir / f"{view}-{scheme}-{width}.webp", quality=70, method=6)


@each_view
def test_everything_that_can_be_pressed_has_a_name(new_viewer, server, demo_store, view):
    viewer = new_viewer(server, width=1440)
    page = viewer.open(address(view, demo_store))
    nameless = page.evaluate(
        """() => {
          const named = (element) => element.getAttribute("aria-label")?.trim()
            || element.getAttribute("aria-labelledby") || element.labels?.length
            || element.textContent.trim() || element.title;
          const kinds = "button, a, input, select, [role=slider], [role=img]";
          return [...document.querySelectorAll(kinds)]
            .filter((element) => element.checkVisibility() && !named(element))
            .filter((element) => !element.closest("[aria-label]:not([aria-label=''])"))
            .map((element) => element.outerHTML.slice(0, 120));
        }"""
    )
    assert nameless == []


@each_scheme
def test_text_stands_out_from_what_is_behind_it(new_viewer, server, scheme):
    page = new_viewer(server, scheme=scheme).open()
    ratios = page.evaluate(
        """() => {
          const probe = document.body.appendChild(document.createElement("i"));
          const rgb = (name) => {
            probe.style.color = `var(${name})`;
            const canvas = new OffscreenCanvas(1, 1).getContext("2d");
            canvas.fillStyle = getComputedStyle(probe).color;
            canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
          };
          const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          const light = (name) => rgb(name)
            .map((v) => linear(v / 255))
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const ratio = (a, b) => {
            const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
            return (high + 0.05) / (low + 0.05);
          };
          const pairs = ["--text", "--muted", "--accent", "--good", "--warn", "--bad"]
            .flatMap((ink) => ["--bg", "--panel", "--raised"].map((paper) => [ink, paper]));
          pairs.push(["--warn", "--warn-soft"], ["--bad", "--bad-soft"], ["--muted", "--sunken"],
            ["--accent-ink", "--accent"], ["--accent", "--accent-soft"]);
          return Object.fromEntries(pairs.map(([a, b]) => [`${a} on ${b}`, ratio(a, b)]));
        }"""
    )
    assert {name: round(ratio, 2) for name, ratio in ratios.items() if ratio < 4.5} == {}


def test_the_theme_is_switched_and_remembered(viewer):
    page = viewer.open()

    def background() -> str:
        return page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")

    light = background()
    page.keyboard.press("t")
    assert background() == light
    page.keyboard.press("t")
    dark = background()
    assert dark != light
    page.reload()
    viewer.settle()
    assert background() == dark


def test_a_sheet_lists_the_keys(viewer):
    page = viewer.open()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    for text in ("play or pause", "pick the image to compare", "light, dark, as the system"):
        expect(sheet).to_contain_text(text)
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_the_grid_is_used_from_the_keyboard_alone(viewer):
    page = viewer.open("?keys=faces")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    first_row = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert first_row.endswith("faces-voted, faces, step 9, image 1")
    page.keyboard.press("ArrowDown")
    below = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert below.endswith("faces-any-hit, faces, step 9, image 1")
    page.keyboard.press(",")
    viewer.settle()
    page.keyboard.press("f")
    page.wait_for_url("**view=filmstrip**")
    page.keyboard.press("/")
    page.wait_for_url("**view=find**")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    viewer.settle()


def test_two_picked_images_open_compare(viewer):
    page = viewer.open("?keys=faces")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("c")
    expect(page.get_by_text("One image picked")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("c")
    page.wait_for_url("**view=compare**")
    assert "place=" in page.url
    assert "other=" in page.url


def test_the_address_holds_the_whole_state(viewer, new_viewer, server):
    page = viewer.open()
    page.get_by_role("radio", name="Keys").click()
    page.get_by_role("button", name="Show only segments", exact=True).click()
    page.get_by_role("slider", name="Slider over step").press("Home")
    page.keyboard.press("+")
    page.wait_for_url("**cell=**")
    viewer.settle()
    other = new_viewer(server)
    copied = other.open(page.url.removeprefix(server))
    assert copied.locator("[data-cell]").evaluate_all(
        "cells => cells.map(cell => cell.getAttribute('aria-label'))"
    ) == page.locator("[data-cell]").evaluate_all(
        "cells => cells.map(cell => cell.getAttribute('aria-label'))"
    )


def test_on_a_narrow_screen_all_figures_of_a_comparison_are_in_sight(new_viewer, server):
    viewer = new_viewer(server, width=400)
    page = viewer.open("?rows=groups&keys=faces")
    one, other = (page.locator("[data-place]").nth(i).get_attribute("data-place") for i in (0, 1))
    viewer.open(f"?view=compare&place={one}&other={other}&inspect=mode:difference")
    expect(page.get_by_test_id("psnr")).to_be_in_viewport(ratio=1)
    expect(page.get_by_label("Gain")).to_be_in_viewport(ratio=1)


def test_no_score_of_the_table_of_boxes_is_cut(new_viewer, server):
    viewer = new_viewer(server, width=1440, height=900)
    page = viewer.open("?keys=faces")
    place = page.locator("[data-place]").first.get_attribute("data-place")
    viewer.open(f"?view=focus&place={place}")
    table = page.get_by_role("table")
    assert table.locator("th").count() == 4
    assert table.evaluate("table => table.scrollWidth <= table.parentElement.clientWidth")


def test_on_a_narrow_screen_the_panel_opens_over_the_grid(new_viewer, server):
    viewer = new_viewer(server, width=400)
    page = viewer.open()
    expect(page.get_by_role("heading", name="Runs")).to_be_hidden()
    page.get_by_role("button", name="Runs, keys and layers").click()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    page.get_by_role("button", name="Close the panel").click(position={"x": 380, "y": 400})
    expect(page.get_by_role("heading", name="Runs")).to_be_hidden()


def test_a_new_image_shows_in_the_open_page(new_viewer, serve, tmp_path):
    run = filmstrip.init(dir=tmp_path, id="live")
    run.log({"x": filmstrip.Image(np.full((3, 4), 0.1), caption="first")}, step=0)
    run.finish()
    url = serve(tmp_path).url
    viewer = new_viewer(url)
    page = viewer.open()
    run = filmstrip.init(dir=tmp_path, id="live", resume="must")
    run.log({"x": filmstrip.Image(np.full((3, 4), 0.2), caption="second")}, step=1)
    expect(page.locator("[data-place] .caption")).to_have_text("second")
    run.log({"y": filmstrip.Image(np.full((3, 4), 0.3), caption="of a new key")}, step=2)
    expect(page.locator("[data-place] .caption").last).to_have_text("of a new key")
    run.finish()
    expect(page.get_by_label("Counts of images")).to_contain_text("3 stored")


def test_an_empty_store_says_what_to_do(new_viewer, serve, tmp_path):
    filmstrip.init(dir=tmp_path, id="bare").finish()
    url = serve(tmp_path).url
    page = new_viewer(url).open(is_settled=False)
    expect(page.get_by_role("heading", name="No images were logged yet")).to_be_visible()
    expect(page.get_by_text("filmstrip demo")).to_be_visible()


def test_a_server_that_ends_is_said_and_what_was_shown_stays(new_viewer, serve, tmp_path):
    with filmstrip.init(dir=tmp_path, id="one") as run:
        run.log({"x": filmstrip.Image(np.full((3, 4), 0.1), caption="kept")}, step=0)
    server = serve(tmp_path)
    viewer = new_viewer(server.url)
    page = viewer.open()
    server.stop()
    expect(page.get_by_text("The server does not answer")).to_be_visible()
    expect(page.get_by_text("not connected")).to_be_visible()
    expect(page.locator("[data-place] .caption")).to_have_text("kept")
    viewer.forgive()


def test_a_store_that_is_deleted_under_the_page_is_said(new_viewer, serve, tmp_path):
    store = tmp_path / "store"
    with filmstrip.init(dir=store, id="one") as run:
        run.log({"x": filmstrip.Image(np.full((3, 4), 0.1))}, step=0)
    url = serve(store).url
    viewer = new_viewer(url)
    page = viewer.open()
    shutil.rmtree(store / "runs")
    expect(page.locator(".notices p, .message").first).to_be_visible()
    viewer.forgive()


NASTY = [
    '<img src=x onerror="document.title=1">',
    "\u202eesrever",
    "{{7*7}}",
    "line\nbreak",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", NASTY, ids=["markup", "bidi", "braces", "lines", "long"])
def test_captions_and_keys_are_text(new_viewer, serve, tmp_path, text):
    with filmstrip.init(dir=tmp_path, id="one", name=text[:200]) as run:
        run.log(
            {
                text[:300]: filmstrip.Image(
                    np.full((3, 4), 0.1), caption=text, meta={text[:99]: text}
                )
            },
            step=0,
        )
    url = serve(tmp_path).url
    page = new_viewer(url).open()
    shown = page.locator("[data-place] .caption bdi").evaluate("element => element.textContent")
    assert shown == text
    assert page.locator("main img").count() == 0
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1280
    assert page.title() == "grid · filmstrip"

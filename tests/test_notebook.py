"""Notebooks: what a cell shows is the picture with its overlays, and every text in it is text."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import PIL.Image
import pytest

import filmstrip
from filmstrip.draw import draw_overlays
from filmstrip.notebook import ViewerFrame

HOSTILE = '<script>alert(1)</script>" onload="alert(2)\u202e</figure>'


def overlaid(caption: str | None = None, name: str = "cat", side: int = 64) -> filmstrip.Image:
    ids = np.zeros((side, side), np.uint8)
    ids[side // 4 : side // 2] = 1
    boxes = filmstrip.BoundingBoxes2D.from_arrays(
        [[2, 2, 30, 30]], class_id=[3], class_labels={3: "dog"}
    )
    return filmstrip.Image(
        np.full((side, side, 3), 90, np.uint8),
        caption=caption,
        boxes={"found": boxes},
        masks={"truth": {"mask_data": ids, "class_labels": {0: "background", 1: name}}},
    )


@pytest.fixture
def run(tmp_path) -> filmstrip.StoredRun:
    with filmstrip.init(dir=tmp_path, id="r1", name="first <b>", project="p&q") as logging:
        for step in range(3):
            logging.log({"val": [overlaid(f"at {step}"), overlaid()], "<key>": overlaid()}, step)
    return filmstrip.open(tmp_path).run("r1")


class _Elements(HTMLParser):
    """Every element and attribute of a page, as a browser would find them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs


def pixels(png: bytes) -> np.ndarray:
    with PIL.Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.mark.parametrize("kind", ["given", "logged"])
def test_the_png_is_the_picture_with_its_overlays(run, kind):
    image = overlaid() if kind == "given" else run.images("val")[0]
    assert np.array_equal(pixels(image._repr_png_()), np.asarray(draw_overlays(image)))


def test_the_png_of_a_large_picture_is_reduced():
    image = filmstrip.Image(np.zeros((10, 5000), np.uint8))
    assert pixels(image._repr_png_()).shape == (4, 2048, 3)


def test_the_html_holds_the_picture_the_caption_and_the_classes():
    page = overlaid("a caption")._repr_html_()
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert np.array_equal(
        pixels(base64.b64decode(data)), np.asarray(draw_overlays(overlaid("a caption")))
    )
    assert "<div>a caption</div>" in page
    assert re.findall(r"inline-block\">([^<]+)<", page) == ["cat", "dog"]
    assert "64 × 64 RGB, png" in page


def test_a_small_picture_is_shown_in_whole_squares():
    page = filmstrip.Image(np.eye(8))._repr_html_()
    assert 'width="160" height="160"' in page
    assert "image-rendering:pixelated" in page


def test_a_logged_picture_says_where_it_was_logged(run):
    assert "val, step 2, 64 × 64 RGB, png" in run.images("val", 2)[0]._repr_html_()


def test_captions_and_class_names_are_text():
    elements = _Elements(overlaid(HOSTILE, name=HOSTILE)._repr_html_())
    assert set(elements.names) <= {"figure", "figcaption", "div", "img", "span"}
    assert not [name for name, _ in elements.attributes if name.startswith("on")]


def test_a_damaged_picture_says_so_instead_of_failing(run):
    (shard,) = run.dir.glob("*.tar")
    shard.write_bytes(shard.read_bytes().replace(b"IDAT", b"idat"))
    page = filmstrip.open(run.dir.parent.parent).run("r1").images("val")[0]._repr_html_()
    assert "expected the bytes that were logged" in page
    assert "<img" not in page


class TestRuns:
    def test_a_run_shows_the_newest_pictures_of_each_key(self, run):
        page = run._repr_html_()
        assert page.count("<img") == 3
        assert "step 2, the newest of 3" in page
        assert 'alt="at 2"' in page

    def test_names_keys_and_captions_are_text(self, tmp_path):
        with filmstrip.init(dir=tmp_path, id="r2", name=HOSTILE, project=HOSTILE) as logging:
            logging.log({HOSTILE: overlaid(HOSTILE)})
        elements = _Elements(filmstrip.open(tmp_path).run("r2")._repr_html_())
        assert set(elements.names) <= {"div", "b", "span", "img"}
        assert not [name for name, _ in elements.attributes if name.startswith("on")]

    def test_many_keys_and_pictures_are_counted_not_drawn(self, tmp_path):
        with filmstrip.init(dir=tmp_path, id="r2") as logging:
            logging.log({f"k{i:02}": overlaid() for i in range(15)})
            logging.log({"many": [overlaid() for _ in range(9)]})
        page = filmstrip.open(tmp_path).run("r2")._repr_html_()
        assert "and 4 more keys" in page
        assert page.count("<img") == 12

    def test_a_run_without_images_says_so(self, tmp_path):
        with filmstrip.init(dir=tmp_path, id="r2") as logging:
            logging.log({"loss": 1.0})
            assert "No images yet." in logging._repr_html_()

    def test_a_run_that_stores_nothing_shows_what_it_is(self, tmp_path):
        with filmstrip.init(dir=tmp_path, id="r2", mode="disabled") as logging:
            assert "Run" in logging._repr_html_()
        assert list(tmp_path.iterdir()) == []


class _Served:
    url = "http://127.0.0.1:1/"
    closed = 0

    def close(self) -> None:
        self.closed += 1


class TestFrame:
    def test_is_a_frame_on_the_page_and_a_link_to_it(self):
        page = ViewerFrame(_Served(), "?runs=a%22b", 500)._repr_html_()
        elements = _Elements(page)
        assert elements.names == ["iframe", "div", "a"]
        assert page.count('"http://127.0.0.1:1/?runs=a%22b"') == 2
        assert ("height", "500") in elements.attributes

    def test_closes_what_serves_it(self):
        served = _Served()
        ViewerFrame(served, "", 500).close()
        assert served.closed == 1


def test_showing_nothing_loads_no_pixels_and_no_server():
    script = (
        "import filmstrip, sys; filmstrip.StoredRun; filmstrip.Run; import filmstrip.notebook; "
        "print([n for n in ('PIL', 'sqlalchemy', 'starlette', 'filmstrip.server', "
        "'filmstrip.viewer_process') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

"""The page itself: what is served beside the API."""

from __future__ import annotations

import pytest

import filmstrip
from filmstrip.server import app


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A viewer of two files."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "assets/index-abc.js").write_text("1")
    (tmp_path / "secret").write_text("s")
    monkeypatch.setattr(app, "STATIC_DIR", folder)
    return folder


@pytest.fixture
def page(tmp_path, built, serve):
    filmstrip.init(dir=tmp_path / "store", id="a").finish()
    with serve(tmp_path / "store") as served:
        yield served.client


def test_the_page_is_asked_for_anew_and_its_assets_are_kept(page):
    index, script = page.get("/"), page.get("/assets/index-abc.js")
    assert (index.status_code, index.text) == (200, "<!doctype html>")
    assert index.headers["content-type"].startswith("text/html")
    assert index.headers["cache-control"] == "no-cache"
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = page.get("/", headers={"if-none-match": index.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")


@pytest.mark.parametrize("path", ["/assets/none.js", "/../secret", "/assets/..%2f..%2fsecret"])
def test_there_is_nothing_else(page, path):
    answer = page.get(path)
    assert (answer.status_code, answer.json()) == (
        404,
        {"error": "there is nothing at this address"},
    )


def test_a_viewer_that_is_not_built_says_how(tmp_path, serve, monkeypatch):
    monkeypatch.setattr(app, "STATIC_DIR", tmp_path / "none")
    filmstrip.init(dir=tmp_path / "store", id="a").finish()
    with serve(tmp_path / "store") as served:
        answer = served.client.get("/")
    assert (answer.status_code, answer.json()) == (
        404, {"error": "the viewer is not built; `make viewer` builds it"}
    )  # fmt: skip

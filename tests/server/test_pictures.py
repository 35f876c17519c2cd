"""Stored bytes over a real socket: whole, in part, not at all; and what becomes of lost ones."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import filmstrip
from filmstrip.server.pictures import Pictures


@pytest.fixture(scope="module")
def picture(served):
    """Address and bytes of a stored picture."""
    logged = served.store.run("a").images("gray")[0]
    return f"/picture/{logged.digest}", logged.bytes()


def test_a_picture_is_the_stored_file_and_never_changes(served, picture):
    url, data = picture
    answer = served.client.get(url)
    assert (answer.status_code, answer.content) == (200, data)
    headers = answer.headers
    assert headers["content-type"] == "image/png"
    assert headers["etag"] == f'"{url.removeprefix("/picture/")}"'
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-length"] == str(len(data))


def test_a_mask_is_stored_bytes_like_a_picture(served):
    item = served.client.get("/api/latest", params={"run": "a", "key": "val/ü <b>"}).json()[0]
    digest = item["mask_digests"]["truth"]
    ids = served.store.run("a").images("val/ü <b>")[0].masks["truth"].array
    answer = served.client.get(f"/picture/{digest}")
    assert answer.headers["content-type"] == "image/png"
    assert ids.shape == (2, 2)
    assert answer.content.startswith(b"\x89PNG")


def test_head_says_the_same_and_sends_no_bytes(served, picture):
    url, _ = picture
    whole, head = served.client.get(url), served.client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers


def test_a_browser_that_has_it_gets_no_bytes(served, picture):
    url, _ = picture
    etag = served.client.get(url).headers["etag"]
    answer = served.client.get(url, headers={"if-none-match": etag})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)


@given(st.integers(0, 400), st.one_of(st.none(), st.integers(0, 400)))
@settings(max_examples=60)
def test_any_range_is_the_slice_that_python_makes(served, picture, first, last):
    url, data = picture
    header = f"bytes={first}-{'' if last is None else last}"
    answer = served.client.get(url, headers={"range": header})
    if answer.status_code == 206:
        assert answer.content == data[first : None if last is None else last + 1]
        end = first + len(answer.content) - 1
        assert answer.headers["content-range"] == f"bytes {first}-{end}/{len(data)}"
    elif answer.status_code == 416:
        assert first >= len(data)
        assert answer.headers["content-range"] == f"bytes */{len(data)}"
        assert answer.json() == {"error": f"expected a range inside of {len(data)} bytes"}
    else:
        assert (answer.status_code, answer.content) == (200, data)
        assert last is not None
        assert last < first


@given(st.integers(1, 300))
@settings(max_examples=20)
def test_the_last_bytes_are_a_range_too(served, picture, length):
    url, data = picture
    answer = served.client.get(url, headers={"range": f"bytes=-{length}"})
    assert (answer.status_code, answer.content) == (206, data[-length:])


def test_a_large_picture_comes_in_pieces_and_whole(tmp_path, serve):
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), np.uint8)
    with filmstrip.init(dir=tmp_path, id="a") as run:
        run.log({"noise": filmstrip.Image(noise)})
    logged = filmstrip.open(tmp_path).run("a").images("noise")[0]
    data = logged.bytes()
    assert len(data) > 4 * 2**20
    with serve(tmp_path) as served:
        url = f"/picture/{logged.digest}"
        assert served.client.get(url).content == data
        middle = served.client.get(url, headers={"range": "bytes=1000-3999999"})
        assert middle.content == data[1000:4_000_000]
        with served.client.stream("GET", url) as answer:  # and hang up in the middle
            next(answer.iter_raw(1000))
        assert served.client.get("/api/store").status_code == 200


@pytest.mark.parametrize("format", ["tiff", "gif"])
def test_what_no_browser_shows_safely_is_a_download(tmp_path, serve, format):
    import PIL.Image

    PIL.Image.new("L", (4, 4)).save(tmp_path / f"x.{format}")
    with filmstrip.init(dir=tmp_path / "store", id="a") as run:
        run.log({"x": filmstrip.Image(str(tmp_path / f"x.{format}"))})
    with serve(tmp_path / "store") as served:
        digest = served.digest("a", "x")
        headers = served.client.get(f"/picture/{digest}").headers
    if format == "tiff":
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"] == f'attachment; filename="{digest[:16]}.tiff"'
    else:
        assert headers["content-type"] == "image/gif"
        assert "content-disposition" not in headers


class TestLostBytes:
    @pytest.fixture
    def live(self, tmp_path, serve):
        with filmstrip.init(dir=tmp_path / "store", id="a") as run:
            run.log({"x": [filmstrip.Image(np.full((9, 9), v, np.uint8)) for v in range(3)]})
        with serve(tmp_path / "store") as served:
            yield served

    def get(self, served, digest, path="/picture/{}"):
        return served.client.get(path.format(digest))

    def test_a_picture_of_a_deleted_run_is_gone_and_then_unknown(self, live):
        digest = live.digest("a", "x")
        assert self.get(live, digest).status_code == 200
        live.store.remove("a")
        gone, unknown = self.get(live, digest), self.get(live, digest)
        assert (gone.status_code, unknown.status_code) == (410, 404)
        assert gone.json() == {
            "error": "the shard of this picture is gone: No such file or directory"
        }
        assert unknown.json() == {"error": f"nothing in this store has the digest {digest}"}

    def test_a_deleted_store_is_said_and_survived(self, live):
        digest = live.digest("a", "x")
        shutil.rmtree(live.service.store_dir)
        live.service.watcher.look()
        for path in ("/picture/{}", "/thumbnail/{}/64.webp", "/api/pixels/{}?x=0&y=0"):
            answer = self.get(live, digest, path)
            assert answer.status_code in (404, 410), answer.text
            assert list(answer.json()) == ["error"]
        problems = live.client.get("/api/store").json()["problems"]
        assert any("gone" in problem for problem in problems), problems

    def test_damaged_bytes_are_not_sent(self, live):
        digest = live.digest("a", "x", index=1)
        place = live.service.index.member(digest)
        with place.shard.open("r+b") as shard:
            shard.seek(place.offset + 20)
            shard.write(b"\xff\xff")
        answer = self.get(live, digest)
        assert answer.status_code == 410
        assert answer.json() == {
            "error": "the stored bytes are damaged; `filmstrip verify` names the place"
        }
        assert self.get(live, digest, "/thumbnail/{}/64.webp").status_code == 410
        assert self.get(live, live.digest("a", "x", index=0)).status_code == 200

    def test_a_shard_cut_short_is_said(self, live):
        digest = live.digest("a", "x", index=2)
        place = live.service.index.member(digest)
        assert self.get(live, digest).status_code == 200
        with place.shard.open("r+b") as shard:
            shard.truncate(place.offset + 10)
        assert self.get(live, digest).status_code in (404, 410)

    def test_a_shard_rewritten_in_its_place_is_read_anew(self, live):
        digest = live.digest("a", "x", index=2)
        assert self.get(live, digest).status_code == 200
        place = live.service.index.member(digest)
        with filmstrip.init(dir=live.service.store_dir.parent / "other", id="a") as run:
            run.log({"x": filmstrip.Image(np.full((9, 9), 2, np.uint8))})
        (other,) = (live.service.store_dir.parent / "other/runs/a").glob("*.tar")
        other.replace(place.shard)
        answer = self.get(live, digest)
        assert (answer.status_code, answer.headers["etag"]) == (200, f'"{digest}"')


def test_a_reader_that_finds_nothing_looks_once_more(tmp_path):
    looked = []
    pictures = Pictures(lambda digest: None, lambda: looked.append(1))
    with pytest.raises(Exception, match="nothing in this store has the digest"):
        pictures.open_file("0" * 64)
    assert looked == [1]


def test_a_large_damaged_picture_has_no_thumbnail(tmp_path, serve):
    noise = np.random.default_rng(0).integers(0, 256, (900, 900), np.uint8)
    with filmstrip.init(dir=tmp_path, id="a") as run:
        run.log({"noise": [filmstrip.Image(noise), filmstrip.Image(noise[::-1])]})
    with serve(tmp_path) as served:
        digest = served.digest("a", "noise")
        place = served.service.index.member(digest)
        with place.shard.open("r+b") as shard:
            shard.seek(place.offset + place.size_bytes // 2)
            shard.write(b"\x00\xff\x00\xff")
        answer = served.client.get(f"/thumbnail/{digest}/64.webp")
        other = served.client.get(f"/thumbnail/{served.digest('a', 'noise', index=1)}/64.webp")
    assert (answer.status_code, other.status_code) == (410, 200)
    assert "damaged" in answer.json()["error"]

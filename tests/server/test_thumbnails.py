"""Thumbnails over a real socket, and made once whoever asks."""

from __future__ import annotations

import http.client
import io
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import pytest

import filmstrip
from filmstrip.codec.png import encode_png
from filmstrip.server import thumbnails
from filmstrip.server.errors import UndecodableError
from filmstrip.server.thumbnail_cache import ThumbnailCache
from filmstrip.server.thumbnails import Thumbnails

DIGEST = "ab" * 32


def test_a_thumbnail_shows_the_picture_and_never_changes(served):
    digest = served.digest("a", "gray")
    answer = served.client.get(f"/thumbnail/{digest}/64.webp")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    shown = np.array(PIL.Image.open(io.BytesIO(answer.content)))
    assert np.array_equal(shown[..., 0], served.store.run("a").images("gray")[0].array())


def test_a_browser_that_has_it_gets_no_bytes(served):
    url = f"/thumbnail/{served.digest('a', 'wide')}/128.webp"
    etag = served.client.get(url).headers["etag"]
    again = served.client.get(url, headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


def test_sizes_and_kinds_are_told_apart(served):
    item = served.client.get("/api/latest", params={"run": "a", "key": "val/ü <b>"}).json()[0]
    mask = item["mask_digests"]["truth"]
    urls = [f"/mask/{mask}/64.webp", f"/mask/{mask}/128.webp", f"/thumbnail/{mask}/64.webp"]
    answers = [served.client.get(url) for url in urls]
    assert len({answer.headers["etag"] for answer in answers}) == 3
    ids = np.array(PIL.Image.open(io.BytesIO(answers[0].content))).astype(int) @ [1, 256, 65536]
    assert ids.tolist() == [[0, 1], [70_000, (2**32 - 1) % 2**24]]


def test_a_picture_is_no_mask(served):
    answer = served.client.get(f"/mask/{served.digest('b', 'gray', 4)}/64.webp")
    assert answer.status_code == 200  # gray pixels may be ids as well
    color = served.client.get("/api/latest", params={"run": "a", "key": "val/ü <b>"}).json()[0]
    answer = served.client.get(f"/mask/{color['digest']}/64.webp")
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("the stored bytes are no mask: ")


def test_a_picture_that_does_not_decode_says_so(tmp_path, serve, monkeypatch):
    with filmstrip.init(dir=tmp_path, id="a") as run:
        run.log({"x": filmstrip.Image(np.zeros((4, 4), np.uint8))})
    with serve(tmp_path) as served:
        monkeypatch.setattr("filmstrip.server.decode.MAX_SIDE", 3)
        for url in ("/thumbnail/{}/64.webp", "/mask/{}/64.webp", "/api/pixels/{}?x=0&y=0"):
            answer = served.client.get(url.format(served.digest("a", "x")))
            assert answer.status_code == 422
            assert answer.json() == {"error": "a picture of 4 × 4 is too large to decode"}


class FakeBytes:
    """Stored bytes that count how often they are read."""

    def __init__(self) -> None:
        self.num_reads = 0
        self.may_go_on = threading.Event()

    def open(self, digest, *, is_checked):
        return self

    def check(self, stored):
        assert stored is self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def read(self) -> bytes:
        self.num_reads += 1
        assert self.may_go_on.wait(20)
        return encode_png(np.zeros((4, 4), np.uint8))


@pytest.fixture
def making(tmp_path):
    fake = FakeBytes()
    made = Thumbnails(fake, ThumbnailCache(tmp_path))
    yield fake, made
    made.close()


def test_many_who_ask_at_once_wait_for_one_maker(making):
    fake, made = making
    with ThreadPoolExecutor(8) as pool:
        waiting = [
            pool.submit(lambda: made.made(DIGEST, 64, "picture").result(20)) for _ in range(20)
        ]
        fake.may_go_on.set()
        answers = {future.result(20) for future in waiting}
    assert len(answers) == 1
    assert fake.num_reads == 1
    assert made.kept(DIGEST, 64, "picture") == answers.pop()


def test_a_failure_is_told_to_all_and_tried_again_later(making, monkeypatch):
    fake, made = making
    fake.may_go_on.set()

    def fail(data, size, check):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(thumbnails, "picture_thumbnail", fail)
        with pytest.raises(UndecodableError, match="not enough memory to decode this picture"):
            made.made(DIGEST, 64, "picture").result(20)
    assert made.made(DIGEST, 64, "picture").result(20).startswith(b"RIFF")


def test_what_nobody_waits_for_any_more_is_not_made(making):
    fake, made = making
    busy = [made.made(f"{n:064x}", 64, "picture") for n in range(os.cpu_count() or 1)]
    first, second = made.made(DIGEST, 64, "picture"), made.made(DIGEST, 64, "picture")
    assert first is second
    made.leave(DIGEST, 64, "picture")
    assert not first.cancelled()
    made.leave(DIGEST, 64, "picture")
    assert first.cancelled()
    fake.may_go_on.set()
    for future in busy:
        future.result(20)
    assert made.kept(DIGEST, 64, "picture") is None
    assert made.made(DIGEST, 64, "picture").result(20).startswith(b"RIFF")


def test_a_browser_that_hangs_up_is_not_waited_for(tmp_path, serve, monkeypatch):
    with filmstrip.init(dir=tmp_path, id="a") as run:
        run.log({"x": [filmstrip.Image(np.full((4, 4), v, np.uint8)) for v in range(40)]})
    may_go_on, begun = threading.Event(), []

    def slow(data, size, check):
        begun.append(size)
        assert may_go_on.wait(20)
        return b"RIFF"

    with serve(tmp_path) as served:
        monkeypatch.setattr(thumbnails, "picture_thumbnail", slow)
        connections = []
        for image in served.store.run("a").images("x"):
            connection = http.client.HTTPConnection("127.0.0.1", served.port)
            connection.request("GET", f"/thumbnail/{image.digest}/64.webp")
            connections.append(connection)
        making = served.service.thumbnails._making
        wait_until(lambda: len(making) == 40)
        for connection in connections:
            connection.close()
        wait_until(lambda: len(making) == len(begun))
        may_go_on.set()
        wait_until(lambda: not making)
    assert len(begun) <= (os.cpu_count() or 1)


def wait_until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline

"""Many thumbnails in one answer, over a real socket."""

from __future__ import annotations

import http.client
import os
import threading
import time

import numpy as np
import pytest

import filmstrip
from filmstrip.server import thumbnails

NOBODYS = "ab" * 32


def parts(body: bytes) -> list[tuple[int, bytes]]:
    """Read an answer as the page does: number, length, file."""
    found = []
    while body:
        number, length = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:6], "big")
        found.append((number, body[6 : 6 + length]))
        assert len(found[-1][1]) == length
        body = body[6 + length :]
    return found


@pytest.fixture
def forty(tmp_path, serve):
    """A server over forty different pictures of one step, and their digests."""
    with filmstrip.init(dir=tmp_path, id="a") as run:
        run.log({"x": [filmstrip.Image(np.full((4, 4), v, np.uint8)) for v in range(40)]})
    with serve(tmp_path) as served:
        yield served, [image.digest for image in served.store.run("a").images("x")]


def asked(served, digests, size=64):
    return served.client.get(f"/thumbnails/{size}", params={"digest": digests})


@pytest.mark.parametrize("count", [1, 2, 40])
def test_each_is_what_it_is_alone_whether_it_is_made_or_kept(forty, count):
    served, digests = forty
    for _ in range(2):
        answer = asked(served, digests[:count])
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        found = dict(parts(answer.content))
        alone = [
            served.client.get(f"/thumbnail/{each}/64.webp").content for each in digests[:count]
        ]
        assert [found[number] for number in range(count)] == alone


def test_one_that_is_not_there_or_does_not_decode_is_empty_and_the_others_come(forty, monkeypatch):
    served, digests = forty
    assert asked(served, digests[1:2]).status_code == 200  # made before the limit
    monkeypatch.setattr("filmstrip.server.decode.MAX_SIDE", 3)
    found = dict(parts(asked(served, [NOBODYS, digests[0], digests[1]]).content))
    assert (found[0], found[1], found[2][:4]) == (b"", b"", b"RIFF")


def test_the_same_digest_twice_comes_twice(forty):
    served, digests = forty
    (first, one), (second, other) = parts(asked(served, digests[:1] * 2).content)
    assert (one, {first, second}) == (other, {0, 1})


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("/thumbnails/64", "Object missing required field `digest`"),
        ("/thumbnails/65?digest=" + NOBODYS, "Invalid enum value 65 in `size`"),
        ("/thumbnails/64?digest=" + "&digest=".join([NOBODYS] * 101), "of length <= 100"),
        ("/thumbnails/64?digest=ab", "of length >= 64"),
        ("/thumbnails/64?x=1&digest=" + NOBODYS, "unknown field `x`"),
    ],
    ids=["none", "another size", "too many", "no digest", "another parameter"],
)
def test_what_makes_no_sense_is_refused_in_one_line(served, url, reason):
    answer = served.client.get(url)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_a_browser_that_hangs_up_is_not_waited_for(forty, monkeypatch):
    served, digests = forty
    may_go_on, begun = threading.Event(), []

    def slow(data, size, check):
        begun.append(size)
        assert may_go_on.wait(20)
        return b"RIFF"

    monkeypatch.setattr(thumbnails, "picture_thumbnail", slow)
    making = served.service.thumbnails._making
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.request("GET", "/thumbnails/64?digest=" + "&digest=".join(digests))
    wait_until(lambda: len(making) == 40)
    connection.close()
    wait_until(lambda: len(making) == len(begun))
    may_go_on.set()
    wait_until(lambda: not making)
    assert len(begun) <= (os.cpu_count() or 1)


def wait_until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline

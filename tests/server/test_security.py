"""Who is let in, what headers say, and what texts and paths of an attacker become."""

from __future__ import annotations

import http.client
import urllib.parse

import numpy as np
import pytest

import filmstrip
from filmstrip.server.security import Access, is_loopback

LOCAL = Access()
OPEN = Access(host="0.0.0.0", token="t" * 43, names=frozenset({"gpu-7", "gpu-7.lab"}))


@pytest.mark.parametrize(
    "header", ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST:80", "[::1]"]
)
def test_names_of_this_machine_are_answered(header):
    assert LOCAL.allows_host(header)
    assert OPEN.allows_host(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        ":",
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "evil.example#localhost",
        "[",
        "]",
        "localhost:8000:9000",
        "0x7f000001",
    ],
)
def test_names_that_anyone_can_point_here_are_not(header):
    assert not LOCAL.allows_host(header)
    assert not OPEN.allows_host(header)


def test_an_address_or_a_name_of_the_machine_is_answered_where_a_token_is_asked_for():
    for header in ("10.0.0.7:80", "[fe80::1]:80", "gpu-7:80", "GPU-7.lab"):
        assert OPEN.allows_host(header)
        assert not LOCAL.allows_host(header)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("example.org", False), ("", False)],
)  # fmt: skip
def test_only_loopback_goes_without_a_token(host, expected):
    assert is_loopback(host) == expected


class TestHeaders:
    @pytest.mark.parametrize("path", ["/", "/api/store", "/api/nothing", "/api/steps", "/assets/x"])
    def test_every_answer_forbids_what_a_page_here_never_does(self, served, path):
        headers = served.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert not [name for name in headers if name.startswith("access-control-")]

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:80", ""])
    def test_another_host_is_not_answered(self, served, host):
        answer = served.client.get("/api/store", headers={"host": host})
        assert answer.status_code == 421
        assert answer.json() == {"error": "this server does not answer to the host in the request"}
        assert answer.headers["x-content-type-options"] == "nosniff"


class TestToken:
    @pytest.fixture
    def served(self, tmp_path, serve):
        filmstrip.init(dir=tmp_path, id="a").finish()
        with serve(tmp_path, OPEN) as found:
            yield found

    @pytest.mark.parametrize("path", ["/", "/api/store", "/api/events", "/picture/" + "0" * 64])
    @pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=" + "t" * 42])
    def test_nothing_is_given_without_it(self, served, path, query):
        answer = served.client.get(path + query)
        assert answer.status_code == 401
        assert answer.json() == {
            "error": "this server asks for a token; open the address that `filmstrip view` printed"
        }

    def test_the_printed_address_puts_it_into_a_cookie_and_out_of_sight(self, served):
        answer = served.client.get(f"/?run=a&token={OPEN.token}&key=b")
        assert (answer.status_code, answer.headers["location"]) == (303, "/?run=a&key=b")
        name = f"filmstrip-{served.port}"
        cookie = answer.headers["set-cookie"]
        assert cookie == f"{name}={OPEN.token}; HttpOnly; Path=/; SameSite=strict"
        assert served.client.get("/api/store").status_code == 200

    def test_a_script_may_send_it_in_a_header(self, served):
        headers = {"authorization": f"Bearer {OPEN.token}"}
        assert served.client.get("/api/store", headers=headers).status_code == 200

    @pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "/%5cevil.example"])
    def test_it_leads_to_no_other_site(self, served, path):
        connection = http.client.HTTPConnection("127.0.0.1", served.port)
        connection.request("GET", f"{path}?token={OPEN.token}")
        location = connection.getresponse().headers["location"]
        connection.close()
        assert urllib.parse.urlsplit(location).netloc == ""
        assert not location.startswith(("//", "/\\"))


TRAVERSAL = [
    "../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "..\\..\\etc\\passwd",
    "..%5c..%5cetc%5cpasswd",
    "....//....//etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "%00/etc/passwd",
    "..%c0%af..%c0%afetc/passwd",
    "a/../../run.json",
    "index.sqlite",
    "../index.sqlite",
    "runs/a/run.json",
]


@pytest.mark.parametrize("attempt", TRAVERSAL)
@pytest.mark.parametrize(
    "path",
    ["/{}", "/assets/{}", "/picture/{}", "/thumbnail/{}/64.webp", "/mask/{}/64.webp",
     "/api/images/{}", "/api/pixels/{}?x=0&y=0", "/api/steps?run={}&key=x",
     "/api/values?run={}&step=0", "/api/latest?run={}&key={}", "/api/difference?a={}&b={}"],
)  # fmt: skip
def test_no_id_is_a_path(served, path, attempt):
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.request("GET", path.replace("{}", attempt))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status in (200, 400, 404)
    assert b"root:" not in body
    assert b"created" not in body
    if answer.status == 200:  # nothing is known of such a run
        assert body in (b"[]", b'{"steps":[],"times":[],"counts":[]}', b'{"step":0,"values":{}}')


EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202eevil\u2066",
    "{{7*7}}${7*7}",
    "a\x00b",
    "x" * 1_000_000,
]


def test_texts_come_back_as_the_texts_they_are(tmp_path, serve):
    picture = np.zeros((2, 2), np.uint8)
    with filmstrip.init(dir=tmp_path, id="a") as run:
        for step, text in enumerate(EVIL):
            image = filmstrip.Image(picture, caption=text, meta={text[:50]: text})
            run.log({text[:1000]: image, "note": text}, step=step)
    with serve(tmp_path) as served:
        keys = [key["key"] for key in served.client.get("/api/runs").json()[0]["keys"]]
        assert keys == [text[:1000] for text in EVIL]
        for step, text in enumerate(EVIL):
            answer = served.client.get("/api/latest", params={"run": "a", "key": text[:1000]})
            assert answer.headers["content-type"] == "application/json"
            (item,) = answer.json()
            assert item["record"]["caption"] == text
            assert item["record"]["meta"] == {text[:50]: text}
            values = served.client.get("/api/values", params={"run": "a", "step": step}).json()
            assert values["values"] == {"note": text}

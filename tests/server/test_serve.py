"""Listening: what the sockets of the server are like."""

from __future__ import annotations

import socket

import pytest

from filmstrip.server.serve import access_for, bind, url_for


def test_small_answers_are_sent_at_once(tmp_path):
    # Without it each answer waits for the 40 ms after which the other side acknowledges its head.
    with bind("127.0.0.1", 0, tmp_path) as listening:
        assert listening.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:{}/"), ("::1", "http://[::1]:{}/")],
)
def test_the_address_is_one_to_open(tmp_path, host, url):
    with bind(host, 0, tmp_path) as listening:
        assert url_for(listening, access_for(host)) == url.format(listening.getsockname()[1])


def test_a_server_for_everyone_is_reached_by_the_machine_s_name_and_a_token(tmp_path):
    access = access_for("0.0.0.0")
    with bind("0.0.0.0", 0, tmp_path) as listening:
        port = listening.getsockname()[1]
        assert url_for(listening, access) == (
            f"http://{socket.gethostname()}:{port}/?token={access.token}"
        )
    assert access.allows_host(f"{socket.gethostname()}:{port}")


def test_tokens_are_never_the_same():
    assert len({access_for("0.0.0.0").token for _ in range(100)}) == 100
    assert access_for("127.0.0.1").token == ""
    assert access_for("127.0.0.1", is_guarded=True).token != ""

"""Listening: what the sockets of the server are like."""

from __future__ import annotations

import socket

from filmstrip.server.serve import bind


def test_small_answers_are_sent_at_once(tmp_path):
    # Without it each answer waits for the 40 ms after which the other side acknowledges its head.
    with bind("127.0.0.1", 0, tmp_path) as listening:
        assert listening.proto == socket.IPPROTO_TCP

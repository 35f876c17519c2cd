"""``filmstrip view``: a process that serves until it is interrupted."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

import filmstrip
from filmstrip.cli.view import _has_browser


@pytest.fixture
def store(tmp_path):
    filmstrip.init(dir=tmp_path / "store", id="first").finish()
    return tmp_path / "store"


@contextmanager
def viewing(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command, and give the process and the line that it prints."""
    command = [sys.executable, "-m", "filmstrip.cli", "view", "--no-browser", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_it_prints_where_the_store_is_and_ends_cleanly_with_ctrl_c(store):
    with viewing(store, "--port", 0) as (process, line):
        found = re.fullmatch(r"(.*) is at (http://127\.0\.0\.1:\d+/)\n", line)
        assert found is not None, line
        assert found[1] == str(store)
        assert httpx2.get(found[2] + "api/store").json()["num_runs"] == 1
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "Ctrl-C ends it\n")


def test_it_ends_though_a_page_listens_to_events(store):
    with viewing("--store", store) as (process, line):
        url = line.split(" is at ")[1].strip()
        with httpx2.stream("GET", url + "api/events") as answer:
            first = next(answer.iter_raw())
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
    assert first == b"retry: 1000\n: listening\n\n"


def test_a_store_has_its_own_port_and_a_second_server_takes_another(store):
    with viewing(store) as (_, first), viewing(store) as (_, second):
        ports = [re.findall(r":(\d+)/", line)[0] for line in (first, second)]
    with viewing(store) as (_, again):
        assert re.findall(r":(\d+)/", again) == ports[:1]
    assert ports[0] != ports[1]


def test_other_machines_need_the_token_of_the_printed_address(store):
    with viewing(store, "--host", "0.0.0.0", "--port", 0) as (_, line):
        port, token = re.findall(r":(\d+)/\?token=([\w-]{43})\n", line)[0]
        plain = httpx2.get(f"http://127.0.0.1:{port}/api/store")
        with_token = httpx2.get(f"http://127.0.0.1:{port}/api/store?token={token}")
    assert (plain.status_code, with_token.status_code) == (401, 303)


def test_a_token_may_be_asked_for_on_this_machine_too(store):
    with viewing(store, "--token", "--port", 0) as (_, line):
        port, token = re.findall(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})\n", line)[0]
        answers = [
            httpx2.get(f"http://127.0.0.1:{port}/api/store", headers=headers).status_code
            for headers in ({}, {"authorization": f"Bearer {token}"})
        ]
    assert answers == [401, 200]


@pytest.mark.parametrize(
    ("system", "variable", "is_opened"),
    [
        ("linux", "", False),
        ("linux", "DISPLAY", True),
        ("linux", "BROWSER", True),
        ("darwin", "", True),
    ],
)
def test_a_browser_is_opened_only_where_it_has_a_screen(monkeypatch, system, variable, is_opened):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "x")
    monkeypatch.setattr("sys.platform", system)
    assert _has_browser() == is_opened


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["nowhere"], 2, "expected a filmstrip store, got a path without one"),
        (["--host", "no such host"], 2, "expected a host of this machine, got 'no such host'"),
        (["--port", "70000"], 2, "Invalid value for '--port'"),
    ],
)
def test_wrong_usage_is_said_and_exits_with_2(cli, store, monkeypatch, arguments, code, error):
    monkeypatch.setenv("FILMSTRIP_DIR", str(store))
    done = cli("view", "--no-browser", *arguments)
    assert (done.code, done.out) == (code, "")
    assert error in done.err


def test_a_port_that_is_taken_is_said(cli, store):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cli("view", store, "--no-browser", "--port", port)
    assert done.code == 2
    assert done.err == (
        f"error: expected a host and port that are free, got 127.0.0.1:{port} (Address already in "
        "use); leave --host and --port out, or name others\n"
    )

"""A server on a real socket, over a small store whose every picture is known."""

from __future__ import annotations

import http.client
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import pytest

import filmstrip
from filmstrip.index import Index
from filmstrip.server.security import Access
from filmstrip.server.serve import ViewServer, bind
from filmstrip.server.service import Service


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, and a client whose base is its address."""

    client: httpx2.Client
    service: Service
    port: int

    @property
    def store(self) -> filmstrip.Store:
        return filmstrip.open(self.service.store_dir)

    def digest(self, run: str, key: str, step: int = 0, index: int = 0) -> str:
        return self.store.run(run).images(key, step)[index].digest


@contextmanager
def serving(store_dir: Path, access: Access | None = None) -> Iterator[Served]:
    """Serve a store until the block ends."""
    access = access or Access()
    listening = bind("127.0.0.1", 0, store_dir)
    ready = threading.Event()
    service = Service.over(store_dir, Index.open(store_dir))
    server = ViewServer(service, access, on_ready=ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert ready.wait(20)
        service.watcher.look()
        port = listening.getsockname()[1]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield Served(client, service, port)
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
    assert not thread.is_alive()


@pytest.fixture
def serve() -> Callable[..., object]:
    """The context manager that serves a store."""
    return serving


class Page:
    """An open page: what it was told, event by event."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._told: queue.Queue[tuple[str, dict, float]] = queue.Queue()
        self.is_listening = threading.Event()
        self._response = response
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def next(self, kind: str, **fields) -> float:
        """Wait for an event of this kind with these fields; return when it came."""
        while True:
            name, data, when = self._told.get(timeout=20)
            if name == kind and fields.items() <= data.items():
                return when

    def _read(self) -> None:
        lines: dict[str, str] = {}
        while line := self._response.readline().decode():
            self.is_listening.set()
            name, colon, value = line.rstrip("\n").partition(": ")
            if colon:
                lines[name] = value
            elif "event" in lines:
                self._told.put((lines["event"], json.loads(lines["data"]), time.time()))
                lines = {}


@contextmanager
def listening_to(served: Served) -> Iterator[Page]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("GET", "/api/events")
    response = connection.getresponse()
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    page = Page(response)
    assert page.is_listening.wait(20)
    sock = connection.sock or response.fp.raw._sock
    try:
        yield page
    finally:
        sock.shutdown(socket.SHUT_RDWR)
        page.thread.join(20)
        response.close()
        connection.close()


@pytest.fixture
def listening() -> Callable[..., object]:
    """The context manager that opens a page on a server."""
    return listening_to


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    """One server for all tests of a module; they must not change its store."""
    store_dir = tmp_path_factory.mktemp("store")
    log_known_images(store_dir)
    with serving(store_dir) as found:
        yield found


def log_known_images(store_dir: Path) -> None:
    """Log two runs: ``a`` with one picture of each kind, ``b`` with the same key over steps."""
    ramp = np.arange(48, dtype=np.uint8).reshape(6, 8)
    ids = np.array([[0, 1], [70_000, 2**32 - 1]], np.uint32)
    with filmstrip.init(dir=store_dir, id="a", name="first", project="digits") as run:
        run.log(
            {"gray": filmstrip.Image(ramp, caption="a red car"), "loss": 0.5, "note": "hi"}, step=0
        )
        run.log({"nan": float("nan"), "loss": 0.25}, step=1)
        wide = np.arange(0, 48_000, 1000, dtype=np.uint16).reshape(6, 8)
        run.log({"wide": filmstrip.Image(wide, mode="I;16")}, step=0)
        masked = filmstrip.Image(
            np.zeros((2, 2, 3), np.uint8),
            boxes={
                "p": filmstrip.BoundingBoxes2D.from_arrays(
                    np.array([[0, 0, 1, np.nan]]),
                    class_id=[1],
                    scores={"s": [0.5]},
                    class_labels={1: "cat"},
                )
            },
            masks={"truth": {"mask_data": ids}},
        )
        with pytest.warns(filmstrip.FilmstripWarning, match="kept and flagged"):
            run.log({"val/ü <b>": masked}, step=0)
    with filmstrip.init(dir=store_dir, id="b") as run:
        for step in range(5):
            run.log(
                {"gray": [filmstrip.Image(ramp + step), filmstrip.Image(ramp * 2 + step)]},
                step=step,
            )

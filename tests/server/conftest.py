"""A server on a real socket, over a small store whose every picture is known."""

from __future__ import annotations

import threading
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

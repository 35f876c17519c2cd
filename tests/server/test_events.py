"""Events over a real socket: what is logged is told at once, to everyone who listens."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

import filmstrip
from filmstrip.index.rows import KeyChange
from filmstrip.server.events import Broker
from filmstrip.server.schema import ProblemEvent, RunEvent

PICTURE = np.zeros((4, 4), np.uint8)


@pytest.fixture
def live(tmp_path, serve):
    """A server over a store with one finished run."""
    with filmstrip.init(dir=tmp_path / "store", id="old") as run:
        run.log({"x": filmstrip.Image(PICTURE)}, step=0)
    with serve(tmp_path / "store") as served:
        yield served


def test_what_is_logged_is_told_within_a_second(live, listening):
    with listening(live) as page, filmstrip.init(dir=live.service.store_dir, id="new") as run:
        delays = []
        for step in range(5):
            logged = time.time()
            run.log({"val": [filmstrip.Image(PICTURE + step)] * 2}, step=step)
            delays.append(page.next("change", run_id="new", key="val", step=step) - logged)
        assert live.client.get("/api/latest?run=new&key=val").json()[0]["step"] == 4
    assert min(delays) < 1, delays  # how long it takes otherwise is for the benchmark


def test_every_listener_is_told(live, listening):
    with listening(live) as first, listening(live) as second:
        with filmstrip.init(dir=live.service.store_dir, id="new") as run:
            run.log({"val": filmstrip.Image(PICTURE)}, step=7)
        for page in (first, second):
            page.next("change", run_id="new", key="val", step=7)
            page.next("run", run_id="new", state="finished")


def test_each_of_two_servers_tells_its_page_whoever_reads_the_shard(live, serve, listening):
    store_dir = live.service.store_dir
    with serve(store_dir) as other, listening(live) as first, listening(other) as second:
        with filmstrip.init(dir=store_dir, id="new") as run:
            for step in range(10):
                run.log({"val": filmstrip.Image(PICTURE + step), "loss": step}, step=step)
                for page in (first, second):
                    page.next("change", run_id="new", key="val", step=step)
        for page in (first, second):
            page.next("run", run_id="new", state="finished")


def test_numbers_alone_are_told_as_news_of_the_run(live, listening):
    with listening(live) as page, filmstrip.init(dir=live.service.store_dir, id="new") as run:
        run.log({"loss": 0.5})
        page.next("run", run_id="new")


def test_a_deleted_run_is_told(live, listening):
    with listening(live) as page:
        live.store.remove("old")
        page.next("run", run_id="old", state="deleted")


def test_a_deleted_store_is_told_and_the_server_goes_on(live, listening):
    import shutil

    with listening(live) as page:
        shutil.rmtree(live.service.store_dir)
        page.next("problem", text="the store's folder is gone")
        assert live.client.get("/api/store").status_code == 200


def test_a_page_that_goes_away_is_forgotten(live, listening):
    with listening(live):
        assert live.service.broker.has_listeners
    deadline = time.monotonic() + 20
    while live.service.broker.has_listeners:
        assert time.monotonic() < deadline
        live.client.get("/api/store")


def test_what_is_logged_while_nobody_listens_is_in_the_next_answer(live):
    with filmstrip.init(dir=live.service.store_dir, id="new") as run:
        run.log({"val": filmstrip.Image(PICTURE)})
    deadline = time.monotonic() + 20
    while [run["id"] for run in live.client.get("/api/runs").json()] != ["old", "new"]:
        assert time.monotonic() < deadline


class TestStream:
    """The stream itself, without a socket."""

    def run(self, work) -> None:
        async def limited() -> None:
            await asyncio.wait_for(work(Broker()), 20)

        asyncio.run(limited())

    def test_silence_is_broken_by_comments(self):
        async def work(broker: Broker) -> None:
            stream = broker.join().stream(heartbeat_secs=0.01)
            assert [await anext(stream) for _ in range(3)] == [
                b"retry: 1000\n: listening\n\n",
                b": beat\n\n",
                b": beat\n\n",
            ]

        self.run(work)

    def test_a_slow_reader_gets_the_newest_of_each_key_only(self):
        async def work(broker: Broker) -> None:
            stream = broker.join().stream()
            await anext(stream)
            for step in range(1000):
                broker.tell([KeyChange(run_id="a", key="k", step=step, num_images=step)])
            broker.tell([ProblemEvent(text="full"), RunEvent(run_id="a", state="failed")])
            assert await anext(stream) == (
                b'event: change\ndata: {"run_id":"a","key":"k","step":999,"num_images":999}\n\n'
                b'event: problem\ndata: {"text":"full"}\n\n'
                b'event: run\ndata: {"run_id":"a","state":"failed"}\n\n'
            )

        self.run(work)

    def test_line_breaks_in_a_key_stay_inside_their_event(self):
        async def work(broker: Broker) -> None:
            stream = broker.join().stream()
            await anext(stream)
            broker.tell([KeyChange(run_id="a", key="a\n\nevent: run", step=0, num_images=1)])
            assert (await anext(stream)).count(b"\n") == 3

        self.run(work)

    @pytest.mark.parametrize("is_closed_first", [True, False])
    def test_it_ends_when_the_server_does(self, is_closed_first):
        async def work(broker: Broker) -> None:
            if is_closed_first:
                broker.close()
            listener = broker.join()
            broker.close()
            assert [piece async for piece in listener.stream()] == [b"retry: 1000\n: listening\n\n"]

        self.run(work)

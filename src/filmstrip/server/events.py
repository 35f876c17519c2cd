"""Server-sent events: what changed, told to everyone who listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from threading import Lock

import msgspec

from filmstrip.index.rows import KeyChange
from filmstrip.server.schema import ProblemEvent, RunEvent

__all__ = ["Broker", "Event", "Listener", "sse_text"]

Event = KeyChange | RunEvent | ProblemEvent

HEARTBEAT_SECS = 15.0
_BEAT = b": beat\n\n"
_HELLO = b"retry: 1000\n: listening\n\n"
_NAMES = {KeyChange: "change", RunEvent: "run", ProblemEvent: "problem"}


def sse_text(event: Event) -> bytes:
    r"""Return the event as it is sent.

    Examples
    --------
    >>> sse_text(RunEvent(run_id="a", state="finished"))
    b'event: run\ndata: {"run_id":"a","state":"finished"}\n\n'
    """
    return b"event: %s\ndata: %s\n\n" % (_NAMES[type(event)].encode(), msgspec.json.encode(event))


class Listener:
    """One open connection; what it has not been told yet is kept, the newest of each kind only.

    So what waits for a slow reader is no longer than the list of keys and runs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._news = asyncio.Event()
        self._waiting: dict[tuple[str, ...], Event] = {}
        self._lock = Lock()
        self.is_closed = False

    def tell(self, events: list[Event]) -> None:
        """Add events; from any thread."""
        with self._lock:
            for event in events:
                self._waiting.pop(_subject(event), None)
                self._waiting[_subject(event)] = event
        self._wake()

    def close(self) -> None:
        """End the stream; from any thread."""
        self.is_closed = True
        self._wake()

    async def stream(self, heartbeat_secs: float = HEARTBEAT_SECS) -> AsyncIterator[bytes]:
        """Yield what is to be sent, and a comment when there was nothing for a while."""
        yield _HELLO
        while not self.is_closed:
            try:
                await asyncio.wait_for(self._news.wait(), heartbeat_secs)
            except asyncio.TimeoutError:
                yield _BEAT
                continue
            self._news.clear()
            with self._lock:
                events, self._waiting = list(self._waiting.values()), {}
            if events:
                yield b"".join(map(sse_text, events))

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:  # the server's loop is over
            self.is_closed = True


class Broker:
    """The listeners."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._lock = Lock()
        self._is_closed = False

    @property
    def has_listeners(self) -> bool:
        """Whether anyone listens."""
        return bool(self._listeners)

    def join(self) -> Listener:
        """Return a new listener; called on the event loop."""
        listener = Listener(asyncio.get_running_loop())
        with self._lock:
            self._listeners.add(listener)
        if self._is_closed:
            listener.close()
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener."""
        with self._lock:
            self._listeners.discard(listener)

    def tell(self, events: list[Event]) -> None:
        """Tell every listener; from any thread."""
        if events:
            for listener in self._all():
                listener.tell(events)

    def close(self) -> None:
        """End every stream, and those that are still to come."""
        self._is_closed = True
        for listener in self._all():
            listener.close()

    def _all(self) -> list[Listener]:
        with self._lock:
            return list(self._listeners)


def _subject(event: Event) -> tuple[str, ...]:
    """Return what an event is about: a newer one about the same replaces it."""
    if isinstance(event, KeyChange):
        return ("change", event.run_id, event.key)
    if isinstance(event, RunEvent):
        return ("run", event.run_id)
    return ("problem", event.text)

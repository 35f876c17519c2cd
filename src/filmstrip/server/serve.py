"""Running the server: where it listens, when it is ready, and how it ends."""

from __future__ import annotations

import hashlib
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

from filmstrip.errors import OptionError
from filmstrip.server.app import make_app
from filmstrip.server.security import Access, is_loopback, machine_names
from filmstrip.server.service import Service

__all__ = ["ViewServer", "access_for", "bind", "url_for"]

_FIRST_PORT, _NUM_PORTS = 20_000, 10_000
"""Below the ports that systems give to outgoing connections."""

_BACKLOG = 256
_MAX_REQUEST_BYTES = 2**20
"""Of a request's address and headers: it may name hundreds of runs and keys."""


class ViewServer(uvicorn.Server):
    """uvicorn, ending event streams first so that it need not wait for browsers to go.

    Parameters
    ----------
    service
        What is served.
    access
        Who may ask.
    on_ready
        Called once it answers.
    """

    def __init__(
        self, service: Service, access: Access, *, on_ready: Callable[[], None] | None = None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                make_app(service, access),
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                ws="none",
                timeout_graceful_shutdown=3,
                timeout_keep_alive=30,
                h11_max_incomplete_event_size=_MAX_REQUEST_BYTES,
            )
        )
        self._service, self._on_ready = service, on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started and self._on_ready is not None:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, then everything."""
        self._service.broker.close()
        await super().shutdown(sockets)


def access_for(host: str, *, is_guarded: bool = False) -> Access:
    """Return who may ask a server: anyone on this machine, or who has a token.

    Parameters
    ----------
    host
        Where it listens; other than this machine only with a token.
    is_guarded
        True for a token in any case.

    Examples
    --------
    >>> access_for("127.0.0.1").token, len(access_for("0.0.0.0").token)
    ('', 43)
    """
    if is_loopback(host) and not is_guarded:
        return Access(host=host)
    return Access(host=host, token=secrets.token_urlsafe(32), names=machine_names())


def bind(host: str, port: int | None, store_dir: Path) -> socket.socket:
    """Return a socket that listens.

    Without a port, each store has one of its own, so that what the browser remembers of it, such as
    the colours of classes, is found again; when that is taken, any that is free.

    Raises
    ------
    OptionError
        Nothing can listen there.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise OptionError("a host of this machine", got=f"{host!r} ({error})", fix=_FIX) from None
    if port is None:
        with suppress(OSError):
            return _listening(family, address, _own_port(store_dir))
    try:
        return _listening(family, address, port or 0)
    except OSError as error:
        got = f"{host}:{port or 0} ({error.strerror})"
        raise OptionError("a host and port that are free", got=got, fix=_FIX) from None


_FIX = "leave --host and --port out, or name others"


def url_for(listening: socket.socket, access: Access) -> str:
    """Return the address to open, with the token when one is asked for."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # it listens everywhere; this is how to get there
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/" + (f"?token={access.token}" if access.token else "")


def _own_port(store_dir: Path) -> int:
    digest = hashlib.sha256(str(store_dir).encode(errors="surrogateescape")).digest()
    return _FIRST_PORT + int.from_bytes(digest[:4], "big") % _NUM_PORTS


def _listening(family: int, address: Any, port: int) -> socket.socket:
    # asyncio sends at once, without waiting for more, only where the protocol is named.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address[0], port, *address[2:]))
        made.listen(_BACKLOG)
    except BaseException:
        made.close()
        raise
    return made

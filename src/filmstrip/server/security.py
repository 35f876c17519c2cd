"""Who may ask, and what the browser may do with the answers.

A page of another site can make the browser send requests here. It is kept out by the ``Host``
header, which it cannot choose (DNS rebinding), by answers that no other origin may read, and, when
the server listens to more than this machine, by a token that only the printed address holds.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import socket
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from filmstrip.server.answers import error_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Access", "Guard", "is_loopback"]

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_MAX_HEADER = 8192

_log = logging.getLogger("filmstrip.server")

_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; base-uri 'none'; "
        "form-action 'none'; object-src 'none'; "
        "frame-ancestors 'self' http://localhost:* http://127.0.0.1:* vscode-webview:"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
"""Sent with every answer. A notebook on this machine may frame the viewer; nobody else may."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens there.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "0.0.0.0", "::1", "gpu-7")]
    [True, True, False, True, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Access:
    """What a server listens on, and what it asks for."""

    host: str = "127.0.0.1"
    token: str = ""
    """Empty when none is asked for: then `host` is loopback."""
    names: frozenset[str] = field(default_factory=frozenset)
    """Further names that the machine is reached by."""

    def allows_host(self, header: str) -> bool:
        """Return whether a ``Host`` header names this server.

        Examples
        --------
        >>> access = Access()
        >>> access.allows_host("localhost:8000"), access.allows_host("evil.example")
        (True, False)
        """
        name = _host_name(header)
        if name in _LOOPBACK_NAMES or name == self.host.lower() or name in self.names:
            return True
        # A name can be made to point here by anyone, an address cannot.
        return bool(self.token) and _is_address(name)

    def allows_token(self, given: str) -> bool:
        """Return whether a token is the right one, in the same time for every wrong one."""
        return hmac.compare_digest(given.encode(), self.token.encode())


class Guard:
    """ASGI middleware: checks ``Host`` and token, and adds the headers that keep browsers safe."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        try:
            await (refusal or self._app)(scope, receive, send_safely)
        except Exception:  # noqa: BLE001  # the server's handler: one request fails, not the server
            # Starlette has answered, and raises again for a server that writes logs.
            _log.exception("a request failed: %s", scope["path"])

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._access.allows_host(hosts[0]):
            return error_response(421, "this server does not answer to the host in the request")
        if not self._access.token:
            return None
        return self._token_refusal(scope, headers)

    def _token_refusal(self, scope: Scope, headers: Headers) -> Response | None:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        in_query = [value for name, value in query if name == "token"]
        if in_query and self._access.allows_token(in_query[0]):
            return self._welcome(scope, query)
        name = cookie_name(scope)
        if self._access.allows_token(_cookie(headers.get("cookie", ""), name)):
            return None
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._access.allows_token(bearer):
            return None
        return error_response(
            401,
            "this server asks for a token; open the address that `filmstrip view` printed",
            headers={"www-authenticate": "Bearer"},
        )

    def _welcome(self, scope: Scope, query: list[tuple[str, str]]) -> Response:
        """Put the token into a cookie, and out of the address that the browser shows and keeps."""
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        where = scope["path"].lstrip("/").lstrip("\\")
        response = Response(status_code=303)
        response.headers["location"] = f"/{_quoted(where)}" + (f"?{rest}" if rest else "")
        response.headers["cache-control"] = "no-store"
        response.set_cookie(
            cookie_name(scope), self._access.token, httponly=True, samesite="strict", path="/"
        )
        return response


def cookie_name(scope: Scope) -> str:
    """Return the cookie's name: cookies are shared by all ports of a host, servers are not."""
    server = scope.get("server") or ("", 0)
    return f"filmstrip-{server[1]}"


def machine_names() -> frozenset[str]:
    """Return the names that this machine calls itself."""
    own = socket.gethostname().lower()
    return frozenset({own, own.partition(".")[0]}) - {""}


def _host_name(header: str) -> str:
    """Return the name or address in a ``Host`` header, without port and brackets."""
    host = header.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and ":" in host else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(header: str, name: str) -> str:
    if len(header) > _MAX_HEADER:
        return ""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path)

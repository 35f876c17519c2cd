"""The ASGI application: routes over a service, guarded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from filmstrip.errors import FilmstripError
from filmstrip.server.answers import IMMUTABLE, error_response, json_response
from filmstrip.server.delivery import picture_response
from filmstrip.server.errors import ApiError, GoneError
from filmstrip.server.events import Listener
from filmstrip.server.openapi import openapi_json
from filmstrip.server.queries import (
    DigestPath,
    NoParameters,
    ThumbnailPath,
    ThumbnailsPath,
    ThumbnailsQuery,
    parse_parameters,
)
from filmstrip.server.ranges import Delivery, delivery_for, etag_from_digest
from filmstrip.server.routes import API_ROUTES, ApiRoute
from filmstrip.server.schema import PictureKind
from filmstrip.server.security import Access, Guard
from filmstrip.server.service import Service
from filmstrip.server.thumbnail_parts import thumbnail_parts
from filmstrip.server.thumbnails import Thumbnails

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Scope

__all__ = ["STATIC_DIR", "make_app"]

STATIC_DIR = Path(__file__).with_name("static")
"""The built viewer."""

_Answer = TypeVar("_Answer")


def make_app(service: Service, access: Access | None = None) -> ASGIApp:
    """Return the application.

    Parameters
    ----------
    service
        What it answers from; started and closed with the application.
    access
        Who may ask; only this machine by default.
    """
    routes = [
        *(Route(route.path, partial(_answer_api, service, route)) for route in API_ROUTES),
        Route("/api/openapi.json", _openapi),
        Route("/api/events", partial(_answer_events, service)),
        Route("/picture/{digest}", partial(_answer_picture, service)),
        Route("/thumbnail/{digest}/{size}.webp", partial(_answer_thumbnail, service, "picture")),
        Route("/thumbnails/{size}", partial(_answer_thumbnails, service)),
        Route("/mask/{digest}/{size}.webp", partial(_answer_thumbnail, service, "mask")),
        Mount("/", _Viewer(directory=STATIC_DIR, html=True, check_dir=False)),
    ]
    app = Starlette(
        routes=routes,
        lifespan=partial(_lifespan, service),
        exception_handlers={
            HTTPException: _on_http_error,
            FilmstripError: _on_known_error,
            Exception: _on_unknown_error,
        },
    )
    return Guard(app, access or Access())


class _Viewer(StaticFiles):
    """The built viewer: names of assets change with their content, that of the page does not."""

    async def check_config(self) -> None:
        """Let a viewer that is not built be not found, like any other file."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, and how long a browser may keep it."""
        response = await super().get_response(path, scope)
        is_asset = path.startswith("assets/") and response.status_code < 400
        response.headers["cache-control"] = IMMUTABLE if is_asset else "no-cache"
        return response


@asynccontextmanager
async def _lifespan(service: Service, _app: Starlette) -> AsyncIterator[None]:
    service.start()
    try:
        yield
    finally:
        service.close()


async def _answer_api(service: Service, route: ApiRoute, request: Request) -> Response:
    path = parse_parameters(request.path_params.items(), route.path_type)
    query = parse_parameters(_query_pairs(request), route.query)
    executor = service.decoders if route.is_slow else service.readers
    return await asyncio.get_running_loop().run_in_executor(
        executor, lambda: json_response(route.handler(service, path, query))
    )


async def _openapi(request: Request) -> Response:
    parse_parameters(_query_pairs(request), NoParameters)
    return Response(openapi_json(), media_type="application/json")


async def _answer_events(service: Service, request: Request) -> Response:
    parse_parameters(_query_pairs(request), NoParameters)
    return StreamingResponse(
        _events(service),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(service: Service) -> AsyncIterator[bytes]:
    listener: Listener = service.broker.join()
    try:
        async for text in listener.stream():
            yield text
    finally:
        service.broker.leave(listener)


async def _answer_picture(service: Service, request: Request) -> Response:
    path = parse_parameters(request.path_params.items(), DigestPath)
    parse_parameters(_query_pairs(request), NoParameters)
    return await _on_reader(
        service,
        partial(
            picture_response,
            service.pictures,
            service.readers,
            path.digest,
            request.headers,
            is_head=request.method == "HEAD",
        ),
    )


async def _answer_thumbnail(service: Service, kind: PictureKind, request: Request) -> Response:
    path = parse_parameters(request.path_params.items(), ThumbnailPath)
    parse_parameters(_query_pairs(request), NoParameters)
    etag = etag_from_digest(f"{path.digest}-{path.size}-{kind}")
    headers = {"etag": etag, "cache-control": IMMUTABLE}
    plan = delivery_for(request.headers, etag=etag, size_bytes=0)
    if plan.delivery is Delivery.NOT_MODIFIED:
        return Response(status_code=304, headers=headers)
    thumbnails = service.thumbnails
    data = thumbnails.recent(path.digest, path.size, kind)
    if data is None:
        data = await _on_reader(service, partial(thumbnails.kept, path.digest, path.size, kind))
    if data is None:
        data = await _made(thumbnails, path, kind, request)
    return Response(data, media_type="image/webp", headers=headers)


async def _answer_thumbnails(service: Service, request: Request) -> Response:
    path = parse_parameters(request.path_params.items(), ThumbnailsPath)
    query = parse_parameters(_query_pairs(request), ThumbnailsQuery)
    parts = thumbnail_parts(service.thumbnails, query.digest, path.size, service.readers)
    kind = "application/octet-stream"
    return StreamingResponse(parts, media_type=kind, headers={"cache-control": IMMUTABLE})


async def _made(
    thumbnails: Thumbnails, path: ThumbnailPath, kind: PictureKind, request: Request
) -> bytes:
    """Wait for a thumbnail as long as the browser does: who scrolls on gives it up."""
    made = asyncio.wrap_future(thumbnails.made(path.digest, path.size, kind))
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        either: set[asyncio.Future[Any]] = {made, gone}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    if not made.done():
        thumbnails.leave(path.digest, path.size, kind)
        raise GoneError("nobody waits for this answer")
    return made.result()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _on_reader(service: Service, work: Callable[[], _Answer]) -> _Answer:
    return await asyncio.get_running_loop().run_in_executor(service.readers, work)


def _query_pairs(request: Request) -> list[tuple[str, str]]:
    return [pair for pair in request.query_params.multi_items() if pair[0] != "token"]


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Answer what Starlette refuses: unknown paths and methods."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = getattr(error, "headers", None)
    if status == 405:
        return error_response(405, "expected GET or HEAD", headers={"allow": "GET, HEAD"})
    if request.url.path == "/":
        return error_response(status, "the viewer is not built; `make viewer` builds it")
    return error_response(status, "there is nothing at this address", headers=headers)


async def _on_known_error(_request: Request, error: Exception) -> Response:
    if isinstance(error, ApiError):
        return error_response(error.status, str(error))
    if isinstance(error, LookupError):
        return error_response(404, str(error))
    if isinstance(error, OSError):
        return error_response(410, str(error))
    return error_response(400, str(error))


async def _on_unknown_error(_request: Request, error: Exception) -> Response:
    return error_response(500, f"{type(error).__name__}: {error}")

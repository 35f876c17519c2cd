"""The route table: what is served, and what the API document says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filmstrip.server import handlers
from filmstrip.server.queries import (
    CompleteQuery,
    DifferenceQuery,
    DigestPath,
    ImagePath,
    ImagesQuery,
    LatestQuery,
    NoParameters,
    PixelsQuery,
    RunKeyQuery,
    SeriesQuery,
    ThumbnailPath,
    ThumbnailsPath,
    ThumbnailsQuery,
    ValuesQuery,
)
from filmstrip.server.schema import (
    Difference,
    Item,
    Page,
    Pixels,
    RunSummary,
    Series,
    Steps,
    StoreSummary,
    Suggestion,
    Values,
)
from filmstrip.server.service import Service

if TYPE_CHECKING:
    import msgspec

__all__ = ["API_ROUTES", "MEDIA_ROUTES", "ApiRoute", "MediaRoute"]


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """One route that answers JSON."""

    path: str
    handler: Callable[[Service, Any, Any], Any]
    """Of the service, the path's and the query's parameters; its docstring describes the route."""
    returns: Any
    query: type[msgspec.Struct] = NoParameters
    path_type: type[msgspec.Struct] = NoParameters
    errors: tuple[int, ...] = (400,)
    is_slow: bool = False
    """True when it decodes whole pictures: it must not keep the others waiting."""


@dataclass(frozen=True, slots=True)
class MediaRoute:
    """One route that answers something else."""

    path: str
    name: str
    summary: str
    path_type: type[msgspec.Struct]
    media_types: tuple[str, ...]
    statuses: dict[int, str]
    query: type[msgspec.Struct] = NoParameters


_UNREADABLE = (400, 404, 410, 422)

API_ROUTES = (
    ApiRoute("/api/store", handlers.store, StoreSummary),
    ApiRoute("/api/runs", handlers.runs, list[RunSummary]),
    ApiRoute("/api/steps", handlers.steps, Steps, RunKeyQuery, errors=(400, 404)),
    ApiRoute("/api/series", handlers.series, list[Series], SeriesQuery, errors=(400, 404)),
    ApiRoute("/api/latest", handlers.latest, list[Item], LatestQuery, errors=(400, 404)),
    ApiRoute("/api/images", handlers.images, Page, ImagesQuery),
    ApiRoute("/api/images/{id}", handlers.image, Item, path_type=ImagePath, errors=(400, 404)),
    ApiRoute("/api/values", handlers.values, Values, ValuesQuery, errors=(400, 404)),
    ApiRoute("/api/complete", handlers.complete, list[Suggestion], CompleteQuery),
    ApiRoute(
        "/api/pixels/{digest}",
        handlers.pixels,
        Pixels,
        query=PixelsQuery,
        path_type=DigestPath,
        errors=_UNREADABLE,
        is_slow=True,
    ),
    ApiRoute(
        "/api/difference",
        handlers.difference,
        Difference,
        query=DifferenceQuery,
        errors=_UNREADABLE,
        is_slow=True,
    ),
)
"""In the order of the API document."""

_PICTURE_TYPES = ("image/*", "application/octet-stream")
_PICTURE_STATUSES = {
    200: "The stored file",
    206: "The part that was asked for",
    304: "The browser has it",
    400: "Not a digest",
    404: "Nothing has this digest",
    410: "It is deleted or damaged",
    416: "The part lies outside",
}
_THUMBNAIL_STATUSES = {
    200: "The thumbnail",
    304: "The browser has it",
    400: "Not a digest, or another size",
    404: "Nothing has this digest",
    410: "It is deleted or damaged",
    422: "It does not decode",
}

MEDIA_ROUTES = (
    MediaRoute(
        "/picture/{digest}",
        "picture",
        "Return the stored file of a picture or mask",
        DigestPath,
        _PICTURE_TYPES,
        _PICTURE_STATUSES,
    ),
    MediaRoute(
        "/thumbnail/{digest}/{size}.webp",
        "thumbnail",
        "Return a picture as displayed, its longest side cut to a size",
        ThumbnailPath,
        ("image/webp",),
        _THUMBNAIL_STATUSES,
    ),
    MediaRoute(
        "/thumbnails/{size}",
        "thumbnails",
        "Return many thumbnails, as they are there: of each the number of its digest (2 bytes), "
        "the length of the file (4 bytes; 0 when there is none), and the file",
        ThumbnailsPath,
        ("application/octet-stream",),
        {200: "The thumbnails", 400: "Not digests, too many, or another size"},
        ThumbnailsQuery,
    ),
    MediaRoute(
        "/mask/{digest}/{size}.webp",
        "mask",
        "Return a mask, its longest side cut to a size; red + 256 green + 65536 blue is the id",
        ThumbnailPath,
        ("image/webp",),
        _THUMBNAIL_STATUSES,
    ),
    MediaRoute(
        "/api/events",
        "events",
        "Tell what changes: `change` (KeyChange), `run` (RunEvent), `problem` (ProblemEvent)",
        NoParameters,
        ("text/event-stream",),
        {200: "A stream that does not end", 400: "Unknown parameters"},
    ),
)
"""What answers no JSON, when all is well."""

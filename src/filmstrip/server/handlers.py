"""What the JSON routes answer: pure functions of the service and the parameters."""

from __future__ import annotations

import math

import filmstrip
from filmstrip.folder import RUNS_DIR
from filmstrip.freeform import to_json_value
from filmstrip.index.rows import RunRow
from filmstrip.record import number_from_float
from filmstrip.run_state import shown_state
from filmstrip.server.errors import MissingError
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

__all__ = [
    "complete",
    "difference",
    "image",
    "images",
    "latest",
    "pixels",
    "runs",
    "series",
    "steps",
    "store",
    "values",
]


def store(service: Service, _path: NoParameters, _query: NoParameters) -> StoreSummary:
    """Return the store as a whole, and what is wrong with it."""
    service.watcher.ensure_fresh()
    rows = service.index.runs()
    return StoreSummary(
        path=str(service.store_dir),
        version=filmstrip.__version__,
        num_runs=len(rows),
        num_images=sum(row.num_images for row in rows),
        size_bytes=service.watcher.size_bytes,
        problems=_problems(service),
        indexing=service.watcher.indexing,
    )


def _problems(service: Service) -> list[str]:
    """Return what is wrong with the store, the whole before its parts."""
    ours = [service.watcher.problem, service.thumbnails.problem]
    return [*filter(None, ours), *service.index.problems, *service.damage.problems]


def runs(service: Service, _path: NoParameters, _query: NoParameters) -> list[RunSummary]:
    """Return all runs, oldest first, with the keys and numbers of each."""
    service.watcher.ensure_fresh()
    return [_run_summary(service, row) for row in service.index.runs()]


def _run_summary(service: Service, row: RunRow) -> RunSummary:
    run_dir = service.store_dir / RUNS_DIR / row.run_id
    writers = service.watcher.writers(row.run_id)
    state = shown_state(run_dir, row.info, writers)
    return RunSummary(
        id=row.run_id,
        name=row.info.name,
        project=row.info.project,
        group=row.info.group,
        tags=row.info.tags,
        notes=row.info.notes,
        config=row.info.config,
        created=row.info.created,
        finished=row.info.finished,
        state=state,
        is_live=state == "running",
        host=row.info.host,
        num_images=row.num_images,
        num_missing=sum(writer.num_lost + writer.num_dropped for writer in writers),
        keys=row.keys,
        series=row.series,
    )


def steps(service: Service, _path: NoParameters, query: RunKeyQuery) -> Steps:
    """Return the steps at which a key of a run has images."""
    rows = service.index.steps(query.run, query.key)
    return Steps(
        steps=[row.step for row in rows],
        times=[row.time for row in rows],
        counts=[row.num_images for row in rows],
    )


def series(service: Service, _path: NoParameters, query: SeriesQuery) -> list[Series]:
    """Return logged numbers over the steps, for each run and name that has any."""
    return [
        Series(
            run_id=found.run_id,
            name=found.name,
            steps=found.steps,
            times=found.times,
            values=[number_from_float(value) for value in found.values],
        )
        for run in query.run
        for found in service.index.series(run, query.name)
    ]


def latest(service: Service, _path: NoParameters, query: LatestQuery) -> list[Item]:
    """Return the newest images at or before a point, for each of many runs and keys."""
    at = math.inf if query.at is None else query.at
    return service.index.latest(query.run, query.key, at, query.axis, query.limit)


def images(service: Service, _path: NoParameters, query: ImagesQuery) -> Page:
    """Return one page of the images that a query finds."""
    from filmstrip.index.query import parse_query

    return service.index.images(
        parse_query(query.q), cursor=query.cursor or None, limit=query.limit
    )


def image(service: Service, path: ImagePath, _query: NoParameters) -> Item:
    """Return one image."""
    found = service.index.item(path.id)
    if found is None:
        raise MissingError(f"there is no image with the id {path.id!r}")
    return found


def values(service: Service, _path: NoParameters, query: ValuesQuery) -> Values:
    """Return the numbers and texts that a run logged at a step."""
    found = service.index.values_at(query.run, query.step)
    return Values(step=query.step, values=to_json_value(found))


def complete(service: Service, _path: NoParameters, query: CompleteQuery) -> list[Suggestion]:
    """Return ways to go on writing a query."""
    return service.index.suggestions(query.q, query.at)


def pixels(service: Service, path: DigestPath, query: PixelsQuery) -> Pixels:
    """Return original values of a part of a picture, or class ids of a part of a mask."""
    return service.values.part(
        path.digest, x=query.x, y=query.y, width=query.width, height=query.height, kind=query.kind
    )


def difference(service: Service, _path: NoParameters, query: DifferenceQuery) -> Difference:
    """Return how far two pictures are from each other, on their original values."""
    return service.values.difference(query.a, query.b)

"""``filmstrip ls``: runs, the keys of a run, the images of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from filmstrip.cli.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from filmstrip.cli.summary import KeySummary, RunSummary, ValueSummary
    from filmstrip.store import LoggedImage, Store, StoredRun

__all__ = ["ls"]

_MAX_TEXT = 200
"""Characters of a caption or text that a table takes; --json has all of them."""


def ls(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="List the keys of this run.", show_default=False),
    ] = None,
    key: Annotated[
        str | None,
        typer.Argument(metavar="KEY", help="List the images of this key.", show_default=False),
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """List runs, the keys of a run, or the images of a key.

    RUN is an id, the beginning of one, or a name.
    """
    import filmstrip
    from filmstrip.cli.find import find_run

    opened = filmstrip.open(store)
    if run is None:
        _list_runs(opened, as_json=json)
    elif key is None:
        _list_keys(find_run(opened, run), as_json=json)
    else:
        _list_images(find_run(opened, run), key, as_json=json)


def _list_runs(store: Store, *, as_json: bool) -> None:
    from filmstrip.cli.output import print_hint, print_json
    from filmstrip.cli.progress import progress
    from filmstrip.cli.summary import summarize_run

    runs = store.runs()
    summaries = []
    with progress("reading runs") as report:
        for done, run in enumerate(runs):
            report(done, len(runs))
            summaries.append(summarize_run(run))
    if as_json:
        print_json(summaries)
        return
    if not summaries:
        print_hint(f"no runs in {store.path}")
        return
    _print_runs(summaries)
    for summary, run in zip(summaries, runs, strict=True):
        _hint_damage(summary)
        _hint_spools(run)


def _print_runs(summaries: list[RunSummary]) -> None:
    from filmstrip.cli.output import print_table
    from filmstrip.cli.table import Column
    from filmstrip.cli.text import safe_text, size_text, span_text, time_text

    columns = [
        Column(title="run"),
        Column(title="name", min_width=12, max_width=32, rank=3),
        Column(title="project", min_width=7, max_width=24, rank=5),
        Column(title="state"),
        Column(title="created", rank=4),
        Column(title="images", align="right", rank=1),
        Column(title="keys", align="right", rank=7),
        Column(title="steps", align="right", rank=6),
        Column(title="size", align="right", rank=2),
    ]
    rows = [
        [
            run.id,
            safe_text(run.name),
            safe_text(run.project),
            run.state,
            time_text(run.created),
            f"{run.images:,}",
            f"{run.keys:,}",
            span_text(run.first_step, run.last_step),
            size_text(run.size_bytes),
        ]
        for run in summaries
    ]
    print_table(columns, rows)


def _list_keys(run: StoredRun, *, as_json: bool) -> None:
    from filmstrip.cli.output import print_hint, print_json, print_line
    from filmstrip.cli.progress import progress
    from filmstrip.cli.summary import summarize_run_details

    with progress(f"reading {run.id}"):
        details = summarize_run_details(run)
    if as_json:
        print_json(details)
        return
    _print_run(details.run)
    if details.keys:
        print_line()
        _print_keys(details.keys)
    if details.values:
        print_line()
        _print_values(details.values)
    if not details.keys and not details.values:
        print_hint("nothing was logged")
    _hint_damage(details.run)
    _hint_spools(run)


def _print_run(run: RunSummary) -> None:
    """Print what ``run.json`` says, as far as it says anything."""
    from filmstrip.cli.output import print_entry, print_line
    from filmstrip.cli.text import duration_text, safe_text, size_text, time_text

    took = "" if run.finished is None else f" after {duration_text(run.finished - run.created)}"
    config = [f"{key} = {_value_text(value)}" for key, value in run.config.items()]
    lines = [
        ("name", run.name if run.name != run.id else ""),
        ("project", run.project),
        ("group", run.group),
        ("state", f"{run.state}{took}"),
        ("created", time_text(run.created)),
        ("host", run.host),
        ("size", size_text(run.size_bytes)),
        ("tags", ", ".join(run.tags)),
        ("notes", run.notes),
        *zip(["config"] + [""] * len(config), config, strict=False),
    ]
    print_line(run.id, "bold")
    for title, text in lines:
        if text:
            print_entry(f"  {title:<9}", safe_text(text))


def _print_keys(keys: list[KeySummary]) -> None:
    from filmstrip.cli.output import print_table
    from filmstrip.cli.table import Column
    from filmstrip.cli.text import safe_text, size_text, span_text

    columns = [
        Column(title="key", min_width=12, max_width=80),
        Column(title="images", align="right"),
        Column(title="steps", align="right", rank=2),
        Column(title="from–to", align="right", rank=1),
        Column(title="size", align="right", rank=3),
    ]
    rows = [
        [
            safe_text(key.key),
            f"{key.images:,}",
            f"{key.steps:,}",
            span_text(key.first_step, key.last_step),
            size_text(key.size_bytes),
        ]
        for key in keys
    ]
    print_table(columns, rows)


def _print_values(values: list[ValueSummary]) -> None:
    from filmstrip.cli.output import print_table
    from filmstrip.cli.table import Column
    from filmstrip.cli.text import safe_text

    columns = [
        Column(title="value", min_width=12, max_width=80),
        Column(title="last", align="right", min_width=8, max_width=40),
        Column(title="at step", align="right", rank=1),
        Column(title="steps", align="right", rank=2),
    ]
    rows = [
        [
            safe_text(value.key),
            _value_text(value.last_value),
            str(value.last_step),
            f"{value.steps:,}",
        ]
        for value in values
    ]
    print_table(columns, rows)


def _list_images(run: StoredRun, key: str, *, as_json: bool) -> None:
    from filmstrip.cli.output import print_json, print_table
    from filmstrip.cli.progress import progress
    from filmstrip.cli.table import Column

    with progress(f"reading {run.id}"):
        images = run.images(key)
    if as_json:
        print_json([{**image.to_json(), "index": image.index} for image in images])
        return
    columns = [
        Column(title="step", align="right"),
        Column(title="index", align="right"),
        Column(title="pixels", align="right"),
        Column(title="type", rank=3),
        Column(title="size", align="right", rank=2),
        Column(title="layers", min_width=12, rank=4),
        Column(title="caption", min_width=10, rank=1),
    ]
    print_table(columns, [_image_row(image) for image in images])


def _image_row(image: LoggedImage) -> list[str]:
    from filmstrip.cli.text import safe_text, shortened, size_text

    return [
        str(image.step),
        str(image.index),
        f"{image.width}×{image.height}",
        safe_text(image.format),
        size_text(image.size_bytes),
        safe_text(_layers_text(image)),
        safe_text(shortened(image.caption or "", _MAX_TEXT)),
    ]


def _layers_text(image: LoggedImage) -> str:
    from filmstrip.cli.text import count_text

    record = image.record
    boxes = [f"{layer.name}: {count_text(len(layer.xyxy), 'box')}" for layer in record.boxes]
    return ", ".join([*boxes, *(f"{layer.name}: mask" for layer in record.masks)])


def _value_text(value: Any) -> str:
    """Return a logged value on one line; floats with six digits."""
    from filmstrip.cli.text import safe_text, shortened
    from filmstrip.freeform import from_json_value

    plain = from_json_value(value)
    if isinstance(plain, float):
        return f"{plain:.6g}"
    return safe_text(shortened(plain if isinstance(plain, str) else repr(plain), _MAX_TEXT))


def _hint_damage(run: RunSummary) -> None:
    from filmstrip.cli.output import print_hint
    from filmstrip.cli.text import count_text

    if run.damaged_places:
        places = count_text(run.damaged_places, "damaged place")
        print_hint(f"{run.id}: {places} skipped; run `filmstrip verify` for where")


def _hint_spools(run: StoredRun) -> None:
    from filmstrip.cli.output import print_hint
    from filmstrip.repair import dead_spools

    if dead_spools(run.dir):
        print_hint(f"{run.id}: a process was killed before all was encoded; run `filmstrip repair`")

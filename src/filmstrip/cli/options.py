"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = ["JsonOption", "KeyArgument", "RunArgument", "StoreOption"]

StoreOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="DIR",
        help="Folder of the store; FILMSTRIP_DIR or ./.filmstrip by default.",
        show_default=False,
    ),
]

JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")
]

RunArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Id of a run, or the beginning of one, or a name.",
        show_default=False,
    ),
]

KeyArgument: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="KEY", help="Key that images were logged under.", show_default=False),
]

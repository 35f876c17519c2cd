"""Log pictures from training, with boxes, masks and captions, and see what your model sees.

``import filmstrip as wandb`` runs a script that logs images with W&B. Nothing heavy is loaded by
the import: numpy and Pillow come with the first `Image`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filmstrip.errors import FilmstripError, FilmstripWarning
    from filmstrip.logged import LoggedImage, LoggedValues
    from filmstrip.media.boxes import BoundingBoxes2D
    from filmstrip.media.classes import Classes
    from filmstrip.media.image import Image
    from filmstrip.media.masks import ImageMask
    from filmstrip.run_config import Config
    from filmstrip.runs import Run
    from filmstrip.session import finish, init, log
    from filmstrip.store import Store, StoredRun, open  # noqa: A004  # the public name, as in PIL.Image.open

    run: Run | None
    config: Config

__version__ = "0.1.0"

__all__ = [
    "BoundingBoxes2D",
    "Classes",
    "Config",
    "FilmstripError",
    "FilmstripWarning",
    "Image",
    "ImageMask",
    "LoggedImage",
    "LoggedValues",
    "Run",
    "Store",
    "StoredRun",
    "config",
    "finish",
    "init",
    "log",
    "open",
    "run",
]

_HOMES = {
    "BoundingBoxes2D": "filmstrip.media.boxes",
    "Classes": "filmstrip.media.classes",
    "Config": "filmstrip.run_config",
    "FilmstripError": "filmstrip.errors",
    "FilmstripWarning": "filmstrip.errors",
    "Image": "filmstrip.media.image",
    "ImageMask": "filmstrip.media.masks",
    "LoggedImage": "filmstrip.logged",
    "LoggedValues": "filmstrip.logged",
    "Run": "filmstrip.runs",
    "Store": "filmstrip.store",
    "StoredRun": "filmstrip.store",
    "finish": "filmstrip.session",
    "init": "filmstrip.session",
    "log": "filmstrip.session",
    "open": "filmstrip.store",
}
"""Module of each public name, imported when the name is first used."""


def __getattr__(name: str) -> Any:
    if name in ("run", "config"):
        session = import_module("filmstrip.session")
        return session.current_run() if name == "run" else session.current_config()
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

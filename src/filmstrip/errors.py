"""Every error filmstrip raises on purpose.

Each leaf also inherits the builtin a caller would look for, takes fields, and writes its own
one-line message: what was expected, what came, what to do.

::

    FilmstripError
    ├── ImageInputError (ValueError)         pixels, shapes, modes and file types that make no
    picture
    │   ├── DimensionError                   a side longer than Image.MAX_DIMENSION
    │   └── ImageFileError                   bytes that do not decode: no image, truncated, a bomb
    ├── ImageTypeError (TypeError)           an object or dtype that is no picture at all
    ├── ImageNotFoundError (FileNotFoundError)
    ├── BoxesError (ValueError)              boxes that have no position, mixed lengths, a wrong
    domain
    ├── MaskError (ValueError)               ids or shapes that make no mask
    ├── ClassesError (ValueError)            class lists with doubles or without ids and names
    ├── OptionError (ValueError)             an argument outside its choices
    ├── LogKeyError (TypeError, ValueError)  a key that is empty or not text
    ├── LogValueError (TypeError)            a value that no record can hold
    ├── RunStateError (RuntimeError)         logging after finish(), or with no run
    ├── RunBusyError (BlockingIOError)       a prune of files that another process works on
    ├── RunExistsError (FileExistsError)
    ├── RunNotFoundError (LookupError)
    ├── KeyNotFoundError (LookupError)
    ├── QueryError (ValueError)              a query text that is not of the language
    ├── StoreError (OSError)                 a folder that cannot be written, or is not a store
    ├── StoreNotFoundError (FileNotFoundError)
    ├── DamagedError (OSError)               stored bytes that are not what was written
    ├── WriteFailedError (OSError)           a background write that failed; raised by finish()
    ├── ExportError (ValueError)             an export that cannot be made from what is there
    ├── ViewerError (RuntimeError)           the viewer in a notebook does not start
    └── MissingDependencyError (ImportError) an optional package that a command needs
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = [
    "BoxesError",
    "ClassesError",
    "DamagedError",
    "DimensionError",
    "ExportError",
    "FilmstripError",
    "FilmstripWarning",
    "ImageFileError",
    "ImageInputError",
    "ImageNotFoundError",
    "ImageTypeError",
    "KeyNotFoundError",
    "LogKeyError",
    "LogValueError",
    "MaskError",
    "MissingDependencyError",
    "OptionError",
    "QueryError",
    "RunBusyError",
    "RunExistsError",
    "RunNotFoundError",
    "RunStateError",
    "StoreError",
    "StoreNotFoundError",
    "ViewerError",
    "WriteFailedError",
]


class FilmstripError(Exception):
    """The base of every error that filmstrip raises on purpose."""

    exit_code = 1
    """What the command line exits with when this error ends a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        # A data loader's worker sends its errors pickled; the message is whole, its parts are not.
        return _unpickled, (type(self), self.args, dict(self.__dict__))


class FilmstripWarning(UserWarning):
    """The category of every warning that filmstrip gives."""


class _ExplainedError(FilmstripError):
    """An error whose message is *expected; got; what to do* on one line."""

    def __init__(self, expected: str, *, got: str, fix: str) -> None:
        self.expected = expected
        self.got = got
        self.fix = fix
        super().__init__(one_line(f"expected {expected}, got {got}; {fix}"))


class ImageInputError(_ExplainedError, ValueError):
    """The input is of a known kind, but makes no picture: wrong shape, range, mode or file type."""


class DimensionError(ImageInputError):
    """A side of the image is longer than ``Image.MAX_DIMENSION``."""

    def __init__(self, *, width: int, height: int, limit: int) -> None:
        self.width, self.height, self.limit = width, height, limit
        super().__init__(
            f"sides of at most MAX_DIMENSION = {limit} pixels",
            got=f"width {width} and height {height}",
            fix="scale the image down or cut it into tiles",
        )


class ImageFileError(ImageInputError):
    """Encoded bytes that do not decode to a picture."""


class ImageTypeError(_ExplainedError, TypeError):
    """The object, or the dtype of its values, is nothing that a picture can be made of."""


class ImageNotFoundError(FilmstripError, FileNotFoundError):
    """A path given as an image or mask does not exist."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            one_line(
                f"expected the path of an image file, got one that does not exist; "
                f"check it against the working folder {Path.cwd()}: {path!r}"
            )
        )


class BoxesError(_ExplainedError, ValueError):
    """Bounding boxes that cannot be understood."""


class MaskError(_ExplainedError, ValueError):
    """A mask whose ids or shape cannot be kept."""


class ClassesError(_ExplainedError, ValueError):
    """A class list with doubled ids, or entries without an id and a name."""


class OptionError(_ExplainedError, ValueError):
    """An argument is outside the choices it has."""

    exit_code = 2


class LogKeyError(_ExplainedError, TypeError, ValueError):
    """A key of ``log()`` is empty or not text."""


class LogValueError(_ExplainedError, TypeError):
    """A value of ``log()`` is nothing that a record can hold."""


class RunStateError(_ExplainedError, RuntimeError):
    """The run cannot do this in the state it is in."""


class RunBusyError(_ExplainedError, BlockingIOError):
    """The run's files cannot be changed while another process works on them."""


class RunExistsError(FilmstripError, FileExistsError):
    """``init(id=...)`` names a run that is already in the store."""

    exit_code = 2

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(
            one_line(
                f"expected a run id that is not in the store yet, got {run_id!r}; "
                f"pass resume='allow' to go on with that run, or leave id= out"
            )
        )


class RunNotFoundError(FilmstripError, LookupError):
    """The store holds no run of this id."""

    exit_code = 2

    def __init__(self, run_id: str, *, known: list[str]) -> None:
        self.run_id, self.known = run_id, known
        super().__init__(
            one_line(
                f"expected the id of a run in the store, got {run_id!r}; {_choices(known, 'runs')}"
            )
        )


class KeyNotFoundError(FilmstripError, LookupError):
    """The run holds no images under this key, or none at this step."""

    exit_code = 2

    def __init__(self, key: str, *, known: list[str], step: int | None = None) -> None:
        self.key, self.known, self.step = key, known, step
        if step is None:
            text = f"expected a key that has images, got {key!r}; {_choices(known, 'keys')}"
        else:
            text = (
                f"expected a step where {key!r} has images, got {step}; {_choices(known, 'steps')}"
            )
        super().__init__(one_line(text))


class QueryError(_ExplainedError, ValueError):
    """A query of the viewer's bar that cannot be read; `position` counts characters from 0."""

    exit_code = 2

    def __init__(self, expected: str, *, got: str, fix: str, position: int) -> None:
        self.position = position
        super().__init__(expected, got=f"{got} at character {position + 1}", fix=fix)


class StoreError(_ExplainedError, OSError):
    """The store folder cannot be written, or is a folder of something else."""

    exit_code = 2


class StoreNotFoundError(FilmstripError, FileNotFoundError):
    """There is no store at this path."""

    exit_code = 2

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            one_line(
                f"expected a filmstrip store, got a path without one; log something first, "
                f"or point FILMSTRIP_DIR at the store: {path}"
            )
        )


class DamagedError(FilmstripError, OSError):
    """Stored bytes are not the bytes that were written."""

    def __init__(self, what: str, *, shard: Path, offset: int) -> None:
        self.what, self.shard, self.offset = what, shard, offset
        super().__init__(
            one_line(
                f"expected the bytes that were logged, got {what}; "
                f"run `filmstrip verify` for all of it: {shard} at byte {offset}"
            )
        )


class WriteFailedError(FilmstripError, OSError):
    """Something could not be written in the background; ``finish()`` raises it when strict."""

    def __init__(self, what: str, *, path: Path) -> None:
        self.what, self.path = what, path
        super().__init__(
            one_line(f"expected to write everything that was logged, but {what}: {path}")
        )


class ExportError(_ExplainedError, ValueError):
    """The export cannot be made from what is there."""

    exit_code = 2


class ViewerError(_ExplainedError, RuntimeError):
    """The viewer that a notebook asked for does not start."""


class MissingDependencyError(FilmstripError, ImportError):
    """A command needs a package that is not installed."""

    exit_code = 2

    def __init__(self, package: str, *, purpose: str, extra: str) -> None:
        self.package, self.purpose, self.extra = package, purpose, extra
        super().__init__(
            f"expected the package {package} for {purpose}, got none; "
            f'pip install "filmstrip[{extra}]"'
        )


def _unpickled(
    kind: type[FilmstripError], args: tuple[Any, ...], fields: dict[str, Any]
) -> FilmstripError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error


def one_line(text: str) -> str:
    """Return the text with every control character escaped, so that it prints as one line.

    Examples
    --------
    >>> one_line("a" + chr(10) + "b").count(chr(92))
    1
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _choices(known: list[str], noun: str) -> str:
    if not known:
        return f"there are no {noun} here"
    shown = ", ".join(repr(name) if noun != "steps" else name for name in known[:8])
    return f"the {noun} are {shown}" + (f" and {len(known) - 8} more" if len(known) > 8 else "")

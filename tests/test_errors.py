from __future__ import annotations

import builtins
import inspect
import pickle
from pathlib import Path

import pytest

from filmstrip import errors
from filmstrip.errors import FilmstripError, FilmstripWarning, one_line
from filmstrip.warn import warn_user

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, FilmstripError) and not name.startswith("_")
}
EXPLAINED = [
    "ImageInputError",
    "ImageFileError",
    "ImageTypeError",
    "BoxesError",
    "MaskError",
    "ClassesError",
    "OptionError",
    "LogKeyError",
    "LogValueError",
    "RunBusyError",
    "RunStateError",
    "StoreError",
    "ExportError",
    "ViewerError",
]
BUILTINS = {
    "BoxesError": [ValueError],
    "ClassesError": [ValueError],
    "DamagedError": [OSError],
    "DimensionError": [ValueError],
    "ExportError": [ValueError],
    "ImageFileError": [ValueError],
    "ImageInputError": [ValueError],
    "ImageNotFoundError": [FileNotFoundError],
    "ImageTypeError": [TypeError],
    "KeyNotFoundError": [LookupError],
    "LogKeyError": [TypeError, ValueError],
    "LogValueError": [TypeError],
    "MaskError": [ValueError],
    "MissingDependencyError": [ImportError],
    "OptionError": [ValueError],
    "QueryError": [ValueError],
    "RunBusyError": [BlockingIOError],
    "RunExistsError": [FileExistsError],
    "RunNotFoundError": [LookupError],
    "RunStateError": [RuntimeError],
    "StoreError": [OSError],
    "StoreNotFoundError": [FileNotFoundError],
    "ViewerError": [RuntimeError],
    "WriteFailedError": [OSError],
}


def test_every_error_is_exported():
    assert {*CLASSES, "FilmstripWarning"} == set(errors.__all__)


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - {"FilmstripError"}))
def test_every_error_is_drawn_in_the_docstring_under_its_builtin(name):
    lines = [line for line in errors.__doc__.splitlines() if f"─ {name} " in line]
    assert len(lines) == 1
    own_builtins = [b.__name__ for b in BUILTINS[name]]
    if name not in ("DimensionError", "ImageFileError"):  # drawn under their base
        assert f"─ {name} ({', '.join(own_builtins)})" in lines[0]


def test_the_docstring_draws_no_error_that_is_gone():
    drawn = [line.split("─ ")[1].split()[0] for line in errors.__doc__.splitlines() if "─ " in line]
    assert sorted(drawn) == sorted(CLASSES.keys() - {"FilmstripError"})


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_every_error_is_also_the_builtin_that_a_caller_would_catch(name):
    bases = [b for b in CLASSES[name].__mro__ if b.__module__ == "builtins"]
    leaves = [b for b in bases if not any(b in other.__mro__[1:] for other in bases)]
    assert leaves == BUILTINS[name]
    assert all(getattr(builtins, b.__name__) is b for b in leaves)


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_message_is_what_was_expected_what_came_and_what_to_do(name):
    error = CLASSES[name]("a cat", got="a dog", fix="pass a cat")
    assert str(error) == "expected a cat, got a dog; pass a cat"
    assert (error.expected, error.got, error.fix) == ("a cat", "a dog", "pass a cat")


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_message_is_one_line_whatever_it_quotes(name):
    error = CLASSES[name]("a", got="x\r\ny\x00\u2028\x1b[31m", fix="b\n")
    assert str(error) == "expected a, got x\\r\\ny\\x00\\u2028\\x1b[31m; b\\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            errors.DimensionError(width=70_000, height=3, limit=65_500),
            (
                "expected sides of at most MAX_DIMENSION = 65500 pixels, got width 70000 "
                "and height 3; scale the image down or cut it into tiles"
            ),
        ),
        (
            errors.ImageNotFoundError("a\nb.png"),
            (
                "expected the path of an image file, got one that does not exist; "
                f"check it against the working folder {Path.cwd()}: 'a\\nb.png'"
            ),
        ),
        (
            errors.RunExistsError("r1"),
            (
                "expected a run id that is not in the store yet, got 'r1'; "
                "pass resume='allow' to go on with that run, or leave id= out"
            ),
        ),
        (
            errors.RunNotFoundError("r1", known=[]),
            "expected the id of a run in the store, got 'r1'; there are no runs here",
        ),
        (
            errors.RunNotFoundError("r1", known=["a", "b"]),
            "expected the id of a run in the store, got 'r1'; the runs are 'a', 'b'",
        ),
        (
            errors.RunNotFoundError("r1", known=[f"run{i}" for i in range(10)]),
            (
                "expected the id of a run in the store, got 'r1'; the runs are 'run0', 'run1', "
                "'run2', 'run3', 'run4', 'run5', 'run6', 'run7' and 2 more"
            ),
        ),
        (
            errors.KeyNotFoundError("k", known=["a\n"]),
            "expected a key that has images, got 'k'; the keys are 'a\\n'",
        ),
        (
            errors.KeyNotFoundError("k", known=["1", "2"], step=7),
            "expected a step where 'k' has images, got 7; the steps are 1, 2",
        ),
        (
            errors.StoreNotFoundError(Path("/x")),
            (
                "expected a filmstrip store, got a path without one; log something first, "
                "or point FILMSTRIP_DIR at the store: /x"
            ),
        ),
        (
            errors.DamagedError("a flipped bit", shard=Path("a.tar"), offset=512),
            (
                "expected the bytes that were logged, got a flipped bit; "
                "run `filmstrip verify` for all of it: a.tar at byte 512"
            ),
        ),
        (
            errors.WriteFailedError("3 of the logged records were dropped", path=Path("a")),
            (
                "expected to write everything that was logged, but 3 of the logged records were "
                "dropped: a"
            ),
        ),
        (
            errors.MissingDependencyError("av", purpose="mp4 files", extra="video"),
            'expected the package av for mp4 files, got none; pip install "filmstrip[video]"',
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, FilmstripError) else "",
)
def test_errors_with_fields_of_their_own_write_their_own_message(error, message):
    assert str(error) == message


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_command_line_exits_with_1_or_2(name):
    assert CLASSES[name].exit_code in (1, 2)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain ключ 🎞", "plain ключ 🎞"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[0m", "\\x1b[0m"),
        ("\ud800", "\\ud800"),
        ("\u202e", "\\u202e"),
        ("", ""),
    ],
)
def test_one_line_escapes_what_is_not_printable(text, line):
    assert one_line(text) == line


def test_a_warning_names_the_line_outside_filmstrip_and_is_one_line():
    with pytest.warns(FilmstripWarning) as caught:
        warn_user("a\nb")
    assert (str(caught[0].message), caught[0].filename) == ("a\\nb", __file__)
    assert issubclass(FilmstripWarning, UserWarning)


@pytest.mark.parametrize("name", EXPLAINED)
def test_an_error_comes_back_from_another_process(name):
    error = CLASSES[name]("a cat", got="a dog", fix="pass a cat")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.got) == (type(error), str(error), "a dog")


def test_an_error_with_fields_of_its_own_comes_back_from_another_process():
    error = errors.DamagedError("a flipped bit", shard=Path("a.tar"), offset=512)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.shard, again.offset) == (str(error), Path("a.tar"), 512)

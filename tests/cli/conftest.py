"""A small store whose every byte is known, and the command line as a function."""

from __future__ import annotations

import io
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import PIL.Image
import pytest

import filmstrip
from filmstrip.cli import main

CREATED_SECS = 1_700_000_000.0

_EVIL = "\x1b[31m[red]x[/red]\x1b]0;owned\x07\n\u202eabc"
"""A terminal escape, rich markup, a title change, a line break, a mark that reverses text."""

_EVIL_SHOWN = r"\x1b[31m[red]x[/red]\x1b]0;owned\x07\n\u202eabc"


@dataclass(frozen=True, slots=True)
class EvilText:
    """A text that terminals act on, and how it must be shown."""

    raw: str = _EVIL
    shown: str = _EVIL_SHOWN


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys, monkeypatch) -> Callable[..., Outcome]:
    """The command line as a function of its arguments; output goes to no terminal."""
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM", "TERM_PROGRAM", "TMUX"):
        monkeypatch.delenv(name, raising=False)

    def run(*args: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Outcome(ended.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def evil() -> EvilText:
    return EvilText()


@pytest.fixture
def make_bmp() -> Callable[..., bytes]:
    return bmp


def bmp(width: int, height: int, color: str) -> bytes:
    """Return a picture whose size in bytes no encoder changes."""
    stream = io.BytesIO()
    PIL.Image.new("RGB", (width, height), color).save(stream, "BMP")
    return stream.getvalue()


@pytest.fixture
def fixed_time(monkeypatch) -> Iterator[None]:
    """Let it be one and the same second, in UTC, on a host called box."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: CREATED_SECS)
    monkeypatch.setattr(platform, "node", lambda: "box")
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def store(tmp_path, fixed_time) -> Path:
    """Two runs: one with everything, one that failed and is full of what terminals act on."""
    path = tmp_path / "store"
    log_cats(path)
    with pytest.raises(RuntimeError, match="stop"):
        log_evil(path)
    return path


def log_cats(store: Path) -> None:
    config = {"lr": 0.1, "sizes": [1, 2]}
    with filmstrip.init(
        dir=store, id="lr-0.1", name="baseline", project="cats", tags=["a", "b"], config=config
    ) as run:
        boxes = filmstrip.BoundingBoxes2D.from_arrays(
            [[0, 0, 4, 4], [2, 2, 8, 4]],
            class_id=[1, 2],
            scores={"p": [0.25, 0.5]},
            class_labels={1: "cat", 2: "dog"},
        )
        for step in (0, 10):
            image = filmstrip.Image(bmp(8, 4, "red"), caption=f"at {step}", boxes={"found": boxes})
            run.log({"val/cats": image}, step=step)
        run.log({"pair": [filmstrip.Image(bmp(4, 4, c)) for c in ("blue", "lime")]}, step=3)
        run.log({"loss": 0.25, "note": "fine", "worst": float("nan")}, step=10)


def log_evil(store: Path) -> None:
    with filmstrip.init(dir=store, id="lr-0.01", name=_EVIL, project="cats") as run:
        run.log({_EVIL: filmstrip.Image(bmp(1, 1, "red"), caption=_EVIL), "text": _EVIL}, step=7)
        raise RuntimeError("stop")

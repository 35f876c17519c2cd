"""Reading shards in the order they are stored in: here, or ahead of that in a process of its own.

Little is read here. When there is more, a second process (``python -c``) reads and parses what is
left while this one stores what came before. Whatever becomes of it, what is missing is read here.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from filmstrip.index.stretch import Stretch, read_stretches

__all__ = ["Reader", "ShardPart", "main"]

ALONE_SECS = 0.1
"""How long shards are read here before a process is started, if as much again is left."""

_PIPE_BYTES = 2**20
"""How far the process may be ahead: as much as Linux gives to anyone."""

_LENGTH_BYTES = 4


class ShardPart(msgspec.Struct, frozen=True, array_like=True):
    """A shard that is to be read from an offset to its end."""

    path: str
    start: int
    size_bytes: int
    """Size of the whole file."""


class _Frame(msgspec.Struct, frozen=True, array_like=True):
    """A stretch on its way from the process that read it."""

    at: int
    """Place of its shard among those that the process was given."""
    start: int
    stretch: Stretch


_encoder = msgspec.msgpack.Encoder()
_frame_decoder = msgspec.msgpack.Decoder(_Frame)


class Reader:
    """Gives the stretches of shards; `close` it.

    Parameters
    ----------
    parts
        What is to be read, in the order in which it will be asked for.
    """

    def __init__(self, parts: Sequence[ShardPart]) -> None:
        self._parts = list(parts)
        self._left_bytes = sum(part.size_bytes - part.start for part in parts)
        self._done_bytes = 0
        self._began = time.monotonic()
        self._process: _Process | None = None
        self._may_start = bool(sys.executable) and not getattr(sys, "frozen", False)

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.end()

    def stretches(self, path: str, start: int) -> Iterator[Stretch]:
        """Yield what follows a place in a shard; the last stretch may be empty."""
        at, is_last = start, False
        read_here, here_at = read_stretches(Path(path), at), at
        while not is_last:
            if self._may_start and self._is_long():
                self._start(path, at)
            stretch = self._process.stretch(path, at) if self._process else None
            if stretch is None:
                if here_at != at:
                    read_here = read_stretches(Path(path), at)
                stretch = next(read_here)
                here_at = stretch.end
            self._done_bytes += stretch.end - at
            self._left_bytes -= stretch.end - at
            at, is_last = stretch.end, stretch.is_last
            yield stretch

    def _is_long(self) -> bool:
        is_late = time.monotonic() - self._began >= ALONE_SECS
        return is_late and self._left_bytes >= self._done_bytes

    def _start(self, path: str, at: int) -> None:
        """Have a process read on from here."""
        self._may_start = False
        paths = [part.path for part in self._parts]
        first, *later = self._parts[paths.index(path) :]
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._process = _Process([ShardPart(path, at, first.size_bytes), *later])


class _Process:
    """A process that reads shards, and what has come from it."""

    def __init__(self, parts: list[ShardPart]) -> None:
        self._place_of = {part.path: place for place, part in enumerate(parts)}
        self._next: _Frame | None = None
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and code
            _command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with contextlib.suppress(OSError):
            fcntl.fcntl(_open(self._process.stdout), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        with contextlib.suppress(OSError), _open(self._process.stdin) as told:
            told.write(_encoder.encode(parts))

    def stretch(self, path: str, start: int) -> Stretch | None:
        """Return what was read at a place in a shard, None when that was not read."""
        wanted = (self._place_of[path], start)
        while (frame := self._next or self._received()) is not None:
            self._next = frame
            if (frame.at, frame.start) > wanted:
                return None
            self._next = None
            if (frame.at, frame.start) == wanted:
                return frame.stretch
        return None

    def end(self) -> None:
        """Stop the process."""
        self._process.kill()
        self._process.wait()
        _open(self._process.stdout).close()

    def _received(self) -> _Frame | None:
        """Return the next stretch; None when the process has ended."""
        pipe = _open(self._process.stdout)
        length = int.from_bytes(pipe.read(_LENGTH_BYTES), "little")
        data = pipe.read(length)
        try:
            return _frame_decoder.decode(data) if length else None
        except msgspec.MsgspecError:  # it died in mid-frame
            return None


def main() -> None:
    """Read the shards that stdin names, and write their stretches to stdout."""
    gc.disable()  # what is made holds no cycles
    parts = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=list[ShardPart])
    pipe = sys.stdout.buffer
    with contextlib.suppress(BrokenPipeError):
        for at, part in enumerate(parts):
            start = part.start
            for stretch in read_stretches(Path(part.path), start):
                frame = _encoder.encode(_Frame(at, start, stretch))
                pipe.write(len(frame).to_bytes(_LENGTH_BYTES, "little"))
                pipe.write(frame)
                pipe.flush()
                start = stretch.end
    os._exit(0)


def _command() -> list[str]:
    """Return the command that runs `main` in a process of its own."""
    code = (
        "import sys,json;sys.path[:]=json.loads(sys.argv[1]);"
        "from filmstrip.index.reader import main;main()"
    )
    sys_path = [str(Path(path).absolute()) for path in sys.path]
    return [sys.executable, "-I", "-S", "-c", code, json.dumps(sys_path)]


def _open(pipe: IO[Any] | None) -> IO[Any]:
    if pipe is None:
        raise ValueError("the process has no such pipe")
    return pipe

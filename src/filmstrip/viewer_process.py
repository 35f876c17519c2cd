"""The viewer in a child process, for notebooks: one for each store, ending with this process."""

from __future__ import annotations

import atexit
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, SimpleQueue

from filmstrip.errors import ViewerError

__all__ = ["ViewerProcess", "viewer_of"]

_START_SECS = 60.0
_CLOSE_SECS = 5.0
_COMMAND = """
import os, sys, threading
def wait():
    sys.stdin.buffer.read()  # ends when the notebook's process does, however that comes
    os._exit(0)
threading.Thread(target=wait, daemon=True).start()
from filmstrip.cli import main
main()
"""


class ViewerProcess:
    """``filmstrip view`` on a store.

    Parameters
    ----------
    store_dir
        The store.

    Raises
    ------
    ViewerError
        It does not start.
    """

    def __init__(self, store_dir: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-c", _COMMAND, "view", str(store_dir), "--no-browser"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # an interrupted cell interrupts not the viewer
        )
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self._wait_for_url(store_dir)

    @property
    def is_running(self) -> bool:
        """Whether it still serves."""
        return self._process.poll() is None

    def close(self) -> None:
        """Stop it, and wait until it is gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_CLOSE_SECS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        """Take what it prints, so that it never waits for somebody to."""
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put("")

    def _wait_for_url(self, store_dir: Path) -> str:
        printed: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=_START_SECS)
            except Empty:
                line = ""
            printed.append(line.strip())
            if " is at http" in line:
                return line.split(" is at ")[-1].strip()
            if not line:
                self.close()
                said = " ".join(filter(None, printed)) or f"nothing in {_START_SECS:g} seconds"
                raise ViewerError(
                    "the viewer to start",
                    got=said,
                    fix=f"run `filmstrip view {store_dir}` to see more",
                )


_running: dict[Path, ViewerProcess] = {}
_lock = threading.Lock()


def viewer_of(store_dir: Path) -> ViewerProcess:
    """Return what serves a store, started when it is not running yet.

    Raises
    ------
    ViewerError
        It does not start.
    """
    place = store_dir.resolve()
    with _lock:
        process = _running.get(place)
        if process is None or not process.is_running:
            process = _running[place] = ViewerProcess(place)
        return process


@atexit.register
def _close_all() -> None:
    for process in _running.values():
        if process.is_running:
            process.close()
    _running.clear()

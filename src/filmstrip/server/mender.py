"""Repairing beside the server: what killed processes had logged shows without anyone's doing."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

from filmstrip.folder import RUNS_DIR, read_writers

__all__ = ["Mender"]

_PASS_SECS = 3.0
"""Between two looks for spools whose process is gone."""


class Mender:
    """Drains dead spools on a thread.

    Only those of this machine: on some network file systems nobody sees another machine's locks.
    ``filmstrip repair`` takes the others.

    Parameters
    ----------
    store_dir
        Folder of the store.
    """

    def __init__(self, store_dir: Path) -> None:
        self._store_dir = store_dir
        self._given_up: set[Path] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="mender", daemon=True)

    def start(self) -> None:
        """Begin, on a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what it drains just now is drained to the end."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def look(self) -> None:
        """Drain what is dead; a spool that cannot be drained is not tried again."""
        from filmstrip.repair import dead_spools, repair_run

        for run_dir in self._run_dirs():
            dead = set(dead_spools(run_dir)) - self._given_up
            if dead and self._are_ours(run_dir, dead):
                repair_run(run_dir, patience_secs=0)
                self._given_up.update(dead_spools(run_dir))

    def _watch(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(OSError):  # the store is gone: the page says so
                self.look()
            self._stopped.wait(_PASS_SECS)

    def _run_dirs(self) -> list[Path]:
        return [path for path in (self._store_dir / RUNS_DIR).iterdir() if path.is_dir()]

    def _are_ours(self, run_dir: Path, spools: set[Path]) -> bool:
        hosts = {info.name: info.host for info in read_writers(run_dir)}
        return all(hosts.get(spool.stem) == socket.gethostname() for spool in spools)

"""Pruning while a run is written: the encoder lets go of images that policies no longer keep.

Shards are rewritten when as much was stored since the last time as stayed then, and 32 MiB at
least: a policy's garbage never takes more room than what it keeps, and each byte is copied a few
times only. At the writer's end all that is over is pruned exactly.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from filmstrip.errors import FilmstripError
from filmstrip.shard.append import ShardAppender

if TYPE_CHECKING:
    from filmstrip.draft import KeepRule
    from filmstrip.retention import Keep

__all__ = ["LivePruning"]

_MIN_BYTES = 32 * 2**20
"""Shards that have grown by less are not looked at."""


class LivePruning:
    """The policies of one writer, and when to act on them.

    Parameters
    ----------
    writer
        What the names of its shards begin with.
    appender
        Where it appends; told of shards that were rewritten.
    """

    def __init__(self, writer: str, appender: ShardAppender) -> None:
        self._writer, self._appender = writer, appender
        self._keep: Keep | None = None
        self._seen_bytes = 0
        self._kept_bytes = 0

    def add(self, rule: KeepRule) -> None:
        """Keep images of keys that fit the pattern by this policy from now on."""
        from filmstrip.retention import Keep

        keep = self._keep or Keep(())
        self._keep = keep.with_rule(rule.pattern, rule.policy)

    @property
    def is_due(self) -> bool:
        """Whether enough was stored since the last time."""
        grown_bytes = self._appender.size_bytes - self._seen_bytes
        return self._keep is not None and grown_bytes >= max(_MIN_BYTES, self._kept_bytes)

    def prune(self) -> None:
        """Seal the open shard and prune this writer's; nothing may be appended meanwhile.

        Raises
        ------
        OSError
            The disk refuses; all that was stored is there.
        """
        self._seen_bytes = self._appender.size_bytes
        if self._keep is None:
            return
        from filmstrip.prune import prune_writer

        self._appender.close()
        with contextlib.suppress(FilmstripError):  # somebody else prunes at this moment
            result = prune_writer(self._appender.run_dir, self._writer, self._keep)
            self._appender.follow(result.moved, result.sizes)
        self._kept_bytes = sum(self._appender.sealed.values())

    def prune_all(self, run_dir: Path) -> None:
        """Prune what every writer that has ended left in the run, once this one has.

        Raises
        ------
        OSError
            The disk refuses; pruning again goes on.
        """
        if self._keep is None:
            return
        from filmstrip.prune import prune_run
        from filmstrip.store import StoredRun

        with contextlib.suppress(FilmstripError):
            prune_run(StoredRun(run_dir), self._keep)

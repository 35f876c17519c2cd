"""Checking a store: every record, every checksum, and where exactly something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from filmstrip.verify.problem import Problem, ProblemKind, StoreReport
from filmstrip.verify.run_check import RunCheck

if TYPE_CHECKING:
    from pathlib import Path

    from filmstrip.store import Store

__all__ = ["OnBytes", "Problem", "ProblemKind", "StoreReport", "verify_store"]

OnBytes: TypeAlias = Callable[[int, int], None]
"""Called as ``on_bytes(done, total)`` while shards are read; both count bytes."""


def verify_store(store: Store, *, on_bytes: OnBytes | None = None) -> StoreReport:
    """Check every run of a store; reads it all, changes nothing.

    Parameters
    ----------
    store
        What `filmstrip.open` returned.
    on_bytes
        See `OnBytes`.

    Returns
    -------
    StoreReport
        With the problems by run, in the order in which they stand in the files.

    Raises
    ------
    OSError
        The folder of runs cannot be listed.

    Examples
    --------
    >>> import tempfile, numpy as np, filmstrip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with filmstrip.init(dir=folder) as run:
    ...         run.log({"examples": filmstrip.Image(np.eye(8)), "loss": 0.5})
    ...     report = verify_store(filmstrip.open(folder))
    >>> report.samples, report.members, report.problems
    (2, 1, ())
    """
    shards = {run.dir: sorted(run.dir.glob("*.tar")) for run in store.runs()}
    sizes = {shard: _size_bytes(shard) for found in shards.values() for shard in found}
    total, done = sum(sizes.values()), 0
    checks = []
    for run_dir, found in shards.items():
        check = RunCheck(run_dir)
        checks.append(check)
        check.read_info()
        for shard in found:
            for offset in check.read_shard(shard):
                if on_bytes is not None:
                    on_bytes(done + min(offset, sizes[shard]), total)
            done += sizes[shard]
        check.finish([shard.name for shard in found])
    return StoreReport(
        runs=len(checks),
        shards=len(sizes),
        samples=sum(check.num_samples for check in checks),
        members=sum(check.num_members for check in checks),
        size_bytes=total,
        problems=tuple(problem for check in checks for problem in check.problems),
    )


def _size_bytes(shard: Path) -> int:
    """Return the size of a file, 0 when it cannot be looked at: reading it will say why."""
    try:
        return shard.stat().st_size
    except OSError:
        return 0

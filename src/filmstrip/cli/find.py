"""Finding the run that a user means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filmstrip.cli.errors import AmbiguousRunError
from filmstrip.errors import RunNotFoundError

if TYPE_CHECKING:
    from filmstrip.store import Store, StoredRun

__all__ = ["find_run"]


def find_run(store: Store, text: str) -> StoredRun:
    """Return the run with this id, else this name, else an id that begins so.

    Raises
    ------
    RunNotFoundError
        No run fits.
    AmbiguousRunError
        No id is equal, and several names, or beginnings of ids, are.

    Examples
    --------
    >>> import tempfile, filmstrip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for run_id in ("lr-0.1", "lr-0.01", "long"):
    ...         filmstrip.init(dir=folder, id=run_id).finish()
    ...     store = filmstrip.open(folder)
    ...     find_run(store, "lr-0.1").id, find_run(store, "lo").id
    ('lr-0.1', 'long')
    """
    runs = {run.id: run for run in store.runs()}
    if text in runs:
        return runs[text]
    named = [run for run in runs.values() if run.info.name == text]
    found = named or [run for run in runs.values() if text and run.id.startswith(text)]
    if not found:
        raise RunNotFoundError(text, known=sorted(runs))
    if len(found) > 1:
        raise AmbiguousRunError(text, candidates=sorted(run.id for run in found))
    return found[0]

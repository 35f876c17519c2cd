"""What is new since the last look, told as events; whoever put it into the index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from filmstrip.index.rows import IndexChanges, KeyChange, KeyRow, RunRow
from filmstrip.server.events import Event
from filmstrip.server.schema import RunEvent

__all__ = ["News"]

_GONE = "deleted"


class News:
    """Remembers the keys of the last look, and says what changed.

    Another server on the same store, or a command, may have read the shards first: then the index
    tells of no changes, though there are some. So the counts are compared as well.

    Examples
    --------
    >>> news = News()
    >>> news.events(IndexChanges(), changed=["a"], rows=[], states={})
    [RunEvent(run_id='a', state='deleted')]
    """

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], KeyRow] | None = None

    def events(
        self,
        changes: IndexChanges,
        *,
        changed: Iterable[str],
        rows: Iterable[RunRow],
        states: Mapping[str, str],
    ) -> list[Event]:
        """Return what to tell, and remember the rows.

        Parameters
        ----------
        changes
            What the index says that it found.
        changed
            Runs whose files changed.
        rows
            The runs as they are in the index now.
        states
            State of each of them.
        """
        keys = {(row.run_id, key.key): key for row in rows for key in row.keys}
        told: dict[tuple[str, str], KeyChange] = {
            (run, key): KeyChange(
                run_id=run, key=key, step=row.last_step, num_images=row.num_images
            )
            for (run, key), row in keys.items()
            if self._keys is not None and self._keys.get((run, key)) != row
        }
        told |= {(change.run_id, change.key): change for change in changes.keys}
        self._keys = keys
        said = {change.run_id for change in told.values()}
        runs = sorted(set(changes.runs) | (set(changed) - said))
        return [
            *told.values(),
            *(RunEvent(run_id=run, state=states.get(run, _GONE)) for run in runs),
        ]

"""Reading back: a store, its runs, and the images in them.

A run is what its shards say. They are scanned once and then only as far as they have grown, so a
run that is being written can be read at any time.
"""

from __future__ import annotations

import math
import operator
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, SupportsIndex

from filmstrip.errors import KeyNotFoundError, RunNotFoundError
from filmstrip.folder import (
    RUNS_DIR,
    THUMBNAILS_DIR,
    default_store_dir,
    find_store,
    read_run_info,
    read_writers,
)
from filmstrip.freeform import from_json_value
from filmstrip.logged import LoggedImage, LoggedValues
from filmstrip.notebook import RunInNotebook
from filmstrip.record import ImageRecord, RecordDamagedError, RunInfo, ValuesRecord
from filmstrip.run_state import shown_state
from filmstrip.shard.read import Damage, StoredSample
from filmstrip.shard.reader import ShardsReader

__all__ = ["LoggedImage", "LoggedValues", "Store", "StoredRun", "open"]


def open(path: str | os.PathLike[str] | None = None) -> Store:  # noqa: A001  # filmstrip.open is the API
    """Return the store at a path, by default ``FILMSTRIP_DIR`` or ``.filmstrip``.

    Raises
    ------
    StoreNotFoundError
        There is nothing at this path.
    StoreError
        There is something, but no store.

    Examples
    --------
    >>> import tempfile, filmstrip
    >>> folder = tempfile.mkdtemp()
    >>> filmstrip.init(dir=folder, id="first").finish()
    >>> filmstrip.open(folder).runs()
    [StoredRun('first')]
    """
    return Store(find_store(default_store_dir() if path is None else Path(path)))


class Store:
    """A folder of runs; `filmstrip.open` returns it.

    Examples
    --------
    >>> import tempfile, filmstrip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     filmstrip.init(dir=folder, id="first", project="digits").finish()
    ...     store = filmstrip.open(folder)
    ...     [(run.id, run.info.project) for run in store.runs()]
    [('first', 'digits')]
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def runs(self) -> list[StoredRun]:
        """Return the runs, oldest first."""
        found = [StoredRun(d) for d in sorted((self.path / RUNS_DIR).iterdir()) if d.is_dir()]
        return sorted(found, key=lambda run: (run.info.created, run.id))

    def run(self, run_id: str) -> StoredRun:
        """Return one run.

        Raises
        ------
        RunNotFoundError
            The store has no run of this id.
        """
        names = sorted(d.name for d in (self.path / RUNS_DIR).iterdir() if d.is_dir())
        if run_id not in names:
            raise RunNotFoundError(run_id, known=names)
        return StoredRun(self.path / RUNS_DIR / run_id)

    def query(self, text: str = "", *, limit: int | None = None) -> list[LoggedImage]:
        """Return the images that a query of the viewer's bar finds, in its order.

        They are found through the index in the store, which is brought up to date first.

        Parameters
        ----------
        text
            Such as ``run:abc class:cat score:confidence>0.5 -has:masks sort:loss``; the newest
            images come first unless it sorts them.
        limit
            How many at most; all by default.

        Raises
        ------
        QueryError
            The text cannot be read; the message names the place.

        Examples
        --------
        >>> import tempfile, numpy as np, filmstrip
        >>> folder = tempfile.mkdtemp()
        >>> with filmstrip.init(dir=folder, id="first") as run:
        ...     for step in range(3):
        ...         run.log({"digit": filmstrip.Image(np.eye(8)), "loss": 3 - step}, step=step)
        >>> [image.step for image in filmstrip.open(folder).query("loss<=2 sort:loss")]
        [2, 1]
        """
        from filmstrip.index.logged import query_images

        return query_images(self.path, text, limit)

    def latest(
        self,
        at: float = math.inf,
        *,
        runs: Sequence[str] | None = None,
        keys: Sequence[str] | None = None,
        axis: str = "step",
        max_images: int | None = None,
    ) -> list[LoggedImage]:
        """Return the newest images at or before a step, for many runs and keys at once.

        Parameters
        ----------
        at
            Place on the axis; by default behind everything.
        runs, keys
            Only these, by id and name; all by default.
        axis
            ``step``, ``time`` in seconds since 1970, or the name of a logged number: then the step
            counts where it came nearest to `at` without passing it.
        max_images
            How many of each key; all of its step by default.

        Examples
        --------
        >>> import tempfile, numpy as np, filmstrip
        >>> folder = tempfile.mkdtemp()
        >>> with filmstrip.init(dir=folder, id="first") as run:
        ...     for step in (0, 10, 20):
        ...         run.log({"digit": filmstrip.Image(np.eye(8))}, step=step)
        >>> [image.step for image in filmstrip.open(folder).latest(15)]
        [10]
        """
        from filmstrip.index.logged import latest_images

        return latest_images(self.path, at, runs=runs, keys=keys, axis=axis, max_images=max_images)

    def remove(self, run_id: str) -> None:
        """Delete a run and all it holds, and every thumbnail: some may be of its pictures.

        Raises
        ------
        RunNotFoundError
            The store has no run of this id.
        OSError
            A file cannot be deleted.
        """
        shutil.rmtree(self.run(run_id).dir)
        shutil.rmtree(self.path / THUMBNAILS_DIR, ignore_errors=True)

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"


class StoredRun(RunInNotebook):
    """A run in a store.

    Examples
    --------
    >>> import tempfile, numpy as np, filmstrip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with filmstrip.init(dir=folder, id="first") as run:
    ...         run.log({"digit": filmstrip.Image(np.eye(8), caption="seven"), "loss": 0.5})
    ...     stored = filmstrip.open(folder).run("first")
    ...     stored.keys(), stored.images("digit")[0].caption, stored.values()[0].values
    (['digit'], 'seven', {'loss': 0.5})
    """

    def __init__(self, run_dir: Path) -> None:
        self.dir = run_dir
        self._shards = ShardsReader(run_dir)

    @property
    def id(self) -> str:
        """Name of the run in the store."""
        return self.dir.name

    @property
    def info(self) -> RunInfo:
        """Name, project, config, state, …; a bare one when ``run.json`` is missing or damaged."""
        try:
            return read_run_info(self.dir)
        except (OSError, RecordDamagedError):
            created = self.dir.stat().st_mtime
            return RunInfo(id=self.id, name=self.id, project="uncategorized", created=created)

    @property
    def state(self) -> str:
        """``running``, ``finished``, ``failed``, or ``crashed`` of a run that had no end."""
        return shown_state(self.dir, self.info, read_writers(self.dir))

    @property
    def config(self) -> dict[str, Any]:
        """The hyperparameters, as they were given."""
        config: dict[str, Any] = from_json_value(self.info.config)
        return config

    @property
    def size_bytes(self) -> int:
        """Size of the run's files."""
        return sum(file.stat().st_size for file in self.dir.iterdir() if file.is_file())

    def keys(self) -> list[str]:
        """Return the keys that have images, in the order they were first logged."""
        in_order = sorted(self._image_samples(), key=lambda pair: pair[0].session)
        return list(dict.fromkeys(record.key for record, _ in in_order))

    def steps(self, key: str) -> list[int]:
        """Return the steps at which a key has images, in ascending order.

        Raises
        ------
        KeyNotFoundError
            The run has no images under this key.
        """
        found = sorted({record.step for record, _ in self._image_samples() if record.key == key})
        if not found:
            raise KeyNotFoundError(key, known=self.keys())
        return found

    def images(
        self, key: str, steps: SupportsIndex | Iterable[int] | None = None
    ) -> list[LoggedImage]:
        """Return the images of a key, by step and then in the order they were logged.

        Parameters
        ----------
        key
            As it was logged.
        steps
            Only these; a step without images gives none. All by default.

        Raises
        ------
        KeyNotFoundError
            The run has no images under this key.
        """
        wanted = None if steps is None else _step_set(steps)
        found = [pair for pair in self._image_samples() if pair[0].key == key]
        if not found:
            raise KeyNotFoundError(key, known=self.keys())
        newest: dict[int, int] = {}
        for record, _ in found:
            newest[record.step] = max(newest.get(record.step, 0), record.session)
        shown = [
            pair
            for pair in found
            if pair[0].session == newest[pair[0].step]
            and (wanted is None or pair[0].step in wanted)
        ]
        # Not by time first: clocks are set back, the count of a step's images is not.
        shown.sort(key=lambda pair: (pair[0].step, pair[0].rank, pair[0].index, pair[0].time))
        images: list[LoggedImage] = []
        for record, sample in shown:
            is_same_step = bool(images) and images[-1].step == record.step
            index = max(record.index, images[-1].index + 1) if is_same_step else record.index
            images.append(LoggedImage(record, index, self._shards.locate(sample), self._shards))
        return images

    def values(self) -> list[LoggedValues]:
        """Return the numbers and texts, one entry a step, in ascending order.

        Of a key logged again at a step, the value logged last counts.
        """
        by_step: dict[int, LoggedValues] = {}
        records = [s.record for s in self._samples() if isinstance(s.record, ValuesRecord)]
        for record in sorted(records, key=lambda record: (record.step, record.session)):
            merged = by_step.setdefault(record.step, LoggedValues(record.step, record.time, {}))
            merged.values.update({key: from_json_value(v) for key, v in record.values.items()})
        return list(by_step.values())

    def damages(self) -> list[Damage]:
        """Return the places in the shards that were skipped because they are not whole."""
        self._shards.refresh()
        return self._shards.damages()

    def samples_by_shard(self) -> dict[Path, list[StoredSample]]:
        """Return every whole sample as it stands in each shard, superseded ones too."""
        self._shards.refresh()
        return self._shards.samples_by_shard()

    def _samples(self) -> list[StoredSample]:
        self._shards.refresh()
        return self._shards.samples()

    def _image_samples(self) -> list[tuple[ImageRecord, StoredSample]]:
        return [(s.record, s) for s in self._samples() if isinstance(s.record, ImageRecord)]

    def __repr__(self) -> str:
        return f"StoredRun({self.id!r})"


def _step_set(steps: SupportsIndex | Iterable[int]) -> set[int]:
    try:
        return {operator.index(steps)}  # type: ignore[arg-type]
    except TypeError:  # arrays say that they have an index, and have none
        return set(steps)  # type: ignore[arg-type]

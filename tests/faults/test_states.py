"""Any order of logging, kills, resumes, prunes and repairs: what is read is what a dict says."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.faults.counts import times

import filmstrip
from filmstrip.errors import KeyNotFoundError
from filmstrip.prune import prune_run
from filmstrip.repair import dead_spools, repair_run
from filmstrip.retention import parse_keep
from filmstrip.store import StoredRun
from filmstrip.verify import verify_store

KEYS = ("a", "val/b")
keys = st.sampled_from(KEYS)
steps = st.integers(0, 5)


class RunStates(RuleBasedStateMachine):
    """A run, and a dict of what each key holds at each step in the newest session there."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.num_folders = 0
        self.store = self.folder / "0"
        self.run: filmstrip.Run | None = None
        self.session = 0
        self.value = 0
        self.shown: dict[tuple[str, int], tuple[int, list[int]]] = {}
        self.is_sending = True

    @rule(key=keys, step=steps, count=st.integers(1, 3), is_same=st.booleans())
    def log(self, key: str, step: int, count: int, is_same: bool) -> None:
        if self.run is None:
            self.run = filmstrip.init(dir=self.store, id="r", resume="allow")
            self.session = self.run._opened.session
        values = []
        for _ in range(count):
            self.value += not is_same
            values.append(self.value % 256)
        images = [
            filmstrip.Image(np.full((3, 3), value, np.uint8), normalize=False) for value in values
        ]
        self.run.log({key: images}, step=step)
        session, before = self.shown.get((key, step), (-1, []))
        if session != self.session:
            before = []
        self.shown[key, step] = (self.session, before + values)

    @precondition(lambda self: self.run is not None and self.is_sending)
    @rule()
    def stop_the_encoder(self) -> None:
        """From here on all stays in the spool, until the process is killed."""
        writer = self.run._writer
        assert writer.flush()
        writer._control.send = lambda position: True
        writer._look_after_encoder = lambda **_: None
        self.is_sending = False

    @precondition(lambda self: self.run is not None)
    @rule()
    def kill(self) -> None:
        """Go on with the files as they are now; the process they belong to is gone for them."""
        if self.is_sending:
            assert self.run._writer.flush()
        self.num_folders += 1
        copy = self.folder / str(self.num_folders)
        shutil.copytree(self.store, copy)
        self._let_go()
        shutil.rmtree(self.store)
        self.store = copy

    @precondition(lambda self: self.run is not None and self.is_sending)
    @rule()
    def finish(self) -> None:
        self.run.finish()
        self.run = None

    @precondition(lambda self: self.run is None)
    @rule()
    def repair(self) -> None:
        if self._run_dir.exists():
            assert all(one.is_done and not one.num_lost for one in repair_run(self._run_dir))
            assert dead_spools(self._run_dir) == []
            assert verify_store(filmstrip.open(self.store)).problems == ()

    @precondition(lambda self: self.run is None and self._run_dir.exists())
    @rule(key=keys, count=st.integers(1, 3))
    def prune(self, key: str, count: int) -> None:
        self.repair()
        prune_run(StoredRun(self._run_dir), parse_keep({key: f"last:{count}"}))
        kept = sorted(step for name, step in self.shown if name == key)[-count:]
        self.shown = {
            (name, step): shown
            for (name, step), shown in self.shown.items()
            if name != key or step in kept
        }

    @invariant()
    def what_is_read_is_what_was_logged(self) -> None:
        if self.run is not None and self.is_sending:
            assert self.run._writer.flush()
        if self.run is not None and not self.is_sending:
            return
        if not self._run_dir.exists():
            assert not self.shown
            return
        if self.run is None and dead_spools(self._run_dir):
            return  # until it is repaired
        run = StoredRun(self._run_dir)
        assert run.damages() == []
        read = defaultdict(list)
        for key in KEYS:
            try:
                images = run.images(key)
            except KeyNotFoundError:
                continue
            for image in images:
                read[key, image.step].append(int(image.array()[0, 0]))
        assert dict(read) == {place: values for place, (_, values) in self.shown.items()}

    def teardown(self) -> None:
        if self.run is not None:
            self._let_go()
        shutil.rmtree(self.folder)

    @property
    def _run_dir(self) -> Path:
        return self.store / "runs" / "r"

    def _let_go(self) -> None:
        """End the writer, whose files nobody reads any more."""
        writer = self.run._writer
        vars(writer).pop("_look_after_encoder", None)
        vars(writer._control).pop("send", None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.run.finish()
        self.run, self.is_sending = None, True


pytestmark = pytest.mark.timeout(1500)
RunStates.TestCase.settings = settings(
    max_examples=times(300, 8),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRunStates = RunStates.TestCase

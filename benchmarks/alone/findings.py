"""The struct that stands in ``latest.json`` under ``alone``."""

import msgspec

from benchmarks.alone.answers import GrowthAnswer, RevisitsAnswer, StagesAnswer
from benchmarks.alone.memory import Endless


class Alone(msgspec.Struct, frozen=True, kw_only=True):
    """What the studies found; None for one that was not made or failed.

    Attributes
    ----------
    failures : dict of str to str
        Why a study failed, by its name.
    """

    endless: Endless | None = None
    revisits: RevisitsAnswer | None = None
    growth: GrowthAnswer | None = None
    stages: StagesAnswer | None = None
    failures: dict[str, str] = {}

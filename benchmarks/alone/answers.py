"""What the studies answer with: standard library only, because both sides read this module."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class StudyFailedError(RuntimeError):
    """A study has no answer; the message says why."""


class Answer(Protocol):
    """What every study says, so that one that lost an image counts as failed."""

    @property
    def images_logged(self) -> int:
        """Images that ``log()`` returned for."""

    @property
    def images_stored(self) -> int:
        """Images that the store gives back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many images had been logged at one moment of `time.monotonic`, and the spool's size.

    Attributes
    ----------
    at_secs : float
        The moment.
    images : int
        Images logged.
    spool_bytes : int
        All blocks of the spool's file.
    mapped_bytes : int
        Those of its pages that are in the processes' memory too, as their proportional set size.
    """

    at_secs: float
    images: int
    spool_bytes: int
    mapped_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndlessAnswer:
    """What the producer saw of itself.

    Attributes
    ----------
    baseline_bytes : int
        Memory of the process with numpy imported and the photos loaded, before filmstrip was.
    limit_bytes : int
        filmstrip's own limit on the pixels that wait to be encoded.
    progress : sequence of Progress
        From the first log call to the last.
    total_secs : float
        From the first log call to the end of `finish()`.
    images_stored : int
        Images found in the store afterwards.
    size_bytes : int
        Lengths of all files.
    """

    baseline_bytes: int
    limit_bytes: int
    progress: Sequence[Progress]
    total_secs: float
    images_stored: int
    size_bytes: int

    @property
    def images_logged(self) -> int:
        return self.progress[-1].images


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisitsAnswer:
    """One run with the set logged once, and one with the set logged again and again.

    Attributes
    ----------
    rounds : int
        How often the second run logged it.
    images : int
        Images of the set.
    once_bytes, all_bytes : int
        Lengths of all files of the first and of the second run.
    once_secs, all_secs : float
        From the first log call to the end of `finish()`.
    images_stored : int
        Images that the second run gives back.
    """

    rounds: int
    images: int
    once_bytes: int
    all_bytes: int
    once_secs: float
    all_secs: float
    images_stored: int

    @property
    def images_logged(self) -> int:
        return self.rounds * self.images

    @property
    def bytes_ratio(self) -> float:
        """Bytes of all rounds over bytes of one."""
        return self.all_bytes / self.once_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What one twentieth of the images cost, each.

    Attributes
    ----------
    cpu_us : float
        CPU time of all processes, until they are at rest.
    wall_us : float
        Time from the block's first log call until they are at rest.
    held_us : float
        Time in `Image()` and `log()`.
    memory_bytes : int
        Memory of all processes at the end of the block.
    """

    cpu_us: float
    wall_us: float
    held_us: float
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthAnswer:
    """The blocks in their order, and how many images the store gave back at the end."""

    images_a_block: int
    blocks: Sequence[Block]
    images_stored: int

    @property
    def images_logged(self) -> int:
        return self.images_a_block * len(self.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Milliseconds that one thing takes for one photo, the median over the photos."""

    name: str
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StagesAnswer:
    """What was measured.

    Attributes
    ----------
    images_logged, images_stored : int
        Photos in the live run.
    image_ms, log_ms : float
        Medians of the two calls in the live run.
    cpu_ms : float
        CPU time of all processes in the live run, each image.
    in_caller, in_encoder : sequence of Stage
        By themselves, in the order in which they happen.
    """

    images_logged: int
    images_stored: int
    image_ms: float
    log_ms: float
    cpu_ms: float
    in_caller: Sequence[Stage]
    in_encoder: Sequence[Stage]

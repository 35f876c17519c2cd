"""What is asked of filmstrip alone: memory without end, pictures again and again, a growing run.

Each study is a module with a function ``study(task, ready)`` that runs in filmstrip's environment
(``python -m benchmarks.alone '<task as JSON>'``), and the dataclass that it answers with. ``ready``
is called just before the first log call. Standard library and numpy only until then, so that
filmstrip's own memory can be told from what was there before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

STUDIES = ("endless", "revisits", "growth", "stages")
"""Names of the modules, in the order in which they run."""

Ready: TypeAlias = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTask:
    """One study.

    Attributes
    ----------
    study : str
        Its module.
    count : int
        Images to log, or rounds, as the study says.
    num_sources : int
        Images to load.
    pixels_path : str
        The ``.npy`` file with the pixels.
    folder : str
        Empty folder that takes all output.
    """

    study: str
    count: int
    num_sources: int
    pixels_path: str
    folder: str

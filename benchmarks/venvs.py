"""One virtual environment for each peer, made once from pinned requirements and used again."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.peers import OURS, Peer

BENCHMARKS: Final = Path(__file__).parent
VENVS: Final = BENCHMARKS / "venvs"
REPOSITORY: Final = BENCHMARKS.parent


class InstallError(RuntimeError):
    """A peer's environment could not be made; the message is one line.

    Attributes
    ----------
    peer : str
        Which one.
    """

    def __init__(self, peer: str, detail: str) -> None:
        super().__init__(f"cannot install {peer}: {detail}")
        self.peer = peer


def python_of(peer: Peer) -> Path:
    """Return the path of the interpreter in the peer's environment."""
    return VENVS / peer.name / "bin" / "python"


def make(peer: Peer, announce: Callable[[str], None]) -> None:
    """Make the peer's environment unless it is there and fits its requirements.

    filmstrip itself is installed anew each time, from the working tree, as a user would get it.

    Raises
    ------
    InstallError
        If an install fails.
    """
    folder = VENVS / peer.name
    requirements = BENCHMARKS / "requirements" / f"{peer.name}.txt"
    stamp = folder / "requirements.sha256"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        announce(f"installing {peer.title} into {folder.relative_to(REPOSITORY)}")
        shutil.rmtree(folder, ignore_errors=True)
        _run(peer, [sys.executable, "-m", "venv", str(folder)])
        _pip(peer, "install", "--requirement", str(requirements))
        stamp.write_text(wanted)
    if peer.name == OURS:
        announce("installing filmstrip from the working tree")
        _pip(peer, "install", str(REPOSITORY))


def versions(peer: Peer) -> dict[str, str]:
    """Return the versions of the peer, numpy and Pillow in the peer's environment."""
    script = "import importlib.metadata as m, sys; [print(n, m.version(n)) for n in sys.argv[1:]]"
    names = (peer.package, "numpy", "pillow")
    printed = _run(peer, [str(python_of(peer)), "-c", script, *names])
    return dict(line.split() for line in printed.splitlines())


def _pip(peer: Peer, *arguments: str) -> None:
    pip = [str(python_of(peer)), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run(peer, [*pip, *arguments])


def _run(peer: Peer, command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise InstallError(peer.name, lines[-1])
    return done.stdout

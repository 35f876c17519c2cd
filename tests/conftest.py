"""Every test starts without FILMSTRIP_* variables, in its own folder, and leaves no run open."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A deadline measures the machine, not the code: where cores are shared it fails at random.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch, tmp_path):
    """Clear the environment, and work in a temporary folder: no .filmstrip is left in the repo."""
    for name in [name for name in os.environ if name.startswith("FILMSTRIP_")]:
        monkeypatch.delenv(name)
    # Starting an interpreter for each of thousands of runs would take the tests minutes.
    monkeypatch.setenv("FILMSTRIP_ENCODER", "thread")
    monkeypatch.setenv("FILMSTRIP_QUIET", "1")
    monkeypatch.chdir(tmp_path)
    yield
    if "filmstrip.session" in sys.modules:
        sys.modules["filmstrip.session"]._finish_all()
        sys.modules["filmstrip.session"]._current = None


@pytest.fixture(scope="session")
def plain_library(tmp_path_factory) -> Path:
    """The compiled code without vector instructions; what C leaves undefined stops it."""
    library_path = tmp_path_factory.mktemp("plain") / "libfilmstrip.so"
    sources = sorted((Path(__file__).parents[1] / "src/filmstrip/native").glob("*.c"))
    options = ["-O1", "-DPLAIN", "-shared", "-fPIC", "-fsanitize=undefined", "-fsanitize-trap=all"]
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", *options, "-o", library_path, *sources], check=True
    )
    return library_path


@pytest.fixture(params=["vectors", "plain"])
def each_library(request, monkeypatch):
    if request.param == "plain":
        _use_library(request.getfixturevalue("plain_library"), monkeypatch)
    yield
    _forget_library()


@pytest.fixture
def no_library(monkeypatch, tmp_path):
    _use_library(tmp_path / "none.so", monkeypatch)
    yield
    _forget_library()


def _use_library(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _forget_library()
    monkeypatch.setattr("filmstrip.native.LIBRARY_PATH", path)


def _forget_library() -> None:
    native = importlib.import_module("filmstrip.native")
    native._library.cache_clear()
    native.function_named.cache_clear()


@pytest.fixture(scope="session")
def write_shards() -> Callable[..., None]:
    return _write_shards


def _write_shards(
    run_dir: Path,
    entries: Sequence[tuple[str, int, dict[str, bytes]] | dict[str, Any]],
    *,
    writer: str = "r0-s0-abcdef",
    shard_bytes: int = 2**40,
    is_sealed: bool = True,
    is_packed: bool = True,
) -> None:
    """Write what a writer would: images as key, step and members; values as a dict with a step.

    Revisits that follow each other come together; unless `is_packed`, as of version 0.1, each is a
    sample of its own with hard links.
    """
    from filmstrip.record import ImageRecord, Member, SourceInfo, ValuesRecord, encode_record
    from filmstrip.shard.names import sample_path, values_path
    from filmstrip.shard.revisits import RevisitsPacker
    from filmstrip.shard.tar import END_OF_ARCHIVE, MAX_PATH_BYTES, pack_header, padding

    run_dir.mkdir(parents=True, exist_ok=True)
    shards = [bytearray()]
    stored: dict[bytes, tuple[str, str]] = {}
    counts: Counter[tuple[str, int]] = Counter()

    revisits = RevisitsPacker()
    has_revisits = False

    def add(path: str, data: bytes, link: str = "") -> None:
        shards[-1] += pack_header(path, len(data), mtime_secs=7, link=link) + data
        shards[-1] += padding(len(data))

    for seq, entry in enumerate(entries, 1):
        if len(shards[-1]) + has_revisits >= shard_bytes:
            shards[-1] += b"".join(revisits.flush()) + END_OF_ARCHIVE
            has_revisits = False
            shards.append(bytearray())
        if isinstance(entry, dict):
            shards[-1] += b"".join(revisits.flush())
            values = {key: value for key, value in entry.items() if key != "step"}
            record = ValuesRecord(run_id="r1", step=entry["step"], time=7.5, seq=seq, values=values)
            add(values_path(record.step, seq), encode_record(record))
            continue
        key, step, files = entry
        path = sample_path(key, step, counts[key, step])
        members = []
        is_revisit = is_packed and all(data in stored for data in files.values())
        if not is_revisit:
            shards[-1] += b"".join(revisits.flush())
        has_revisits = is_revisit
        for name, data in files.items():
            link, link_shard = stored.get(data, ("", ""))
            if not is_revisit:
                add(f"{path}.{name}", b"" if link else data, link)
            if not link and len(f"{path}.{name}") <= MAX_PATH_BYTES:
                stored[data] = f"{path}.{name}", f"{writer}-{len(shards) - 1:05d}.tar"
            digest = hashlib.sha256(data).hexdigest()
            members.append(
                Member(
                    name=name, size_bytes=len(data), sha256=digest, link=link, link_shard=link_shard
                )
            )
        image = ImageRecord(
            run_id="r1", key=key, step=step, index=counts[key, step], time=7.5, seq=seq, width=1,
            height=1, mode="L", format="png", source=SourceInfo(kind="numpy"), members=members,
        )  # fmt: skip
        if is_revisit:
            shards[-1] += b"".join(revisits.add(encode_record(image), mtime_secs=7))
        else:
            add(f"{path}.json", encode_record(image))
        counts[key, step] += 1
    shards[-1] += b"".join(revisits.flush())
    if is_sealed:
        shards[-1] += END_OF_ARCHIVE
    for number, data in enumerate(shards):
        (run_dir / f"{writer}-{number:05d}.tar").write_bytes(data)

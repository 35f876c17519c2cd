"""The build hook: viewer and compiled code are built when sources changed, and only then."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path, hook):
    names = ("web/src/a.ts", "web/package-lock.json", "src/filmstrip/server/static/x.js")
    for name in (*names, str(hook.C_DIR / "a.c"), str(hook.LIBRARY)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / hook.LIBRARY).with_suffix(".sha256").write_text(hook.library_sha256(tmp_path))
    stamp = tmp_path / "src/filmstrip/server/static/sources.sha256"
    stamp.write_text(hook.sources_sha256(tmp_path))
    return tmp_path


def _edit(tree: Path, name: str) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text("changed")


@pytest.mark.parametrize("name", ["web/node_modules/svelte/a.js", "web/src/a.test.ts", "README.md"])
def test_what_does_not_reach_the_page_builds_nothing(hook, tree, name):
    _edit(tree, name)
    assert hook.is_fresh(tree)
    hook.build_viewer(tree)


@pytest.mark.parametrize("name", ["web/src/a.ts", "web/src/new.ts", "web/package-lock.json"])
def test_a_changed_source_makes_the_built_viewer_stale(hook, tree, name):
    _edit(tree, name)
    assert not hook.is_fresh(tree)


def test_a_removed_source_makes_the_built_viewer_stale(hook, tree):
    (tree / "web/src/a.ts").unlink()
    assert not hook.is_fresh(tree)


@pytest.mark.parametrize(
    ("name", "wanted"), [("web/src/a.ts", "NODE"), ("src/filmstrip/native/a.c", "COMPILER")]
)
def test_a_tool_is_asked_for_only_when_it_has_something_to_build(hook, tree, name, wanted):
    build = hook.BuildHook(str(tree), {}, None, None, "", "wheel")
    assert build.dependencies() == []
    _edit(tree, name)
    assert build.dependencies() == [getattr(hook, wanted)]


def test_the_source_archive_needs_no_compiler(hook, tree):
    _edit(tree, str(hook.C_DIR / "a.c"))
    assert hook.BuildHook(str(tree), {}, None, None, "", "sdist").dependencies() == []


def test_a_machine_that_is_not_in_the_table_gets_a_wheel_without_compiled_code(
    hook, tree, monkeypatch
):
    monkeypatch.setattr(hook.platform, "machine", lambda: "riscv64")
    (tree / hook.LIBRARY).unlink()
    build = hook.BuildHook(str(tree), {}, None, None, "", "wheel")
    build_data = {}
    build.initialize("standard", build_data)
    assert build.dependencies() == []
    assert build_data == {}
    assert not (tree / hook.LIBRARY).exists()


def test_source_that_does_not_compile_ends_the_build(hook, tree):
    _edit(tree, str(hook.C_DIR / "a.c"))
    with pytest.raises(SystemExit, match=r"compiling src/filmstrip/native failed with 1\n"):
        hook.build_library(tree)


def test_a_viewer_that_was_never_built_is_stale(hook, tmp_path):
    (tmp_path / "web").mkdir()
    assert not hook.is_fresh(tmp_path)


@pytest.mark.parametrize("tool", ["NODE", "COMPILER"])
def test_what_builds_the_wheel_is_what_the_tests_use(hook, tool):
    pinned = (ROOT / "requirements/demo.txt").read_text(encoding="utf-8").splitlines()
    assert getattr(hook, tool) in pinned


def test_the_viewer_is_at_most_150_kb_gzipped(hook):
    hook.build_viewer(ROOT)
    built = [path for path in (ROOT / hook.BUILT_DIR).rglob("*") if path.suffix in (".js", ".css")]
    assert 0 < sum(len(gzip.compress(path.read_bytes())) for path in built) <= 150_000

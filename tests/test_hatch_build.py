"""The build hook: the viewer is built when its sources changed, and only then."""

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
    for name in ("web/src/a.ts", "web/package-lock.json", "src/filmstrip/server/static/x.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
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


def test_node_is_asked_for_only_when_there_is_something_to_build(hook, tree):
    viewer = hook.ViewerBuildHook(str(tree), {}, None, None, "", "")
    assert viewer.dependencies() == []
    _edit(tree, "web/src/a.ts")
    assert viewer.dependencies() == [hook.NODE]


def test_a_viewer_that_was_never_built_is_stale(hook, tmp_path):
    (tmp_path / "web").mkdir()
    assert not hook.is_fresh(tmp_path)


def test_the_node_that_builds_the_wheel_is_the_one_that_the_tests_use(hook):
    pinned = (ROOT / "requirements/demo.txt").read_text(encoding="utf-8").splitlines()
    assert hook.NODE in pinned


def test_the_viewer_is_at_most_150_kb_gzipped(hook):
    hook.build_viewer(ROOT)
    built = [path for path in (ROOT / hook.BUILT_DIR).rglob("*") if path.suffix in (".js", ".css")]
    assert 0 < sum(len(gzip.compress(path.read_bytes())) for path in built) <= 150_000

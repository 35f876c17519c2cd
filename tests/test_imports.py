"""Who may import whom: ARCHITECTURE.md in a table."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import filmstrip

SOURCE = Path(filmstrip.__file__).parent

_VALUES = {"errors", "warn", "record", "freeform", "media"}
_READING = {"errors", "folder", "freeform", "record", "shard"}

ALLOWED = {
    "errors": set(),
    "warn": {"errors"},
    "record": {"errors"},
    "freeform": {"errors", "record"},
    "colors": {"errors", "record"},
    "native": set(),
    "media": {"errors", "freeform", "native", "record", "warn"},
    "codec": {"errors", "media", "native"},
    "recent": set(),
    "shard": {"errors", "recent", "record"},
    "draft": _VALUES | {"shard"},
    "spool": _VALUES | {"codec", "disk", "draft"},
    "sample": _VALUES | {"codec", "recent", "shard", "spool"},
    "disk": set(),
    "encoder": {"draft", "record", "sample", "shard"},
    "live_prune": {"errors", "shard"},
    "drain": {"disk", "draft", "encoder", "live_prune", "record", "sample", "shard", "spool"},
    "recovery": {"record", "shard"},
    "folder": {"errors", "record"},
    "encoder_process": {
        "draft",
        "drain",
        "live_prune",
        "folder",
        "record",
        "recovery",
        "shard",
        "spool",
    },
    "repair": {"encoder_process", "errors", "folder", "record", "spool"},
    "writer": {"disk", "draft", "encoder_process", "media", "shard", "spool", "warn"},
    "ending": {"writer"},
    "run_config": {"errors"},
    "settings": {"errors", "folder", "freeform", "retention", "writer"},
    "run_folder": {"errors", "folder", "record", "repair", "settings", "shard", "spool"},
    "runs": _VALUES
    | {
        "draft",
        "ending",
        "folder",
        "retention",
        "notebook",
        "recent",
        "run_config",
        "run_folder",
        "settings",
        "writer",
    },
    "session": {"errors", "folder", "warn", "run_config", "runs", "settings"},
    "viewer_process": {"errors"},
    "notebook": {"colors", "errors"},
    "logged": {"errors", "freeform", "record", "shard"},
    "run_state": {"record"},
    "store": _READING | {"logged", "notebook", "run_state"},
    "index": _READING | {"logged"},
    "retention": {"errors"},
    "usage": _READING,
    "prune": _READING | {"retention", "store"},
    "verify": _READING | {"store"},
    "draw": {"colors", "errors", "media", "record", "store", "warn"},
    "export": {
        "codec",
        "colors",
        "draw",
        "errors",
        "freeform",
        "media",
        "record",
        "shard",
        "store",
        "warn",
    },
    "server": {"", "errors", "folder", "freeform", "index", "record", "run_state", "shard"},
    "demo": {"", "errors"},
}
"""By module or package, what it imports when it is loaded; ``""`` is the public API."""

LATER = {
    "live_prune": {"prune", "retention", "store"},
    "logged": {"codec", "media", "notebook"},
    "media": {"notebook"},
    "notebook": {"codec", "draw", "store", "viewer_process"},
    "run_state": {"repair"},
    "server": {"codec", "media", "repair"},
    "store": {"index"},
}
"""What is imported only when it is needed: pixels, by those that read records or show them."""

FREE = {"cli"}
"""May import anything; nothing imports them."""


def part_of(path: Path) -> str:
    name = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    return "" if name == "__init__" else name


class Imports(ast.NodeVisitor):
    """Parts of filmstrip that a file imports: when loaded, later, and for type checkers only."""

    def __init__(self, path: Path) -> None:
        self.at_load: set[str] = set()
        self.later: set[str] = set()
        self.for_types: set[str] = set()
        self._into = self.at_load
        self.visit(ast.parse(path.read_text("utf-8")))

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            self._visit_into(self.for_types, node)
        else:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_into(self.later, node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names if node.module == "filmstrip" else ():
            self._add(f"filmstrip.{alias.name}")
        if node.module != "filmstrip":
            self._add(node.module or "")

    def _visit_into(self, into: set[str], node: ast.AST) -> None:
        before, self._into = self._into, into
        self.generic_visit(node)
        self._into = before

    def _add(self, name: str) -> None:
        package, _, rest = name.partition(".")
        if package == "filmstrip":
            part = rest.partition(".")[0]
            is_module = (SOURCE / part).exists() or (SOURCE / f"{part}.py").exists()
            self._into.add(part if is_module else "")


FILES = sorted(SOURCE.rglob("*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))


def test_every_module_has_its_place():
    parts = {part_of(path) for path in FILES} - {""}
    assert parts == set(ALLOWED) | FREE


def test_the_places_are_in_an_order():
    graph = {part: needed - {""} for part, needed in ALLOWED.items()}
    order = list(TopologicalSorter(graph).static_order())
    chain = ["errors", "record", "media", "codec", "spool", "drain", "writer", "runs", "session"]
    assert [part for part in order if part in chain] == chain


@each_file
def test_a_module_imports_only_what_it_may(path):
    part, found = part_of(path), Imports(path)
    if part in FREE:
        return
    allowed = ALLOWED.get(part, set()) | {part}
    assert found.at_load <= allowed
    assert found.later <= allowed | LATER.get(part, set())


@each_file
def test_nothing_imports_the_command_line(path):
    found = Imports(path)
    if part_of(path) not in FREE:
        assert not FREE & (found.at_load | found.later | found.for_types)


def test_the_check_sees_imports_of_each_kind(tmp_path):
    (tmp_path / "a.py").write_text(
        "import filmstrip.cli\n"
        "from filmstrip import media, Image\n"
        "if TYPE_CHECKING:\n    from filmstrip.store import Store\n"
        "def f():\n    from filmstrip.codec.png import encode_png\n"
    )
    found = Imports(tmp_path / "a.py")
    assert (found.at_load, found.later, found.for_types) == (
        {"cli", "media", ""}, {"codec"}, {"store"}
    )  # fmt: skip


HEAVY = ["numpy", "PIL", "torch", "rich", "typer", "msgspec", "isal", "skimage", "matplotlib"]
HEAVY += ["sqlalchemy"]
PIXELS = ["numpy", "PIL", "torch", "rich", "typer", "sqlalchemy"]


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import filmstrip", HEAVY),
        ("import filmstrip; dir(filmstrip); filmstrip.__all__; filmstrip.__version__", HEAVY),
        ("import filmstrip; filmstrip.FilmstripError", HEAVY),
        ("import filmstrip; filmstrip.Store; filmstrip.StoredRun; filmstrip.open", PIXELS),
        ("import filmstrip; filmstrip.Image; filmstrip.Run", ["PIL", "torch", "rich", "typer"]),
        ("import filmstrip.index.reader", PIXELS),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code, heavy):
    script = f"{code}\nimport sys\nprint(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []

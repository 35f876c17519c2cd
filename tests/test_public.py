"""The public names: where they are, that they are documented, and that nothing else is public."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import filmstrip

SOURCE = Path(filmstrip.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if path.name != "__main__.py"
)
OF_THE_NEWEST_RUN = {"run", "config"}
"""Names whose value is looked up at each use; they have no home and no docstring."""

WITHOUT_EXAMPLE = {
    "FilmstripError": "a base class: each leaf is raised, and shown, by what it belongs to",
    "FilmstripWarning": "a category, for warnings filters",
    "LoggedValues": "three fields, shown by StoredRun.values",
}


def test_the_public_names_are_sorted_and_no_others_are_offered():
    assert list(filmstrip.__all__) == sorted(filmstrip.__all__)
    assert set(filmstrip.__all__) == set(filmstrip._HOMES) | OF_THE_NEWEST_RUN


def test_type_checkers_are_told_the_same_homes():
    tree = ast.parse((SOURCE / "__init__.py").read_text("utf-8"))
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    homes = {
        alias.name: node.module
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert homes == filmstrip._HOMES


@pytest.mark.parametrize("name", sorted(filmstrip._HOMES))
def test_a_public_name_comes_from_its_home_where_it_is_public_too(name):
    home = importlib.import_module(filmstrip._HOMES[name])
    assert getattr(filmstrip, name) is getattr(home, name)
    assert name in home.__all__


@pytest.mark.parametrize("name", sorted(filmstrip._HOMES))
def test_a_public_name_has_a_docstring_with_an_example_or_a_reason_to_have_none(name):
    doc = inspect.getdoc(getattr(filmstrip, name))
    has_example = bool(doctest.DocTestParser().get_examples(doc))
    assert has_example != (name in WITHOUT_EXAMPLE)


@pytest.mark.parametrize("name", ["Image", "Run", "Store", "StoredRun", "LoggedImage", "Config"])
def test_every_public_method_has_a_docstring(name):
    public = getattr(filmstrip, name)
    members = {m: v for m, v in vars(public).items() if not m.startswith("_")}
    described = [m for m, v in members.items() if callable(v) or isinstance(v, property)]
    assert described
    assert [m for m in described if not inspect.getdoc(members[m])] == []


@pytest.mark.parametrize("module", [m for m in MODULES if m != "filmstrip"])
def test_a_module_says_what_it_is_and_has_what_it_offers(module):
    loaded = importlib.import_module(module)
    assert inspect.getdoc(loaded)
    assert [name for name in getattr(loaded, "__all__", []) if not hasattr(loaded, name)] == []

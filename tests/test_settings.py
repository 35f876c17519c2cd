from __future__ import annotations

import argparse
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

from filmstrip.errors import LogValueError, OptionError
from filmstrip.settings import json_config, resolve_settings
from filmstrip.writer import SPOOL_BYTES


def test_without_arguments_and_variables_the_defaults_count():
    settings = resolve_settings()
    assert (settings.project, settings.name, settings.id) == ("uncategorized", None, None)
    assert (settings.config, settings.tags, settings.notes, settings.group) == ({}, [], "", "")
    assert (settings.dir, settings.resume) == (Path(".filmstrip"), "never")
    assert (settings.is_disabled, settings.writer.spool_bytes) == (False, SPOOL_BYTES)


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("PROJECT", "mnist", "project", "mnist"),
        ("NAME", "a run, ы", "name", "a run, ы"),
        ("ID", "r1", "id", "r1"),
        ("DIR", "/data/store", "dir", Path("/data/store")),
        ("RESUME", "allow", "resume", "allow"),
        ("TAGS", "a, b,,c ", "tags", ["a", "b", "c"]),
        ("NOTES", "first try", "notes", "first try"),
        ("GROUP", "sweep", "group", "sweep"),
        ("MODE", "disabled", "is_disabled", True),
        ("MODE", "offline", "is_disabled", False),
        ("CONFIG", '{"lr": 0.1, "sizes": [1, 2]}', "config", {"lr": 0.1, "sizes": [1, 2]}),
        ("QUEUE_BYTES", "1000", "writer.spool_bytes", 1000),
    ],
)
def test_a_variable_stands_for_an_argument(monkeypatch, name, text, field, value):
    monkeypatch.setenv(f"FILMSTRIP_{name}", text)
    assert attrgetter(field)(resolve_settings()) == value


@pytest.mark.parametrize(
    ("name", "text", "argument", "field", "value"),
    [
        ("PROJECT", "p", {"project": "q"}, "project", "q"),
        ("DIR", "/p", {"dir": "/q"}, "dir", Path("/q")),
        ("RESUME", "must", {"resume": "never"}, "resume", "never"),
        ("RESUME", "allow", {"resume": False}, "resume", "never"),
        ("TAGS", "p", {"tags": ["q"]}, "tags", ["q"]),
        ("TAGS", "p", {"tags": []}, "tags", []),
        ("CONFIG", '{"lr": 1}', {"config": {}}, "config", {}),
        ("MODE", "disabled", {"mode": "online"}, "is_disabled", False),
        ("QUEUE_BYTES", "5", {"queue_bytes": 7}, "writer.spool_bytes", 7),
    ],
)
def test_an_argument_wins_over_its_variable(monkeypatch, name, text, argument, field, value):
    monkeypatch.setenv(f"FILMSTRIP_{name}", text)
    assert attrgetter(field)(resolve_settings(**argument)) == value


@pytest.mark.parametrize("name", ["PROJECT", "TAGS", "CONFIG", "DIR", "RESUME", "MODE"])
def test_an_empty_variable_is_none(monkeypatch, name):
    monkeypatch.setenv(f"FILMSTRIP_{name}", "")
    assert resolve_settings() == resolve_settings(project="uncategorized")


@pytest.mark.parametrize(("resume", "kept"), [(True, "allow"), ("allow", "allow"), (None, "never")])
def test_resume_takes_the_words_of_wandb(resume, kept):
    assert resolve_settings(resume=resume).resume == kept


def test_one_tag_may_be_given_as_text():
    assert resolve_settings(tags="night").tags == ["night"]


def test_an_empty_dir_is_the_default():
    assert resolve_settings(dir="").dir == Path(".filmstrip")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": 7}, "expected name as text, got 7; pass str(name)"),
        (
            {"notes": "\ud800"},
            (
                "expected notes as text, got text with a lone surrogate, which UTF-8 cannot hold; "
                "drop the surrogate"
            ),
        ),
        ({"tags": [1]}, "expected tags as text, got 1; pass str(tags)"),
        ({"tags": 1}, "expected tags as a list of text, got 1; pass ['tag', ...]"),
        ({"dir": 7}, "expected dir as a path, got 7; pass text or a Path"),
        (
            {"resume": "auto"},
            "expected resume to be never, allow or must, got 'auto'; leave it out for a new run",
        ),
        (
            {"resume": "must"},
            "expected id= with resume='must', got none; name the run to go on with",
        ),
        (
            {"mode": "cloud"},
            (
                "expected mode to be one of online, offline, disabled, got 'cloud'; "
                "leave it out: all is local anyway"
            ),
        ),
        (
            {"queue_bytes": 0},
            "expected queue_bytes as a positive integer, got 0; leave it out for 256 MiB",
        ),
        (
            {"queue_bytes": float("inf")},
            "expected queue_bytes as a positive integer, got inf; leave it out for 256 MiB",
        ),
    ],
)
def test_an_option_outside_its_choices_is_an_error(arguments, message):
    with pytest.raises(OptionError) as caught:
        resolve_settings(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[1]",
            "expected FILMSTRIP_CONFIG as a JSON object, got [1]; write {...}",
        ),
        (
            "{'lr': 1}",
            (
                "expected FILMSTRIP_CONFIG as a JSON object, got Expecting property name enclosed "
                "in double quotes: line 1 column 2 (char 1); check its quotes"
            ),
        ),
    ],
)
def test_a_config_variable_that_is_no_json_object_is_an_error(monkeypatch, text, message):
    monkeypatch.setenv("FILMSTRIP_CONFIG", text)
    with pytest.raises(OptionError) as caught:
        resolve_settings()
    assert str(caught.value) == message


class Settings:
    def __init__(self) -> None:
        self.lr, self.path = 0.1, Path("data")


@pytest.mark.parametrize(
    "config",
    [
        {"lr": np.float64(0.1), "path": "data"},
        argparse.Namespace(lr=0.1, path=Path("data")),
        Settings(),
    ],
)
def test_a_config_is_a_mapping_or_an_object_with_attributes(config):
    assert json_config(config) == {"lr": 0.1, "path": "data"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (3, "expected config as a dict, got int; pass {name: value}"),
        ("a.yaml", "expected config as a dict, got str; pass {name: value}"),
        (
            {"net": {"init": print}},
            (
                "expected config that JSON holds, got builtin_function_or_method at 'net/init'; "
                "pass numbers, text, lists, dicts"
            ),
        ),
    ],
)
def test_a_config_that_json_cannot_hold_is_a_type_error(config, message):
    with pytest.raises(LogValueError) as caught:
        json_config(config)
    assert str(caught.value) == message
    assert isinstance(caught.value, TypeError)

"""What the documents say is true: commands, options, versions, examples."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import filmstrip
from filmstrip.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_the_readme_opens_with_the_two_commands_that_set_everything_up():
    first_block = README.split("```")[1]
    assert [line.split()[:2] for line in first_block.strip().splitlines()] == [
        ["make", "demo"],
        ["make", "test"],
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command):
    assert f"`filmstrip {command}" in README


@pytest.mark.parametrize("name", re.findall(r"`filmstrip ([a-z]+)", README))
def test_every_command_that_the_readme_names_exists(name):
    assert name in COMMANDS


def test_every_make_target_that_the_documents_name_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    texts = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)", texts)) | {"demo", "test"}
    assert named <= set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))


def test_every_file_that_the_architecture_names_exists():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b((?:[a-z]+/)*[a-z_]+\.py)\b", text))
    missing = {
        n for n in named if not ((ROOT / "src/filmstrip" / n).exists() or (ROOT / n).exists())
    }
    assert missing == set()


def test_the_newest_released_version_of_the_changelog_is_the_package_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(\d.*?)\]", changelog, re.MULTILINE)[0] == filmstrip.__version__


def test_the_package_version_is_the_one_that_is_built():
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{filmstrip.__version__}"' in pyproject


def test_the_readme_s_first_example_runs_and_reads_back(tmp_path):
    example = README.split("```python")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    run = filmstrip.open(tmp_path / ".filmstrip").runs()[0]
    images = run.images("val")
    assert [image.step for image in images] == [0, 1, 2]
    assert images[0].boxes["predictions"].xyxy.tolist() == [[40, 30, 200, 180]]
    assert images[0].masks["truth"].class_labels == {0: "sofa", 1: "cat"}


def test_every_exit_code_of_an_error_is_documented():
    documented = set(
        map(int, re.findall(r"(\d+) [a-z]", README.split("Exit codes: ")[1].split("\n")[0]))
    )
    from filmstrip import errors

    codes = {getattr(errors, name).exit_code for name in errors.__all__ if name.endswith("Error")}
    assert codes <= documented


def test_the_figures_in_the_documents_are_those_of_the_last_benchmark():
    check = [sys.executable, "-m", "benchmarks.documents", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")

"""The wheel, installed in a clean environment, has all that it needs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {"filmstrip", "filmstrip-0.1.0.dist-info"}


def test_the_wheel_holds_the_built_viewer(wheel):
    with zipfile.ZipFile(wheel) as archive:
        page = archive.read("filmstrip/server/static/index.html").decode()
        names = archive.namelist()
    scripts = re.findall(r'src="(/[^"]+\.js)"', page)
    assert [f"filmstrip/server/static{script}" in names for script in scripts] == [True]


def test_the_wheel_holds_what_an_exported_page_is_made_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        for name in ("page.js", "page.css"):
            assert archive.getinfo(f"filmstrip/export/static/{name}").file_size > 1000


def test_the_wheel_is_for_this_machine_and_holds_the_compiled_code(wheel):
    assert wheel.name.startswith("filmstrip-0.1.0-py3-none-manylinux_2_17_")
    with zipfile.ZipFile(wheel) as archive:
        library = archive.getinfo("filmstrip/native/libfilmstrip.so")
        libraries = [name for name in archive.namelist() if name.endswith(".so")]
    assert libraries == [library.filename]
    assert 5_000 < library.file_size < 100_000


@pytest.mark.timeout(600)
def test_the_demo_runs_from_the_wheel_in_a_clean_environment(wheel, tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "FILMSTRIP"))}

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "venv", tmp_path / "clean")
    run(tmp_path / "clean/bin/python", "-m", "pip", "install", "--quiet", f"{wheel}[demo]")
    command = tmp_path / "clean/bin/filmstrip"
    assert "filmstrip ls" in run(command, "demo", "--steps", "3")
    assert run(command, "verify").strip()
    assert (tmp_path / ".filmstrip/runs").is_dir()

    view = [command, "view", "--no-browser", "--port", "0"]
    with subprocess.Popen(
        view, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        url = process.stdout.readline().split(" is at ")[1].strip()
        try:
            page = urllib.request.urlopen(url).read().decode()
            (script,) = re.findall(r'src="/([^"]+\.js)"', page)
            assert len(urllib.request.urlopen(url + script).read()) > 10_000
            runs = json.load(urllib.request.urlopen(url + "api/runs"))
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert len(runs) == 6

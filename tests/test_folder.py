from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from filmstrip import folder
from filmstrip.errors import OptionError, StoreError, StoreNotFoundError
from filmstrip.folder import (
    check_run_id,
    default_store_dir,
    find_store,
    prepare_store,
    read_run_info,
    write_run_info,
)
from filmstrip.record import RunInfo

INFO = RunInfo(id="a", name="a", project="p", created=1.0)


def test_the_store_is_in_the_working_folder_unless_the_environment_says_otherwise(monkeypatch):
    assert default_store_dir() == Path(".filmstrip")
    monkeypatch.setenv("FILMSTRIP_DIR", "/elsewhere")
    assert default_store_dir() == Path("/elsewhere")


def test_a_store_is_made_where_there_is_nothing_and_kept_out_of_git(tmp_path):
    path = prepare_store(tmp_path / "a" / "b")
    assert path == tmp_path / "a" / "b"
    assert (path / ".gitignore").read_text() == "*\n"
    assert sorted(p.name for p in path.iterdir()) == [".gitignore", "runs"]


def test_an_empty_folder_becomes_a_store(tmp_path):
    (tmp_path / "s").mkdir()
    assert find_store(prepare_store(tmp_path / "s")) == tmp_path / "s"


def test_a_store_stays_as_it_is(tmp_path):
    prepare_store(tmp_path / "s")
    (tmp_path / "s" / "notes.txt").write_text("mine")
    prepare_store(tmp_path / "s")
    assert (tmp_path / "s" / "notes.txt").read_text() == "mine"


def test_a_relative_path_is_fixed_against_later_changes_of_the_working_folder(tmp_path):
    assert prepare_store(Path("s")) == tmp_path / "s"


def test_a_folder_of_other_things_is_not_touched(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StoreError) as caught:
        prepare_store(tmp_path)
    assert str(caught.value) == (
        f"expected a filmstrip store or an empty folder, got a folder of other things: {tmp_path}; "
        f"pass a folder inside it, such as dir='{tmp_path}/.filmstrip'"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("use", [prepare_store, find_store])
def test_the_folder_runs_of_another_tool_is_not_taken_for_a_store(tmp_path, use):
    (tmp_path / "runs" / "exp1").mkdir(parents=True)
    (tmp_path / "runs" / "exp1" / "events.out.tfevents.1").write_text("")
    with pytest.raises(StoreError, match="got a folder of other things"):
        use(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["runs"]


def test_a_store_whose_gitignore_was_deleted_is_a_store_still(tmp_path):
    path = prepare_store(tmp_path / "s")
    (path / "runs" / "a").mkdir()
    write_run_info(path / "runs" / "a", INFO)
    (path / ".gitignore").unlink()
    assert find_store(path) == path
    assert prepare_store(path) == path


def test_a_file_in_the_way_is_an_error(tmp_path):
    (tmp_path / "s").write_text("")
    with pytest.raises(StoreError) as caught:
        prepare_store(tmp_path / "s")
    assert str(caught.value) == (
        f"expected a folder that can be written, got File exists: {tmp_path / 's'}; "
        "pass dir= or set FILMSTRIP_DIR"
    )
    with pytest.raises(StoreError, match=r"^expected a folder, got a file: "):
        find_store(tmp_path / "s")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match=r"got Permission denied: .*/s; pass dir="):
        prepare_store(tmp_path / "s")


def test_a_store_without_write_permission_is_an_error(tmp_path, monkeypatch):
    path = prepare_store(tmp_path / "s")
    monkeypatch.setattr(folder.os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(StoreError) as caught:
        prepare_store(path)
    assert str(caught.value) == (
        "expected a folder that can be written, got one without write permission: "
        f"{path}; pass dir= or set FILMSTRIP_DIR"
    )


@pytest.mark.parametrize("name", ["no", "empty"])
def test_nothing_or_an_empty_folder_is_no_store_to_read(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreNotFoundError) as caught:
        find_store(tmp_path / name)
    assert str(caught.value) == (
        "expected a filmstrip store, got a path without one; log something first, "
        f"or point FILMSTRIP_DIR at the store: {tmp_path / name}"
    )


def test_many_may_make_the_same_store_at_once(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        paths = list(pool.map(lambda i: prepare_store(tmp_path / str(i // 16)), range(320)))
    assert len(set(paths)) == 20


def test_a_process_that_sees_a_half_made_store_goes_on(tmp_path):
    (tmp_path / ".gitignore").write_text("")  # the other one has made the file, not written it
    assert prepare_store(tmp_path) == tmp_path
    assert (tmp_path / "runs").is_dir()


@pytest.mark.parametrize("run_id", ["a", "lr-0.1_a", "0", "_", "a" * 128, "CON"])
def test_letters_digits_and_a_few_signs_make_a_run_id(run_id):
    assert check_run_id(run_id) == run_id


@pytest.mark.parametrize(
    "run_id", ["", ".", "..", "-a", ".a", "a/b", "../a", "a b", "ы", "a\n", "a\0", "a" * 129, 7]
)
def test_a_run_id_never_names_another_place(run_id):
    with pytest.raises(OptionError) as caught:
        check_run_id(run_id)
    assert str(caught.value) == (
        "expected id of 1 to 128 letters, digits, '_', '.' and '-', not beginning with '.' or '-', "
        f"got {run_id!r}; use name= for free text"
    )


def test_a_description_is_replaced_whole_and_leaves_no_other_file(tmp_path):
    write_run_info(tmp_path, INFO)
    write_run_info(tmp_path, RunInfo(id="a", name="b", project="p", created=1.0))
    assert read_run_info(tmp_path).name == "b"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_a_description_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    write_run_info(tmp_path, INFO)

    def full(path, data):
        path.open("wb").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_run_info(tmp_path, RunInfo(id="a", name="b", project="p", created=1.0))
    assert read_run_info(tmp_path) == INFO
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]

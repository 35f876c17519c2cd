from __future__ import annotations

import errno
import os

import pytest

from filmstrip.disk import MIN_FREE_BYTES, check_free_space, min_free_bytes


@pytest.fixture
def free(tmp_path, monkeypatch):
    """Let the disk have so many bytes free."""

    def free(num_bytes: int):
        real = list(os.statvfs(tmp_path))
        real[1], real[4] = 1, num_bytes  # f_frsize, f_bavail
        monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(real))

    return free


@pytest.mark.parametrize("wanted_bytes", [0, 1, 1000])
def test_what_would_leave_the_disk_too_little_is_refused_as_a_full_disk_does(
    tmp_path, free, wanted_bytes
):
    free(MIN_FREE_BYTES + wanted_bytes - 1)
    with pytest.raises(OSError, match="No space left on device") as caught:
        check_free_space(tmp_path, wanted_bytes)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path))
    free(MIN_FREE_BYTES + wanted_bytes)
    check_free_space(tmp_path, wanted_bytes)


def test_a_variable_says_how_much_stays_free(tmp_path, free, monkeypatch):
    free(5000)
    monkeypatch.setenv("FILMSTRIP_MIN_FREE_BYTES", "5000")
    check_free_space(tmp_path, 0)
    with pytest.raises(OSError, match="No space left"):
        check_free_space(tmp_path, 1)


@pytest.mark.parametrize("text", ["", "a lot", "-1", "1e9"])
def test_a_variable_that_is_no_number_says_nothing(monkeypatch, text):
    monkeypatch.setenv("FILMSTRIP_MIN_FREE_BYTES", text)
    assert min_free_bytes() == MIN_FREE_BYTES


def test_a_folder_that_cannot_be_asked_is_for_the_write_to_complain_of(tmp_path):
    check_free_space(tmp_path / "none", 2**60)

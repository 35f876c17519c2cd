"""Thumbnails on disk: kept, bounded, and never in the way."""

from __future__ import annotations

import os
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmstrip.server.thumbnail_cache import ThumbnailCache


@pytest.fixture
def store(tmp_path):
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def files(store) -> list[str]:
    return sorted(path.stem for path in (store / "thumbnails").rglob("*.webp"))


def test_what_was_put_is_there_for_another_server_too(store):
    ThumbnailCache(store).put("ab-64", b"small")
    assert ThumbnailCache(store).get("ab-64") == b"small"
    assert ThumbnailCache(store).get("ab-128") is None


def test_no_half_written_file_is_left(store):
    ThumbnailCache(store).put("ab-64", b"small")
    assert [path.name for path in (store / "thumbnails").rglob("*") if path.is_file()] == [
        "ab-64.webp"
    ]


def test_those_used_longest_ago_go_first(store):
    cache = ThumbnailCache(store, max_bytes=1000)
    for number in range(9):
        cache.put(f"a{number}", bytes(100))
        path = store / "thumbnails" / f"a{number}" / f"a{number}.webp"
        os.utime(path, (number, number))
    cache.get("a0")
    cache.put("last", bytes(150))
    assert "a0" in files(store)
    assert "a1" not in files(store)
    assert "last" in files(store)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 400)), max_size=40))
@settings(max_examples=25)
def test_the_bound_holds(tmp_path_factory, puts):
    store = tmp_path_factory.mktemp("store")
    cache = ThumbnailCache(store, max_bytes=1000)
    for number, size in puts:
        cache.put(f"n{number}", bytes(size))
    assert sum(path.stat().st_size for path in store.rglob("*.webp")) <= 1000


class TestUnwritable:
    @pytest.fixture
    def read_only(self, store, monkeypatch):
        """A store that cannot be written; root writes everywhere, so the write itself fails."""
        store.chmod(stat.S_IRUSR | stat.S_IXUSR)
        real = type(store).mkdir

        def mkdir(path, *args, **kwargs):
            if store in path.parents:
                raise PermissionError(13, "Permission denied")
            real(path, *args, **kwargs)

        monkeypatch.setattr(type(store), "mkdir", mkdir)
        yield store
        store.chmod(stat.S_IRWXU)

    def test_thumbnails_are_kept_elsewhere_until_the_end(self, read_only):
        cache = ThumbnailCache(read_only)
        assert cache.problem == ""
        cache.put("ab", b"small")
        assert cache.get("ab") == b"small"
        assert list(read_only.iterdir()) == []
        assert cache.problem == (
            "thumbnails are not kept in the store (Permission denied); they are made anew each time"
        )
        cache.close()
        assert cache.get("ab") is None

    def test_where_nothing_can_be_written_nothing_is_kept(self, read_only, monkeypatch):
        def refuse(*args, **kwargs):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("tempfile.TemporaryDirectory", refuse)
        cache = ThumbnailCache(read_only)
        cache.put("ab", b"small")
        assert cache.get("ab") is None
        assert "Permission denied" in cache.problem

    def test_a_deleted_store_is_not_made_again(self, store):
        cache = ThumbnailCache(store)
        store.rmdir()
        cache.put("ab", b"small")
        assert not store.exists()
        assert cache.get("ab") == b"small"
        cache.close()

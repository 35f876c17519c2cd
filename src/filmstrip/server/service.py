"""What the routes answer from: the index, pictures and thumbnails, and who watches the store."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filmstrip.server.damage import DamageWatch
from filmstrip.server.events import Broker
from filmstrip.server.mender import Mender
from filmstrip.server.pictures import Pictures
from filmstrip.server.pixels import OriginalValues
from filmstrip.server.schema import ProblemEvent
from filmstrip.server.thumbnail_cache import ThumbnailCache
from filmstrip.server.thumbnails import Thumbnails
from filmstrip.server.watch import Watcher

if TYPE_CHECKING:
    from filmstrip.index import Index

__all__ = ["Service"]

_NUM_READERS = 8
"""Threads that ask the index and read shards: they wait for the disk more than they compute."""
_NUM_DECODERS = 2
"""Threads that decode whole pictures to their values."""


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that one server works with."""

    store_dir: Path
    index: Index
    pictures: Pictures
    thumbnails: Thumbnails
    values: OriginalValues
    broker: Broker
    watcher: Watcher
    damage: DamageWatch
    mender: Mender
    readers: ThreadPoolExecutor
    decoders: ThreadPoolExecutor

    @classmethod
    def over(cls, store_dir: Path, index: Index) -> Service:
        """Return a service over a store and its index; `start` makes it work."""
        broker = Broker()
        watcher = Watcher(store_dir, index, broker)
        pictures = Pictures(index.member, watcher.look)
        return cls(
            store_dir=store_dir,
            index=index,
            pictures=pictures,
            thumbnails=Thumbnails(pictures, ThumbnailCache(store_dir)),
            values=OriginalValues(pictures),
            broker=broker,
            watcher=watcher,
            damage=DamageWatch(
                store_dir,
                footprint=watcher.footprint,
                is_live=watcher.is_running,
                tell=lambda problem: broker.tell([ProblemEvent(text=problem)]),
            ),
            mender=Mender(store_dir),
            readers=ThreadPoolExecutor(max(_NUM_READERS, os.cpu_count() or 1), "reader"),
            decoders=ThreadPoolExecutor(_NUM_DECODERS, "decoder"),
        )

    def start(self) -> None:
        """Begin to watch the store."""
        self.watcher.start()
        self.damage.start()
        self.mender.start()
        self.thumbnails.warm_up()

    def close(self) -> None:
        """End all threads and streams."""
        self.broker.close()
        self.damage.stop()
        self.mender.stop()
        self.watcher.stop()
        self.thumbnails.close()
        self.readers.shutdown(cancel_futures=True)
        self.decoders.shutdown(cancel_futures=True)

"""An image of a few dozen tiles, and stand-ins that count, wait and fail."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tilesam.embedding.job import EmbeddingJob
from tilesam.embedding.order import plan_tiles
from tilesam.embedding.run import embed_tiles
from tilesam.errors import ImageReadError
from tilesam.image import open_image
from tilesam.opening import build_contents
from tilesam.store import MemoryStore, open_store
from tilesam.testing.models import tiny_random_model
from tilesam.tiling import Grid
from tilesam.types import TileKey

HW = (200, 150)


def textured_image(hw=HW, *, seed=0):
    """Return (H, W, 3) uint8 without two equal tiles."""
    return np.random.default_rng(seed).integers(0, 256, (*hw, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Scene:
    """What a run is about."""

    grid: Grid
    source: Any
    store: Any
    model: Any

    @property
    def plan(self) -> list[TileKey]:
        return plan_tiles(self.grid)

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self.grid, self.source, self.store, self.model

    def job(self, **options: Any) -> EmbeddingJob:
        return EmbeddingJob(*self.arguments, **options)

    def run(self, **options: Any):
        """Return the generator of a run over all tiles."""
        return embed_tiles(self.plan, *self.arguments, **options)

    def with_(self, **parts: Any) -> Scene:
        return replace(self, **parts)


def build_scene(image=None, *, model=None, store=None) -> Scene:
    """Return an image, a minimal model and an empty store in memory."""
    source = open_image(textured_image() if image is None else image)
    model = tiny_random_model(0) if model is None else model
    grid = Grid(source.hw, model.input_size)
    store = MemoryStore(build_contents(source, model)) if store is None else store
    return Scene(grid, source, store, model)


def scene_on_disk(folder: Path, *, hw=HW, model=None) -> Scene:
    """Return a scene of files alone: a tiled image, written if missing, and a store."""
    path = folder / "image.tif"
    if not path.exists():
        tifffile.imwrite(path, textured_image(hw), tile=(64, 64), photometric="rgb")
    scene = build_scene(path, model=model)
    contents = build_contents(scene.source, scene.model)
    return scene.with_(store=open_store(folder / "store", contents))


def stored_bytes(store) -> dict[TileKey, bytes]:
    """Return every bit of what a store holds."""
    keys = store.keys()
    return {key: store.read(key).embedding.tobytes() for key in keys}


class Delegate:
    """Passes everything on to another object; tests override what they need."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        if name == "inner":  # while it is unpickled
            raise AttributeError(name)
        return getattr(self.inner, name)


class StoreDelegate(Delegate):
    """Operators are looked up in the class, so `in` has to be passed on by itself."""

    def __contains__(self, key: TileKey) -> bool:
        return key in self.inner


class UnreadableSource(Delegate):
    """Fails as an image does whose disk was unplugged."""

    def read_resampled(self, window, _):
        raise ImageReadError(f"chunk at {window.y0}, {window.x0} cannot be read")


class DeadlyModel(Delegate):
    """Ends the process that uses it, as the kernel does when memory runs out."""

    def embed(self, _):
        os.kill(os.getpid(), signal.SIGKILL)


class CountingModel(Delegate):
    """Counts what it encodes."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.calls = Counter()

    def embed(self, windows):
        self.calls["batches"] += 1
        self.calls["tiles"] += len(windows)
        return self.inner.embed(windows)

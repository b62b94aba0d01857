"""What other processes run in the tests of kills and of two processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from tests.engine.embedding.scene import CountingModel, scene_on_disk

# One process imports torch, and all others are forked from it in an instant.
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


class SlowModel(CountingModel):
    """Takes as long as a large network, and says how often it was asked."""

    def __init__(self, inner: Any, seconds: float, encoded: Any) -> None:
        super().__init__(inner)
        self.seconds, self.encoded = seconds, encoded

    def embed(self, windows):
        time.sleep(self.seconds)
        self.encoded.value += len(windows)
        return super().embed(windows)


@dataclass
class Filler:
    """A process that fills a store."""

    process: Any
    ready: Any
    encoded: Any

    @classmethod
    def start(cls, folder: Path, *, seconds_per_tile: float, go: Any = None) -> Filler:
        ready, encoded = CONTEXT.Event(), CONTEXT.Value("q", 0)
        process = CONTEXT.Process(
            target=fill, args=(folder, seconds_per_tile, ready, encoded, go)
        )
        process.start()
        return cls(process, ready, encoded)


def fill(folder: Path, seconds: float, ready: Any, encoded: Any, go: Any) -> None:
    """Embed the image of a folder into its store."""
    torch.set_num_threads(1)
    scene = scene_on_disk(folder)
    scene = scene.with_(model=SlowModel(scene.model, seconds, encoded))
    ready.set()
    if go is not None:
        go.wait()
    for _ in scene.run():
        pass

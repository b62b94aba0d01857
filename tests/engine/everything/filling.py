"""What other processes run in the tests of kills."""

from __future__ import annotations

from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from tests.engine.embedding.filling import SlowModel
from tests.engine.everything.run_scene import run_scene_on_disk

# One process imports torch, and all others are forked from it in an instant.
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


def start(folder: Path, *, seconds_per_tile: float) -> tuple[Any, Any, Any]:
    """Return a process, the event that it is ready and how often it encoded."""
    ready, encoded = CONTEXT.Event(), CONTEXT.Value("q", 0)
    process = CONTEXT.Process(
        target=fill, args=(folder, seconds_per_tile, ready, encoded)
    )
    process.start()
    return process, ready, encoded


def fill(folder: Path, seconds: float, ready: Any, encoded: Any) -> None:
    """Decode the image of a folder into its work folder."""
    torch.set_num_threads(1)
    scene = run_scene_on_disk(folder)
    scene = scene.with_(model=SlowModel(scene.embedding.model, seconds, encoded))
    ready.set()
    for _ in scene.run():
        pass

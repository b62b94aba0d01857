"""An image of a few dozen tiles with everything that a run over it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.engine.embedding import scene as embedding_scene
from tilesam.everything.job import EverythingJob
from tilesam.everything.mask_place import open_mask_folder
from tilesam.everything.mask_store import MaskStoreContents, MemoryMaskStore
from tilesam.everything.run import segment_tiles
from tilesam.everything.settings import DecodeSettings
from tilesam.everything.tile_masks import TileMasks
from tilesam.masks.run_masks import RunMasks
from tilesam.types import TileKey

ASKED = DecodeSettings(
    points_per_side=3, lowest_pred_iou=-100.0, lowest_stability_score=0.0
)
"""With it networks of random weights find something, and different things in all."""


@dataclass(frozen=True, eq=False)
class RunScene:
    """What a run is about."""

    embedding: embedding_scene.Scene
    masks: Any
    settings: DecodeSettings = ASKED

    @property
    def plan(self) -> list[TileKey]:
        return self.embedding.plan

    def job(self, **options: Any) -> EverythingJob:
        return EverythingJob(self.embedding.job(**options), self.masks, self.settings)

    def run(self, *, plan=None, job_options=None, **options: Any):
        """Return the generator of a run over all tiles."""
        job = self.job(**(job_options or {}))
        return segment_tiles(self.plan if plan is None else plan, job, **options)

    def with_(self, *, masks: Any = None, **parts: Any) -> RunScene:
        """Return the scene with other masks, or parts of the embedding's scene."""
        return replace(
            self,
            embedding=self.embedding.with_(**parts),
            masks=self.masks if masks is None else masks,
        )


def contents_of(scene: embedding_scene.Scene, settings=ASKED) -> MaskStoreContents:
    return MaskStoreContents(scene.store.contents, settings)


def build_run_scene(image=None, *, model=None) -> RunScene:
    """Return an image, a minimal model and empty stores, all in memory."""
    scene = embedding_scene.build_scene(image, model=model)
    return RunScene(scene, MemoryMaskStore(contents_of(scene)))


def run_scene_on_disk(folder: Path, **options: Any) -> RunScene:
    """Return a scene of files alone."""
    scene = embedding_scene.scene_on_disk(folder, **options)
    return RunScene(scene, open_mask_folder(folder / "work", contents_of(scene)))


def stored_masks(store) -> dict[TileKey, dict[str, bytes]]:
    """Return every bit of what a store of masks holds."""
    keys = store.keys()
    return {key: bits_of(store.read(key)) for key in keys}


def bits_of(masks: TileMasks) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in masks.to_arrays().items()}


def some_masks(key: TileKey, *, seed=0, count=5) -> TileMasks:
    """Return masks without any network."""
    random = np.random.default_rng(seed)
    crops = [random.random((6, 7)) > 0.4 for _ in range(count)]
    places = [tuple(yx) for yx in random.integers(0, 50, (count, 2)).tolist()]
    return TileMasks(
        tile=key,
        extent=(0, 0, 64, 64),
        scale=1,
        masks=RunMasks.from_crops(crops, places) if count else RunMasks.empty(),
        predicted_iou=random.random(count, np.float32),
        stability_score=random.random(count, np.float32),
        points_yx=random.random((count, 2)),
        tokens=random.integers(1, 4, count).astype(np.uint8),
        asked=27,
        best_predicted_iou=0.9,
        best_stability_score=0.8,
    )

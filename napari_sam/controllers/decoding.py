"""The jobs behind segmenting everything: decode tile by tile, then make objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import numpy as np

from napari_sam.state.everything import FoundObjects
from tilesam.everything.decoded import DecodedEverything
from tilesam.everything.job import EverythingJob, TileResult
from tilesam.everything.mask_store import (
    MaskStore,
    MaskStoreContents,
    MemoryMaskStore,
)
from tilesam.everything.progress import EverythingMeter, EverythingProgress
from tilesam.everything.segmentation import Segmentation
from tilesam.everything.settings import EverythingSettings
from tilesam.everything.work import segment_tile
from tilesam.masks.run_masks import Extent
from tilesam.model.runtime import DecodedPoints, SamModel
from tilesam.session import Session
from tilesam.types import TileKey, Window

MOST_PAINTED_PIXELS = 2**25
"""Labels of larger regions are painted part by part: this many take 128 MB."""


def fitting_masks(
    session: Session, settings: EverythingSettings, earlier: MaskStore | None
) -> MaskStore:
    """Return where masks are kept, so that thresholds can be lowered afterwards.

    Parameters
    ----------
    session
        The image and the model.
    settings
        With thresholds, see `EverythingSettings.resolved`.
    earlier
        Is used again if what it holds was asked in the same way: tiles that were
        decoded for another region, or before a run was cancelled, are done.
    """
    embeddings = session.store.contents
    if (
        earlier is not None
        and earlier.contents.embeddings == embeddings
        and earlier.contents.serves(settings.decoding())
    ):
        return earlier
    adjustable = settings.decoding(adjustable=True)
    return MemoryMaskStore(MaskStoreContents(embeddings, adjustable))


def decode_in_steps(
    session: Session,
    region: Window | None,
    settings: EverythingSettings,
    masks: MaskStore,
    breathe: Callable[[], None],
    *,
    object_diameter: float | None = None,
) -> Generator[EverythingProgress, None, DecodedEverything]:
    """Ask the decoder in one tile after the other.

    A tile takes seconds, far too long for somebody who clicks meanwhile.

    Parameters
    ----------
    session, region
        What to decode.
    settings
        With thresholds, see `EverythingSettings.resolved`.
    masks
        Where masks are kept, see `fitting_masks`.
    breathe
        Called between batches of points, see `EngineThread.breathe`.
    object_diameter
        Of a typical object in pixels; by default the session's.

    Yields
    ------
    EverythingProgress
        After each tile.

    Raises
    ------
    TilesamError
        See `tilesam.everything.work.segment_tile`.
    """
    plan = session.plan_everything(region, object_diameter=object_diameter)
    asked = replace(masks.contents.decoding, points_per_batch=settings.points_per_batch)
    model: Any = _BreathingModel(session.model, breathe)
    job = EverythingJob(replace(session.embeddings.job, model=model), masks, asked)
    missing = set(plan) - masks.keys()
    meter = EverythingMeter(len(plan), len(missing), clock=time.perf_counter)
    done: dict[TileKey, TileResult] = {}
    progress = None
    for key in plan:
        done[key] = segment_tile(key, job)
        progress = meter.add(done[key], was_missing=key in missing)
        yield progress
    return DecodedEverything(
        *(EverythingJob(session.embeddings.job, masks, asked), settings),
        keys=tuple(key for key in done if done[key].status != "skipped"),
        region=region,
        progress=progress,
    )


class _BreathingModel:
    """A model that lets more urgent work through before each batch of points."""

    def __init__(self, model: SamModel, breathe: Callable[[], None]) -> None:
        self._model = model
        self._breathe = breathe

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def decode_points(self, *args: Any, **options: Any) -> DecodedPoints:
        self._breathe()
        return self._model.decode_points(*args, **options)


def find_objects(
    decoded: DecodedEverything, settings: EverythingSettings, *, image_name: str = ""
) -> FoundObjects:
    """Make objects of what was decoded, and paint them if they are few enough pixels.

    Raises
    ------
    EverythingError
        If the settings ask for what was not decoded.
    """
    segmentation = decoded.resolve(settings, image_name=image_name)
    y0, x0, y1, x1 = extent = _extent_of(segmentation, decoded.region)
    is_small = (y1 - y0) * (x1 - x0) <= MOST_PAINTED_PIXELS
    labels = segmentation.labels(extent) if is_small else None
    return FoundObjects(segmentation, labels, (y0, x0), segmentation.settings)


def _extent_of(segmentation: Segmentation, region: Window | None) -> Extent:
    """Return the region, and what objects that reach out of it need."""
    if region is None:
        return (0, 0, *segmentation.image_hw)
    bottom, right = region.y0 + region.height, region.x0 + region.width
    own = np.array([[region.y0, region.x0, bottom, right]])
    extents = segmentation.table.extents_yxyx[segmentation.kept]
    every = np.concatenate([own, extents])
    low = np.maximum(every[:, :2].min(axis=0), 0)
    high = np.minimum(every[:, 2:].max(axis=0), segmentation.image_hw)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])

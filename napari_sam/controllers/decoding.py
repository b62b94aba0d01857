"""The jobs behind segmenting everything: decode tile by tile, then make objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace

import numpy as np

from napari_sam.layers.painted_levels import painted_levels
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
from tilesam.session import Session
from tilesam.types import TileKey, Window

MOST_PAINTED_PIXELS = 2**25
"""Labels of larger regions are painted part by part: this many take 128 MB."""


def fitting_masks(
    session: Session,
    settings: EverythingSettings,
    earlier: MaskStore | None,
    *,
    adjustable: bool = True,
) -> MaskStore:
    """Return where masks are kept, as a rule so that thresholds can be lowered.

    Parameters
    ----------
    session
        The image and the model.
    settings
        With thresholds, see `EverythingSettings.resolved`.
    earlier
        Is used again if what it holds was asked in the same way: tiles that were
        decoded for another region, or before a run was cancelled, are done.
    adjustable
        Whether masks below the thresholds are kept too, which takes longer.
    """
    embeddings = session.store.contents
    if (
        earlier is not None
        and earlier.contents.embeddings == embeddings
        and earlier.contents.serves(settings.decoding())
    ):
        return earlier
    asked = settings.decoding(adjustable=adjustable)
    return MemoryMaskStore(MaskStoreContents(embeddings, asked))


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
    job = EverythingJob(session.embeddings.job, masks, asked)
    breathing = replace(job, before_batch=breathe)
    missing = set(plan) - masks.keys()
    meter = EverythingMeter(len(plan), len(missing), clock=time.perf_counter)
    done: dict[TileKey, TileResult] = {}
    progress = None
    for key in plan:
        done[key] = segment_tile(key, breathing)
        progress = meter.add(done[key], was_missing=key in missing)
        yield progress
    return DecodedEverything(
        *(job, settings),
        keys=tuple(key for key in done if done[key].status != "skipped"),
        region=region,
        progress=progress,
    )


def find_objects(
    decoded: DecodedEverything, settings: EverythingSettings, *, image_name: str = ""
) -> FoundObjects:
    """Make objects of what was decoded, and paint them if they are few enough pixels.

    Raises
    ------
    EverythingError
        If the settings ask for what was not decoded.
    """
    return paint_objects(
        decoded.resolve(settings, image_name=image_name), decoded.region
    )


def paint_objects(
    segmentation: Segmentation, region: Window | None, *, phrase: str | None = None
) -> FoundObjects:
    """Return objects with their labels, painted if they are few enough pixels.

    Parameters
    ----------
    segmentation
        The objects.
    region
        In which they were looked for; None is the whole image.
    phrase
        See `FoundObjects`.
    """
    y0, x0, y1, x1 = extent = _extent_of(segmentation, region)
    is_small = (y1 - y0) * (x1 - x0) <= MOST_PAINTED_PIXELS
    return FoundObjects(
        segmentation,
        segmentation.labels(extent) if is_small else None,
        (y0, x0),
        segmentation.settings,
        levels=() if is_small else tuple(painted_levels(segmentation, extent)),
        phrase=phrase,
    )


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

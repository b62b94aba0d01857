"""Whole objects from the masks of overlapping windows.

Every window shows some objects whole and cuts others at its edges. What belongs
together is found by comparing neighbouring windows on the pixels that both show, and
joined over any number of windows. Nothing here knows where masks come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.tiling.stitching.fates import Fate
from tilesam.tiling.stitching.objects import (
    best_members,
    decide_fates,
    find_remnants,
    group_sightings,
    raster_order,
    unite,
)
from tilesam.tiling.stitching.openings import is_looked_beyond, open_sides
from tilesam.tiling.stitching.seams import find_seams
from tilesam.tiling.stitching.sightings import WindowMasks, gather

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import BoolArray, IntArray, UInt8Array

__all__ = ["Fate", "Stitched", "WindowMasks", "stitch"]


@dataclass(frozen=True, eq=False)
class Stitched:
    """n objects, and what became of the T masks they were made of.

    Parameters
    ----------
    masks
        One for each object, in raster order of their upper left corners.
    object_of
        (T,) int64 the object of every mask of every window, in the order given; that
        of a dropped copy or fragment is the one it belongs to. -1 for masks without a
        pixel, and for slivers at an edge that belong to nothing another window has.
    fates
        (T,) uint8 of `Fate`.
    best
        (n,) int64 which of the T masks, among the members of each object, has the
        highest score.
    is_cut
        (n,) bool: an edge of a window, not of the image, cuts the object, and no other
        window shows how it goes on.
    is_abandoned
        (n,) bool: it is cut, and a window that shows what is beyond has nothing of it
        there.
    """

    masks: RunMasks
    object_of: IntArray
    fates: UInt8Array
    best: IntArray
    is_cut: BoolArray
    is_abandoned: BoolArray


def stitch(
    windows: Sequence[WindowMasks],
    image_hw: tuple[int, int],
    *,
    min_overlap_iou: float = 0.5,
    min_containment: float = 0.8,
    tolerance: int = 2,
) -> Stitched:
    """Make whole objects of what was found in windows.

    Parameters
    ----------
    windows
        In any order; the result does not depend on it. Masks of one window may overlap.
    image_hw
        Height and width of the image.
    min_overlap_iou
        Two masks are the same object if they have this IoU where both windows look,
        and neither is more like another mask there.
    min_containment
        Share of a cut mask that must lie in a whole one to be a fragment of it.
    tolerance
        By how many pixels borders of masks may be off: between two windows, and so
        near to an edge of its window a mask counts as cut by it.

    Returns
    -------
    Stitched
        Masks that are exact pieces of a label image come back as that image.

    Raises
    ------
    TilingError
        If windows, masks and scores do not fit each other.
    """
    sightings = gather(windows, image_hw, tolerance)
    seams = find_seams(
        sightings, min_overlap_iou=min_overlap_iou, min_containment=min_containment
    )
    group_of = group_sightings(sightings, seams)
    fates = decide_fates(sightings, seams, group_of)
    member_of = np.where(fates == Fate.MEMBER, group_of, -1)
    count = int(group_of.max(initial=-1)) + 1
    masks = unite(sightings.masks, member_of, count)
    is_open = open_sides(sightings, member_of)
    remnant_of = find_remnants(
        sightings, masks, member_of, is_open, min_containment=min_containment
    )
    is_kept = remnant_of == np.arange(count)
    is_member = (member_of >= 0) & is_kept[member_of]
    fates[(member_of >= 0) & ~is_member] = Fate.FRAGMENT
    best = best_members(sightings, fates, group_of)
    kept = np.flatnonzero(is_kept)
    order = raster_order(masks.take(kept), best)
    number_of = np.full(count + 1, -1)
    number_of[kept[order]] = np.arange(len(kept))
    number_of[:count] = number_of[remnant_of]
    cut = np.flatnonzero(is_member & is_open.any(axis=1))
    abandoned = cut[is_looked_beyond(sightings, cut, is_open[cut])]
    is_cut, is_abandoned = np.zeros((2, len(kept)), np.bool_)
    is_cut[number_of[group_of[cut]]] = True
    is_abandoned[number_of[group_of[abandoned]]] = True
    return Stitched(
        masks.take(kept[order]),
        _in_given_order(number_of[group_of], sightings.places),
        _in_given_order(fates, sightings.places),
        sightings.places[best[order]],
        is_cut,
        is_abandoned,
    )


def _in_given_order(values: NDArray[Any], places: IntArray) -> NDArray[Any]:
    given = np.empty_like(values)
    given[places] = values
    return given

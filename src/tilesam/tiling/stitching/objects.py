"""Objects from sightings that belong together: their pixels, and what is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tilesam.masks.pairs import overlapping_extents
from tilesam.masks.run_masks import concatenate
from tilesam.masks.union import union_by_group
from tilesam.tiling.stitching.fates import Fate
from tilesam.tiling.stitching.openings import is_looked_beyond
from tilesam.tiling.stitching.overlaps import shared_areas

if TYPE_CHECKING:
    from tilesam.masks.run_masks import RunMasks
    from tilesam.tiling.stitching.seams import Seams
    from tilesam.tiling.stitching.sightings import Sightings
    from tilesam.types import BoolArray, FloatArray, IntArray, UInt8Array


def group_sightings(sightings: Sightings, seams: Seams) -> IntArray:
    """Return (T,) int64 the group of each sighting, or -1 for those without a pixel."""
    parts = np.flatnonzero(seams.whole_of >= 0)
    fragments = np.stack([parts, seams.whole_of[parts]], axis=1)
    i, j = np.concatenate([seams.copies, seams.joints, fragments]).T
    shape = (len(sightings), len(sightings))
    graph = coo_array((np.ones(len(i), np.bool_), (i, j)), shape=shape)
    component = connected_components(graph, directed=False)[1]
    groups = np.full(len(sightings), -1)
    filled = sightings.masks.areas > 0
    groups[filled] = np.unique(component[filled], return_inverse=True)[1]
    return groups


def decide_fates(sightings: Sightings, seams: Seams, group_of: IntArray) -> UInt8Array:
    """Return (T,) uint8 what becomes of each sighting."""
    fates = np.full(len(sightings), Fate.MEMBER, np.uint8)
    fates[(seams.whole_of >= 0) | (group_of < 0)] = Fate.FRAGMENT
    whole = np.flatnonzero(~sightings.is_cut & (group_of >= 0))
    is_best = np.zeros(len(sightings), np.bool_)
    is_best[_best_of_groups(whole, group_of, sightings)] = True
    fates[whole[~is_best[whole]]] = Fate.DUPLICATE
    return fates


def best_members(
    sightings: Sightings, fates: UInt8Array, group_of: IntArray
) -> IntArray:
    """Return for each group its member with the highest score."""
    members = np.flatnonzero(fates == Fate.MEMBER)
    return _best_of_groups(members, group_of, sightings)


def unite(masks: RunMasks, group_of: IntArray, count: int) -> RunMasks:
    """Return the union of the masks of each group; -1 is no group, none is empty."""
    sizes = np.bincount(group_of[group_of >= 0], minlength=count)
    is_single = (group_of >= 0) & (sizes[group_of] == 1)
    # Most objects have one member, and nothing to be united.
    single = np.flatnonzero(is_single)
    several = np.flatnonzero((group_of >= 0) & ~is_single)
    names, group_of_several = np.unique(group_of[several], return_inverse=True)
    united = union_by_group(masks.take(several), group_of_several, len(names))
    order = np.argsort(np.concatenate([group_of[single], names]))
    return concatenate([masks.take(single), united]).take(order)


NOWHERE = -1


def find_remnants(
    sightings: Sightings,
    masks: RunMasks,
    group_of: IntArray,
    is_open: BoolArray,
    *,
    min_containment: float,
) -> IntArray:
    """Return for each of n objects the one it is a remnant of, or itself.

    A remnant is what a window drew too badly to be joined. It is cut, and a window that
    shows how it should go on does not have it. It lies in a larger object, or is
    no more than what borders may be off, and then belongs to `NOWHERE`.

    Parameters
    ----------
    sightings
        T masks.
    masks
        The n objects.
    group_of
        (T,) int64 the object of each member, -1 of all others.
    is_open
        (T, 4) which sides are cut and not continued.
    min_containment
        Share of a remnant that lies in the larger object.
    """
    cut = np.flatnonzero(is_open.any(axis=1) & (group_of >= 0))
    cut = cut[is_looked_beyond(sightings, cut, is_open[cut])]
    part = np.unique(group_of[cut])
    remnant_of = np.arange(len(masks) + 1)
    remnant_of[-1] = NOWHERE
    height, width = (masks.extents_yxyx[:, 2:] - masks.extents_yxyx[:, :2]).T
    rims = (height + width) * sightings.tolerance
    remnant_of[part[masks.areas[part] <= rims[part]]] = NOWHERE
    spare = np.maximum((1 - min_containment) * masks.areas, rims)
    pairs = _containing(masks, part, spare)
    remnant_of[pairs[:, 0]] = pairs[:, 1]
    return _followed(remnant_of)[:-1]


def _containing(masks: RunMasks, part: IntArray, spare: FloatArray) -> IntArray:
    """Return pairs of a part and the larger mask that has all but `spare` of it."""
    extents, areas = masks.extents_yxyx, masks.areas
    pairs = overlapping_extents(extents[part], extents)
    pairs[:, 0] = part[pairs[:, 0]]
    pairs = pairs[areas[pairs[:, 0]] < areas[pairs[:, 1]]]
    shared = shared_areas(masks, pairs)
    is_inside = (shared > 0) & (areas[pairs[:, 0]] - shared <= spare[pairs[:, 0]])
    pairs, shared = pairs[is_inside], shared[is_inside]
    order = np.lexsort((pairs[:, 1], areas[pairs[:, 1]], -shared, pairs[:, 0]))
    first = order[np.diff(pairs[order, 0], prepend=-1) != 0]
    chosen: IntArray = pairs[first]
    return chosen


def raster_order(masks: RunMasks, best: IntArray) -> IntArray:
    """Return the order of objects by upper left corner, then by size."""
    y0, x0, y1, x1 = masks.extents_yxyx.T
    order: IntArray = np.lexsort((best, x1, y1, masks.areas, x0, y0))
    return order


def _best_of_groups(
    chosen: IntArray, group_of: IntArray, sightings: Sightings
) -> IntArray:
    """Return of each group, in ascending order, the chosen one with the best score."""
    order = np.lexsort((chosen, -sightings.scores[chosen], group_of[chosen]))
    ordered = group_of[chosen[order]]
    best: IntArray = chosen[order[np.diff(ordered, prepend=-1) != 0]]
    return best


def _followed(target: IntArray) -> IntArray:
    """Return where each number leads to in the end; targets are larger objects."""
    while True:
        further = target[target]
        if np.array_equal(further, target):
            return target
        target = further

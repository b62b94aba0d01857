"""Which sighting of a window is which of its neighbour's, each at most one.

Masks nest: a whole and its part may look the same where two windows look, if the rest
of the whole lies elsewhere. Then the larger ones belong together, and the smaller ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.tiling.stitching.overlaps import shared_areas

if TYPE_CHECKING:
    from tilesam.tiling.stitching.overlaps import Overlaps
    from tilesam.tiling.stitching.sightings import Sightings
    from tilesam.types import BoolArray, IntArray

SAME_IOU = 0.15
"""IoUs that differ by less do not tell which of two nested masks is meant."""

MIN_NESTED = 0.9
"""Share of a mask that lies in the one it is a part of."""


def match(overlaps: Overlaps, sightings: Sightings, is_alike: BoolArray) -> BoolArray:
    """Choose the pairs of sightings that show the same object.

    Parameters
    ----------
    overlaps
        P pairs.
    sightings
        What they are numbers of.
    is_alike
        (P,) which pairs are candidates.

    Returns
    -------
    BoolArray
        (P,) where the pairs are that belong together: within two windows each sighting
        is in at most one. The most alike are chosen first.
    """
    candidates = np.flatnonzero(is_alike)
    candidates = candidates[_preference(overlaps.take(candidates), sightings)]
    slots = _slots(overlaps.pairs[candidates], sightings)
    chosen = np.zeros(len(candidates), np.bool_)
    left = np.arange(len(candidates))
    while len(left):
        first = left[_is_first_choice(slots[left])]
        chosen[first] = True
        is_taken = np.isin(slots[left, 0], slots[first, 0])
        is_taken |= np.isin(slots[left, 1], slots[first, 1])
        left = left[~is_taken]
    chosen = _untangled(overlaps.take(candidates), sightings, slots, chosen)
    matched = np.zeros(len(overlaps.pairs), np.bool_)
    matched[candidates[chosen]] = True
    return matched


def is_ambiguous(
    overlaps: Overlaps, sightings: Sightings, is_alike: BoolArray, matched: BoolArray
) -> BoolArray:
    """Return (P,) which matches could as well be others, and nothing tells which.

    Where two windows share a corner, any two large objects that overlap may fill it. Of
    a whole and its part the size tells; of others nothing does.
    """
    slots = _slots(overlaps.pairs, sightings)
    rivals = np.flatnonzero(is_alike & ~matched)
    doubtful = np.zeros(len(matched), np.bool_)
    for k in (0, 1):
        partner = np.full(int(slots[:, k].max(initial=-1)) + 1, -1)
        partner[slots[matched, k]] = np.flatnonzero(matched)
        own = partner[slots[rivals, k]]
        is_rival = (own >= 0) & (overlaps.iou[rivals] >= overlaps.iou[own] - SAME_IOU)
        own, rival = own[is_rival], rivals[is_rival]
        pairs = np.stack([overlaps.pairs[v, 1 - k] for v in (own, rival)], axis=1)
        least = MIN_NESTED * sightings.masks.areas[pairs].min(axis=1, initial=2**62)
        doubtful[own[shared_areas(sightings.masks, pairs) < least]] = True
    return doubtful


def _preference(overlaps: Overlaps, sightings: Sightings) -> IntArray:
    """Return the order of pairs: the most alike, of equally alike ones the largest."""
    areas = np.sort(sightings.masks.areas[overlaps.pairs], axis=1)
    # Of masks of equal size the first of one window goes with the first of the other.
    i, j = overlaps.pairs.T
    order: IntArray = np.lexsort((j, i, -areas[:, 1], -areas[:, 0], -overlaps.iou))
    return order


def _slots(pairs: IntArray, sightings: Sightings) -> IntArray:
    """Return (P, 2) numbers of the one place of each sighting in the other window."""
    window = sightings.window_of[pairs]
    names = pairs * len(sightings.windows_yxyx) + window[:, ::-1]
    return np.stack(
        [np.unique(names[:, k], return_inverse=True)[1] for k in (0, 1)], axis=1
    )


def _is_first_choice(slots: IntArray) -> BoolArray:
    """Return which pairs both sides prefer; earlier pairs come first."""
    order = np.arange(len(slots))
    is_first = np.ones(len(slots), np.bool_)
    for slot in slots.T:
        first = np.full(int(slot.max()) + 1, len(slots))
        np.minimum.at(first, slot, order)
        is_first &= first[slot] == order
    return is_first


def _untangled(
    overlaps: Overlaps, sightings: Sightings, slots: IntArray, chosen: BoolArray
) -> BoolArray:
    """Exchange the partners of a whole and its part where they are crossed."""
    chosen = chosen.copy()
    while True:
        a, b, cross_a, cross_b = _crossed(overlaps, sightings, slots, chosen)
        if not len(a):
            return chosen
        # Each pair in one exchange at a time; with every one there is less to do.
        names, first_a = np.unique(a, return_index=True)
        _, first_b = np.unique(b, return_index=True)
        once = np.intersect1d(first_a, first_b)
        once = once[~np.isin(b[once], names)]
        if not len(once):
            once = np.zeros(1, np.int64)
        chosen[a[once]] = chosen[b[once]] = False
        chosen[cross_a[once]] = chosen[cross_b[once]] = True


def _crossed(
    overlaps: Overlaps, sightings: Sightings, slots: IntArray, chosen: BoolArray
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Return chosen pairs that are crossed, and the pairs to be chosen instead.

    A whole i with a part j' as its partner, and its part i' with the whole j.
    """
    partner = [np.full(len(chosen) + 1, -1) for _ in (0, 1)]
    for k in (0, 1):
        partner[k][slots[chosen, k]] = np.flatnonzero(chosen)
    cross = np.flatnonzero(~chosen)
    of_whole, of_part = (partner[k][slots[cross, k]] for k in (0, 1))
    is_crossed = (of_whole >= 0) & (of_part >= 0)
    cross, of_whole, of_part = (v[is_crossed] for v in (cross, of_whole, of_part))
    areas = sightings.masks.areas
    i, j = overlaps.pairs[cross].T
    part_i, part_j = overlaps.pairs[of_part, 0], overlaps.pairs[of_whole, 1]
    is_crossed = (areas[i] > areas[part_i]) & (areas[j] > areas[part_j])
    other = _find(slots, slots[of_part, 0], slots[of_whole, 1])
    is_crossed &= other >= 0
    least = np.minimum(overlaps.iou[of_whole], overlaps.iou[of_part]) - SAME_IOU
    is_crossed &= np.minimum(overlaps.iou[cross], overlaps.iou[other]) >= least
    for whole, part in ((i, part_i), (j, part_j)):
        left = np.flatnonzero(is_crossed)
        pairs = np.stack([whole[left], part[left]], axis=1)
        shared = shared_areas(sightings.masks, pairs)
        is_crossed[left] = shared >= MIN_NESTED * areas[part[left]]
    found = np.flatnonzero(is_crossed)
    return of_whole[found], of_part[found], cross[found], other[found]


def _find(slots: IntArray, first: IntArray, second: IntArray) -> IntArray:
    """Return where the pairs of two slots are, or -1."""
    if not len(slots):
        return np.full(len(first), -1)
    width = int(slots[:, 1].max()) + 1
    names = slots[:, 0] * width + slots[:, 1]
    order = np.argsort(names)
    wanted = first * width + second
    place = np.minimum(np.searchsorted(names[order], wanted), len(order) - 1)
    return np.where(names[order[place]] == wanted, order[place], -1)

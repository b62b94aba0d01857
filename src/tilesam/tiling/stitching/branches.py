"""Several masks of one window that continue one mask of its neighbour.

The arms of a U are one object in the window that shows the bend, and two in the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.tiling.stitching.overlaps import shared_areas

if TYPE_CHECKING:
    from tilesam.tiling.stitching.overlaps import Overlaps
    from tilesam.tiling.stitching.sightings import Sightings
    from tilesam.types import BoolArray, IntArray

MIN_UNION_IOU = 0.7
"""Branches must together be what the other window shows, or they lie on it by chance.

Higher than for one mask, because a wrong branch makes two objects one.
"""

MAX_COMMON = 0.2
"""Of a branch, what another branch may have too; more is a part within a whole."""


def find_branches(
    overlaps: Overlaps,
    sightings: Sightings,
    is_match: BoolArray,
    may_branch: BoolArray,
    min_containment: float,
) -> BoolArray:
    """Return (P,) which pairs join a branch and a trunk.

    Parameters
    ----------
    overlaps
        P pairs.
    sightings
        What they are numbers of.
    is_match
        (P,) which pairs match one to one.
    may_branch
        (P,) which pairs can be considered at all.
    min_containment
        How much of a branch must lie in the trunk, where both windows look.

    Notes
    -----
    Branches do not lie in each other, and none of them matches another mask of the
    trunk's window.
    """
    is_branch = np.zeros(len(overlaps.pairs), np.bool_)
    for side in (0, 1):
        window = sightings.window_of[overlaps.pairs[:, 1 - side]]
        place = overlaps.pairs[:, side] * len(sightings.windows_yxyx) + window
        is_inside = overlaps.shared >= min_containment * overlaps.shown[:, side]
        is_free = ~np.isin(place, place[is_match])
        further = may_branch & is_inside & is_free
        if not further.any():
            continue
        window = sightings.window_of[overlaps.pairs[:, side]]
        trunk = overlaps.pairs[:, 1 - side] * len(sightings.windows_yxyx) + window
        group_of, considered = _groups(trunk, further, is_match)
        is_fine = _explains(overlaps, side, group_of, considered)
        is_fine &= _are_apart(overlaps, sightings, side, group_of, considered)
        is_branch[considered] |= is_fine[group_of] & may_branch[considered]
    return is_branch


def _groups(
    trunk: IntArray, further: BoolArray, is_match: BoolArray
) -> tuple[IntArray, IntArray]:
    """Return the pairs of trunks with further branches, and the group of each."""
    considered = np.flatnonzero((further | is_match) & np.isin(trunk, trunk[further]))
    return np.unique(trunk[considered], return_inverse=True)[1], considered


def _explains(
    overlaps: Overlaps, side: int, group_of: IntArray, considered: IntArray
) -> BoolArray:
    """Return for each group whether its branches together are alike the trunk."""
    shared = np.bincount(group_of, overlaps.shared[considered])
    branches = np.bincount(group_of, overlaps.shown[considered, side])
    trunk = np.zeros(len(shared))
    trunk[group_of] = overlaps.shown[considered, 1 - side]
    return np.asarray(shared >= MIN_UNION_IOU * (branches + trunk - shared), np.bool_)


def _are_apart(
    overlaps: Overlaps,
    sightings: Sightings,
    side: int,
    group_of: IntArray,
    considered: IntArray,
) -> BoolArray:
    """Return for each group whether no branch lies in another one."""
    branch = overlaps.pairs[considered, side]
    order = np.argsort(group_of, kind="stable")
    size = np.bincount(group_of)
    first = np.cumsum(size) - size
    is_apart = np.ones(len(size), np.bool_)
    for distance in range(1, int(size.max())):
        # Each branch with the one so many places further on in its group.
        place = np.arange(len(order)) - first[group_of[order]]
        i = np.flatnonzero(place + distance < size[group_of[order]])
        pairs = np.stack([branch[order[i]], branch[order[i + distance]]], axis=1)
        common = shared_areas(sightings.masks, pairs)
        too_much = common > MAX_COMMON * sightings.masks.areas[pairs].min(axis=1)
        is_apart[group_of[order[i[too_much]]]] = False
    return is_apart

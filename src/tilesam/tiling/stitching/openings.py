"""Edges of windows at which an object ends although it may go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.masks.pairs import overlapping_extents
from tilesam.masks.within import areas_within

if TYPE_CHECKING:
    from tilesam.tiling.stitching.sightings import Sightings
    from tilesam.types import BoolArray, IntArray

MIN_CONTINUED = 0.8
"""How much of a cut other windows must show for it to be none any more."""


def open_sides(sightings: Sightings, object_of: IntArray) -> BoolArray:
    """Return (T, 4) which cut sides no other sighting of the same object continues.

    Parameters
    ----------
    sightings
        T masks.
    object_of
        (T,) int64; -1 for those that belong to no object.
    """
    is_open = sightings.cut_sides & (object_of >= 0)[:, np.newaxis]
    counts = np.bincount(object_of[object_of >= 0], minlength=1)
    is_joined = (object_of >= 0) & (counts[object_of] > 1)
    members, sides = np.nonzero(is_open & is_joined[:, np.newaxis])
    strips = _strips(sightings, members, sides)
    touched = areas_within(sightings.masks, members, strips)
    cut, other = _pairs_of_equals(object_of[members], object_of, is_joined)
    windows = sightings.windows_yxyx[sightings.window_of[other]]
    is_beyond = _reaches_beyond(sightings, members[cut], sides[cut], windows)
    cut, windows = cut[is_beyond], windows[is_beyond]
    low = np.maximum(strips[cut, :2], windows[:, :2])
    high = np.minimum(strips[cut, 2:], windows[:, 2:])
    shown = areas_within(sightings.masks, members[cut], np.concatenate([low, high], 1))
    continued = np.bincount(cut, shown, minlength=len(members))
    is_closed = continued >= MIN_CONTINUED * touched
    is_open[members[is_closed], sides[is_closed]] = False
    return is_open


def is_looked_beyond(
    sightings: Sightings, chosen: IntArray, is_open: BoolArray
) -> BoolArray:
    """Return whether a window shows what is beyond an open side of (K,) sightings.

    Parameters
    ----------
    sightings
        T masks.
    chosen
        (K,) which of them.
    is_open
        (K, 4) which of their sides are meant.
    """
    found = np.zeros(len(chosen), np.bool_)
    row, sides = np.nonzero(is_open)
    strips = _strips(sightings, chosen[row], sides)
    extents = sightings.masks.extents_yxyx[chosen[row]]
    low = np.maximum(strips[:, :2], extents[:, :2])
    high = np.minimum(strips[:, 2:], extents[:, 2:])
    near = np.concatenate([low, high], axis=1)
    cut, window = overlapping_extents(near, sightings.windows_yxyx).T
    windows = sightings.windows_yxyx[window]
    is_beyond = _reaches_beyond(sightings, chosen[row[cut]], sides[cut], windows)
    found[row[cut[is_beyond]]] = True
    return found


def _strips(sightings: Sightings, chosen: IntArray, sides: IntArray) -> IntArray:
    """Return (K, 4) the pixels along one edge of each sighting's window."""
    strips = sightings.windows_yxyx[sightings.window_of[chosen]]
    row, depth = np.arange(len(chosen)), sightings.tolerance + 1
    # The upper edge's strip ends where the lower edge's begins, and so on.
    opposite = (sides + 2) % 4
    strips[row, opposite] = strips[row, sides] + np.where(sides < 2, depth, -depth)
    return strips


def _reaches_beyond(
    sightings: Sightings, chosen: IntArray, sides: IntArray, windows_yxyx: IntArray
) -> BoolArray:
    """Return whether (K, 4) windows reach beyond one edge of each sighting's own."""
    row = np.arange(len(chosen))
    edge = sightings.windows_yxyx[sightings.window_of[chosen]][row, sides]
    other = windows_yxyx[row, sides]
    return np.where(sides < 2, other < edge, other > edge)


def _pairs_of_equals(
    names: IntArray, others: IntArray, is_considered: BoolArray
) -> tuple[IntArray, IntArray]:
    """Return which of (A,) names stand beside which equal ones of (B,) others."""
    from tilesam.masks.ranges import concatenated_ranges

    considered = np.flatnonzero(is_considered)
    order = considered[np.argsort(others[considered], kind="stable")]
    first = np.searchsorted(others[order], names, "left")
    counts = np.searchsorted(others[order], names, "right") - first
    place = concatenated_ranges(first, counts)
    return np.repeat(np.arange(len(names)), counts), order[place]

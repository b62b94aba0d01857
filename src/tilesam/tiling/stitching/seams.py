"""Which sightings are copies, continuations and fragments of each other.

Where two windows look at the same pixels there are four cases:

- both show an object whole: copies, one is enough;
- both cut it: each has what the other lacks, they are joined;
- one shows it whole, the other cuts it: the cut one is a fragment and adds nothing;
- a whole one beside a cut one that reaches beyond the window: different objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tilesam.tiling.stitching.branches import find_branches
from tilesam.tiling.stitching.matching import is_ambiguous, match
from tilesam.tiling.stitching.overlaps import find_overlaps, shared_sides

if TYPE_CHECKING:
    from tilesam.tiling.stitching.overlaps import Overlaps
    from tilesam.tiling.stitching.sightings import Sightings
    from tilesam.types import BoolArray, FloatArray, IntArray

THIN_IOU = 0.9
"""Slivers no thicker than borders may be off have to agree so well."""


@dataclass(frozen=True, eq=False)
class Seams:
    """How T sightings belong together.

    Parameters
    ----------
    copies
        (C, 2) int64 pairs of uncut sightings of one object.
    joints
        (J, 2) int64 pairs of cut sightings that continue each other.
    whole_of
        (T,) int64 the uncut sighting that a cut one is a fragment of, or -1.
    """

    copies: IntArray
    joints: IntArray
    whole_of: IntArray


def find_seams(
    sightings: Sightings, *, min_overlap_iou: float, min_containment: float
) -> Seams:
    """Compare the sightings of neighbouring windows; see `tilesam.tiling.stitch`."""
    overlaps = find_overlaps(
        sightings, min_overlap_iou=min_overlap_iou, min_containment=min_containment
    )
    cut_count = sightings.is_cut[overlaps.pairs].sum(axis=1)
    is_alike = overlaps.iou >= min_overlap_iou
    is_alike |= (cut_count == 0) & _differs_by_rims(overlaps, sightings)
    is_match = match(overlaps, sightings, is_alike)
    is_thick = _is_thick(overlaps, sightings)
    is_joint = is_match & (cut_count == 2) & (is_thick | (overlaps.iou >= THIN_IOU))
    is_joint &= ~is_ambiguous(overlaps, sightings, is_alike, is_match)
    whole_of = _find_wholes(overlaps, sightings, is_match, is_joint, min_containment)
    is_free = (whole_of[overlaps.pairs] < 0).all(axis=1)
    is_joint &= is_free
    may_branch = is_free & (cut_count == 2) & is_thick
    is_joint |= find_branches(
        overlaps, sightings, is_match, may_branch, min_containment
    )
    is_copy = is_match & (cut_count == 0)
    is_copy &= _is_within(overlaps, sightings, min_containment).all(axis=1)
    copies = overlaps.pairs[is_copy]
    return Seams(copies, overlaps.pairs[is_joint], whole_of)


def _is_thick(overlaps: Overlaps, sightings: Sightings) -> BoolArray:
    """Return where two masks share more than the rims of two objects that touch.

    Each rim is off by at most the tolerance, half of it on either side of the border.
    """
    longest = shared_sides(sightings.masks, overlaps.pairs).max(axis=1, initial=0)
    is_thick: BoolArray = overlaps.shared >= (sightings.tolerance + 1) * longest
    return is_thick


def _differs_by_rims(overlaps: Overlaps, sightings: Sightings) -> BoolArray:
    """Return where two masks may be one that was drawn a little larger and smaller.

    Of objects a few pixels wide the rim is most, so that their IoU says little.
    """
    difference = overlaps.shown.sum(axis=1) - 2 * overlaps.shared
    rims = sightings.uncertain_areas[overlaps.pairs].sum(axis=1)
    differs_little: BoolArray = difference <= rims
    return differs_little


def _is_within(
    overlaps: Overlaps, sightings: Sightings, min_containment: float
) -> BoolArray:
    """Return (P, 2) whether each mask lies in the window of the other."""
    areas = sightings.masks.areas
    spare = np.maximum((1 - min_containment) * areas, sightings.uncertain_areas)
    beyond = areas[overlaps.pairs] - overlaps.shown
    is_within: BoolArray = beyond <= spare[overlaps.pairs]
    return is_within


def _find_wholes(
    overlaps: Overlaps,
    sightings: Sightings,
    is_match: BoolArray,
    is_joint: BoolArray,
    min_containment: float,
) -> IntArray:
    """Return for each cut sighting the uncut one that shows all of it, or -1."""
    areas, is_cut = sightings.masks.areas, sightings.is_cut
    is_within = _is_within(overlaps, sightings, min_containment)
    rival_iou = _best_joint(overlaps, sightings, is_joint)
    found = [np.zeros((0, 2), np.int64)]
    ious = [np.zeros(0)]
    for k in (0, 1):
        part, whole = overlaps.pairs[:, k], overlaps.pairs[:, 1 - k]
        is_inside = overlaps.shared >= min_containment * areas[part]
        # Or it is the same object, drawn differently, and nothing of it is elsewhere.
        is_inside |= is_match & is_within[:, k]
        is_fragment = is_cut[part] & ~is_cut[whole] & is_inside
        # A slice of a whole may lie in one of the whole's parts.
        is_fragment &= overlaps.iou > rival_iou[:, k]
        found.append(np.stack([part, whole], axis=1)[is_fragment])
        ious.append(overlaps.iou[is_fragment])
    pairs, iou = np.concatenate(found), np.concatenate(ious)
    # The most alike is written last.
    order = np.lexsort((-pairs[:, 1], iou, pairs[:, 0]))
    whole_of = np.full(len(sightings), -1)
    last = np.flatnonzero(np.diff(pairs[order, 0], append=-1) != 0)
    whole_of[pairs[order[last], 0]] = pairs[order[last], 1]
    return whole_of


def _best_joint(
    overlaps: Overlaps, sightings: Sightings, is_joint: BoolArray
) -> FloatArray:
    """Return (P, 2) IoU of the joint of each in the window of the other, or 0."""
    count = len(sightings.windows_yxyx)
    best = np.zeros(overlaps.pairs.shape)
    window = sightings.window_of[overlaps.pairs]
    names = overlaps.pairs * count + window[:, ::-1]
    for k in (0, 1):
        # Each sighting has one joint in a window at most.
        known, values = names[is_joint, k], overlaps.iou[is_joint]
        order = np.argsort(known)
        known, values = np.append(known[order], -1), np.append(values[order], 0)
        place = np.searchsorted(known[:-1], names[:, k])
        best[:, k] = np.where(known[place] == names[:, k], values[place], 0)
    return best

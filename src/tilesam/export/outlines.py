"""Outlines of masks as polygons with holes, along the edges of pixels.

The area of a polygon is the number of pixels of its mask, and it is valid as OGC has
it: rings meet in single points at most, and holes lie inside. Pixels that touch at a
corner alone belong to different polygons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tilesam.export.corners import Frame, corners_of, vertical_partners
from tilesam.masks.ranges import concatenated_ranges

if TYPE_CHECKING:
    from tilesam.export.corners import Corners
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Outlines:
    """Polygons of N masks.

    Parameters
    ----------
    points_xy
        (P, 2) int64 of (x, y), ring after ring; the last point of a ring is its first.
        Pixel (0, 0) covers [0, 1] x [0, 1]. By the signed area in x and y outer rings
        turn in the positive sense, holes in the other one.
    ring_offsets
        (R + 1,) int64, where the points of each ring begin.
    polygon_offsets
        (Q + 1,) int64, where the rings of each polygon begin: first the outer one,
        then the holes.
    mask_offsets
        (N + 1,) int64, where the polygons of each mask begin; empty masks have none.
    """

    points_xy: IntArray
    ring_offsets: IntArray
    polygon_offsets: IntArray
    mask_offsets: IntArray

    def polygons(self, index: int) -> list[list[IntArray]]:
        """Return the polygons of a mask, each a list of (k, 2) rings."""
        return [
            [
                self.points_xy[self.ring_offsets[r] : self.ring_offsets[r + 1]]
                for r in range(self.polygon_offsets[q], self.polygon_offsets[q + 1])
            ]
            for q in range(self.mask_offsets[index], self.mask_offsets[index + 1])
        ]


@dataclass(frozen=True, eq=False)
class _Rings:
    """R rings, each a sequence of corners.

    Parameters
    ----------
    corner
        Numbers of corners, ring after ring.
    offsets
        (R + 1,) int64.
    """

    corner: IntArray
    offsets: IntArray

    @property
    def first(self) -> IntArray:
        """(R,) the corner of each that is the first by y and x."""
        return np.minimum.reduceat(self.corner, self.offsets[:-1])

    @property
    def ring_of(self) -> IntArray:
        """Which ring each corner in the sequence belongs to."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def outlines_of(masks: RunMasks) -> Outlines:
    """Return the polygons of masks, those of a mask in the order of their first pixels.

    Raises
    ------
    ValueError
        If the masks are too many and too large, see `Frame.around`.
    """
    corners = corners_of(masks)
    if not len(corners):
        none = np.zeros(1, np.int64)
        no_polygons = np.zeros(len(masks) + 1, np.int64)
        return Outlines(np.zeros((0, 2), np.int64), none, none, no_polygons)
    rings = _simple_rings(_walk(corners), corners)
    first = rings.first
    is_hole = _signed_areas(rings, corners) < 0
    owner = _outer_rings(masks, corners, first, is_hole)
    # By mask, then by polygon, the outer ring before its holes.
    order = np.lexsort((first, is_hole, first[owner]))
    polygon_starts = np.flatnonzero(~is_hole[order])
    mask_of_polygon = corners.mask[first[order[polygon_starts]]]
    points, lengths = _closed(rings, order)
    return Outlines(
        np.stack([corners.x[points], corners.y[points]], axis=1),
        np.concatenate([[0], np.cumsum(lengths)]),
        np.append(polygon_starts, len(order)),
        np.searchsorted(mask_of_polygon, np.arange(len(masks) + 1)),
    )


def _walk(corners: Corners) -> _Rings:
    """Follow the edges, with the pixels of the mask always on the same side."""
    partners = vertical_partners(corners)
    # Down along the edges where pixels stop and up along those where they start.
    is_tail = corners.is_start == corners.is_below
    tails = np.flatnonzero(is_tail)
    heads = partners[tails]
    # Each horizontal edge has one tail, so that it has the number of its edge.
    following = (heads >> 1).tolist()
    seen = bytearray(len(following))
    edges: list[int] = []
    starts = []
    for edge in range(len(following)):
        if not seen[edge]:
            starts.append(len(edges))
        while not seen[edge]:
            seen[edge] = 1
            edges.append(edge)
            edge = following[edge]
    path = np.array(edges, np.int64)
    corner = np.stack([tails[path], heads[path]], axis=1).ravel()
    return _Rings(corner, 2 * np.array([*starts, len(edges)], np.int64))


def _simple_rings(rings: _Rings, corners: Corners) -> _Rings:
    """Cut rings in two wherever they come through the same point twice."""
    ring_at = np.empty(len(corners), np.int64)
    ring_at[rings.corner] = rings.ring_of
    is_same = (np.diff(corners.mask) == 0) & (np.diff(corners.y) == 0)
    twice = np.flatnonzero(is_same & (np.diff(corners.x) == 0))
    twice = twice[ring_at[twice] == ring_at[twice + 1]]
    if not len(twice):
        return rings
    # From here on a point has one number, that of its first corner.
    point = np.arange(len(corners))
    point[twice + 1] = twice
    cut = np.unique(ring_at[twice])
    lengths = np.diff(rings.offsets)
    kept = np.setdiff1d(np.arange(len(lengths)), cut)
    parts = [rings.corner[concatenated_ranges(rings.offsets[kept], lengths[kept])]]
    sizes = lengths[kept].tolist()
    for ring in cut:
        path = point[rings.corner[rings.offsets[ring] : rings.offsets[ring + 1]]]
        loops = _loops(path.tolist())
        parts += [np.array(loop, np.int64) for loop in loops]
        sizes += [len(loop) for loop in loops]
    return _Rings(np.concatenate(parts), np.concatenate([[0], np.cumsum(sizes)]))


def _loops(path: list[int]) -> list[list[int]]:
    """Return the simple loops of a closed path that touches, but never crosses itself.

    So what lies between two visits of a point is closed by itself.
    """
    loops: list[list[int]] = []
    position: dict[int, int] = {}
    open_path: list[int] = []
    for point in path:
        if point in position:
            start = position[point]
            loop = open_path[start:]
            del open_path[start:]
            for visited in loop:
                del position[visited]
            loops.append(loop)
        position[point] = len(open_path)
        open_path.append(point)
    return [*loops, open_path]


def _signed_areas(rings: _Rings, corners: Corners) -> IntArray:
    """Return twice the area of each ring, negative for those that are holes."""
    following = np.arange(1, len(rings.corner) + 1)
    following[rings.offsets[1:] - 1] = rings.offsets[:-1]
    x, y = corners.x[rings.corner], corners.y[rings.corner]
    return np.add.reduceat(x * y[following] - x[following] * y, rings.offsets[:-1])


def _outer_rings(
    masks: RunMasks, corners: Corners, first: IntArray, is_hole: BoolArray
) -> IntArray:
    """Return (R,) for each ring the outer one of its polygon."""
    owner = np.arange(len(first))
    mask = corners.mask[first]
    outer, holes = np.flatnonzero(~is_hole), np.flatnonzero(is_hole)
    outer_of_mask = np.zeros(len(masks), np.int64)
    outer_of_mask[mask[outer]] = outer
    owner[holes] = outer_of_mask[mask[holes]]
    outer_counts = np.bincount(mask[outer], minlength=len(masks))
    unsure = np.unique(mask[holes][outer_counts[mask[holes]] > 1])
    if len(unsure):
        chosen = np.flatnonzero(np.isin(mask, unsure))
        # A polygon's first pixel lies below its first corner; before a hole begins
        # there is a pixel of its polygon above the hole's first corner.
        y = corners.y[first[chosen]] - is_hole[chosen]
        place = np.searchsorted(unsure, mask[chosen]), y, corners.x[first[chosen]]
        part = _connected_parts(masks.take(unsure), *place)
        outer_of_part = np.zeros(part.max() + 1, np.int64)
        is_outer = ~is_hole[chosen]
        outer_of_part[part[is_outer]] = chosen[is_outer]
        owner[chosen] = outer_of_part[part]
    return owner


def _connected_parts(
    masks: RunMasks, mask: IntArray, y: IntArray, x: IntArray
) -> IntArray:
    """Return for pixels of masks in which part, connected by sides, they are."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    frame = Frame.around(masks)
    rows = masks.rows.astype(np.int64)
    starts = frame.keys(masks.mask_of_run, rows, masks.starts.astype(np.int64))
    stops = frame.keys(masks.mask_of_run, rows, masks.stops.astype(np.int64))
    # The runs below that begin before a run stops and stop after it begins.
    next_row = 1 << frame.x_bits
    low = np.searchsorted(stops, starts + next_row, "right")
    counts = np.searchsorted(starts, stops + next_row, "left") - low
    above = np.repeat(np.arange(len(rows)), counts)
    links = np.ones(len(above), np.bool_), (above, concatenated_ranges(low, counts))
    _, part = connected_components(coo_array(links, shape=(len(rows),) * 2), False)
    run = np.searchsorted(starts, frame.keys(mask, y, x), "right") - 1
    parts: IntArray = part[run].astype(np.int64)
    return parts


def _closed(rings: _Rings, order: IntArray) -> tuple[IntArray, IntArray]:
    """Return the corners of rings in an order, each closed, and how many each has."""
    lengths = np.diff(rings.offsets)[order] + 1
    positions = concatenated_ranges(rings.offsets[order], lengths)
    positions[np.cumsum(lengths) - 1] = rings.offsets[order]
    return rings.corner[positions], lengths

"""Edges compared with drawn boundaries, as the Berkeley benchmark does.

A pixel of an edge is right if a drawn one lies near it that no other pixel has; the
assignment is the cheapest of all, not a greedy one. Several people draw different
boundaries: precision asks whether anybody has drawn an edge, recall sums over people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tilesam.types import BoolArray, FloatArray, IntArray

TOLERANCE = 0.0075
"""Largest distance of a match, as a share of the image's diagonal."""

RECALL_OF_REPORT = 0.5


class EdgeCounts(NamedTuple):
    """What the edges of one image, cut at one threshold, are worth.

    Parameters
    ----------
    right, found
        Pixels of edges that somebody has drawn, and all.
    recalled, drawn
        Drawn pixels that were found, and all, summed over people.
    """

    right: int
    found: int
    recalled: int
    drawn: int


def match_boundaries(
    edges: BoolArray, drawn: BoolArray, max_distance: float
) -> tuple[BoolArray, BoolArray]:
    """Return which pixels of two maps have a partner in the other one.

    Parameters
    ----------
    edges, drawn
        (H, W) bool, thin lines.
    max_distance
        Between partners, in pixels.

    Returns
    -------
    BoolArray
        (H, W), pixels of `edges` with a partner.
    BoolArray
        (H, W), pixels of `drawn` with one.

    Notes
    -----
    Every pixel has at most one partner. As many as possible have one, and of these
    assignments it is that with the smallest sum of distances. Martin et al. 2004,
    "Learning to Detect Natural Image Boundaries".
    """
    first, second = np.argwhere(edges), np.argwhere(drawn)
    of_edges, of_drawn = np.zeros_like(edges), np.zeros_like(drawn)
    if len(first) and len(second):
        rows, columns = _assign(first, second, max_distance)
        of_edges[tuple(first[rows].T)] = True
        of_drawn[tuple(second[columns].T)] = True
    return of_edges, of_drawn


def _assign(
    first: IntArray, second: IntArray, max_distance: float
) -> tuple[IntArray, IntArray]:
    near = cKDTree(first).sparse_distance_matrix(
        cKDTree(second), max_distance, output_type="coo_matrix"
    )
    count, others = len(first), len(second)
    # Everyone may stay alone, which costs more than all pairs together. One is added to
    # every cost: in a sparse matrix 0 would be no link.
    alone = (count + 1) * (max_distance + 1)
    own = np.arange(count)
    costs = coo_array(
        (
            np.concatenate([near.data + 1, np.full(count, alone)]),
            (
                np.concatenate([near.row, own]),
                np.concatenate([near.col, others + own]),
            ),
        ),
        shape=(count, others + count),
    )
    rows, columns = min_weight_full_bipartite_matching(costs.tocsr())
    is_pair = columns < others
    return rows[is_pair], columns[is_pair]


def count_edges(
    edges: BoolArray, annotations: Sequence[BoolArray], max_distance: float
) -> EdgeCounts:
    """Compare edges with what each person has drawn."""
    right = np.zeros_like(edges)
    recalled = 0
    for drawn in annotations:
        of_edges, of_drawn = match_boundaries(edges, drawn, max_distance)
        right |= of_edges
        recalled += int(of_drawn.sum())
    total = sum(int(drawn.sum()) for drawn in annotations)
    return EdgeCounts(int(right.sum()), int(edges.sum()), recalled, total)


class EdgeFigures(NamedTuple):
    """The figures of the benchmark.

    Parameters
    ----------
    ods, ois
        F-measure at the best threshold of all images, and at the best of each image.
    ap
        Area under precision over recall.
    r50
        Recall at 50 % precision.
    ods_threshold
        The best of all images.
    """

    ods: float
    ois: float
    ap: float
    r50: float
    ods_threshold: float


def f_measure(counts: NDArray[np.integer]) -> FloatArray:
    """Return the F-measure of (..., 4) counts, in the order of `EdgeCounts`."""
    precision, recall = precision_recall(counts)
    both = precision + recall
    f = 2 * precision * recall / np.where(both > 0, both, 1)
    return np.asarray(f, np.float64)


def precision_recall(counts: NDArray[np.integer]) -> tuple[FloatArray, FloatArray]:
    """Return both for (..., 4) counts; 0 where nothing was found or drawn."""
    right, found, recalled, drawn = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
    return right / np.maximum(found, 1), recalled / np.maximum(drawn, 1)


def summarize_edges(counts: NDArray[np.integer], thresholds: FloatArray) -> EdgeFigures:
    """Return the figures of all images.

    Parameters
    ----------
    counts
        (I, T, 4): for each image and threshold, in the order of `EdgeCounts`.
    thresholds
        (T,) ascending.
    """
    total = counts.sum(axis=0)
    f = f_measure(total)
    best = int(f.argmax())
    own = f_measure(counts).argmax(axis=1)
    ois = f_measure(counts[np.arange(len(counts)), own].sum(axis=0))
    precision, recall = precision_recall(total)
    is_used = total[:, 1] > 0
    ap, r50 = _under_curve(precision[is_used], recall[is_used])
    return EdgeFigures(float(f[best]), float(ois), ap, r50, float(thresholds[best]))


def _under_curve(precision: FloatArray, recall: FloatArray) -> tuple[float, float]:
    """Return the area under the curve at recalls 0, 0.01 ... 1, and recall at 0.5."""
    if not len(recall):
        return 0.0, 0.0
    order = np.lexsort((-precision, recall))
    recall, precision = recall[order], precision[order]
    # Of equal recalls the best precision counts.
    recall, first = np.unique(recall, return_index=True)
    precision = precision[first]
    places = np.linspace(0.0, 1.0, 101)
    curve = np.interp(places, recall, precision, left=precision[0], right=0.0)
    return float(curve.mean()), _recall_at_half(precision, recall)


def _recall_at_half(precision: FloatArray, recall: FloatArray) -> float:
    above = np.flatnonzero(precision >= RECALL_OF_REPORT)
    if not len(above):
        return 0.0
    last = int(above[-1])
    if last + 1 == len(recall):
        return float(recall[last])
    (p0, p1), (r0, r1) = precision[last : last + 2], recall[last : last + 2]
    share = (p0 - RECALL_OF_REPORT) / (p0 - p1)
    return float(r0 + share * (r1 - r0))

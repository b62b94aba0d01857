"""Sets of pixels as short texts: COCO's run lengths of a crop, with a place.

Nothing here is as large as the crop, let alone the image: a stroke across an image of
100,000 pixels a side takes as much as its own pixels.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.masks.rle import compress_counts, decompress_counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tilesam.types import IntArray


@dataclass(frozen=True)
class Piece:
    """Pixels of one plane of a label array.

    Parameters
    ----------
    plane
        Position along the axes before rows and columns.
    offset_yx, hw
        The smallest rectangle around the pixels.
    counts
        Their compressed run lengths within it, see `tilesam.masks.rle`.
    """

    plane: tuple[int, ...]
    offset_yx: tuple[int, int]
    hw: tuple[int, int]
    counts: str

    def indices(self) -> tuple[IntArray, ...]:
        """Return one (K,) array for each axis, in the order of columns.

        Raises
        ------
        ValueError
            If the run lengths are not those of the rectangle.
        """
        runs = decompress_counts(self.counts)
        height, width = self.hw
        if (runs < 0).any() or runs.sum() != height * width:
            raise ValueError(f"the runs do not fill {height} x {width} pixels")
        firsts, lengths = np.cumsum(runs)[: len(runs) // 2 * 2 : 2], runs[1::2]
        done = np.cumsum(lengths) - lengths
        places = np.repeat(firsts - done, lengths) + np.arange(lengths.sum())
        columns, rows = np.divmod(places, height)
        planes = (np.full(len(places), at, np.int64) for at in self.plane)
        return (*planes, rows + self.offset_yx[0], columns + self.offset_yx[1])

    def to_plain(self) -> dict[str, Any]:
        """Return the piece as plain JSON; `segmentation` is as COCO has it."""
        return {
            "plane": list(self.plane),
            "offset_yx": list(self.offset_yx),
            "segmentation": {"size": list(self.hw), "counts": self.counts},
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Piece:
        """Return what `to_plain` made plain.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing or of another kind.
        """
        (y, x), (height, width) = plain["offset_yx"], plain["segmentation"]["size"]
        return cls(
            plane=tuple(int(at) for at in plain["plane"]),
            offset_yx=(int(y), int(x)),
            hw=(int(height), int(width)),
            counts=str(plain["segmentation"]["counts"]),
        )


def split_planes(indices: tuple[IntArray, ...]) -> Iterator[tuple[Piece, slice]]:
    """Yield a piece for each plane, and which of the pixels are its own.

    Parameters
    ----------
    indices
        Pixels in the order of planes and columns, each once, as `PixelChange` has them.
    """
    *planes, y, x = indices
    is_new = np.zeros(max(len(y) - 1, 0), np.bool_)
    for index in planes:
        is_new |= index[1:] != index[:-1]
    edges = [0, *(np.flatnonzero(is_new) + 1).tolist(), len(y)]
    for start, stop in itertools.pairwise(edges):
        if stop > start:
            part = slice(start, stop)
            plane = tuple(int(index[start]) for index in planes)
            yield _piece_of_pixels(plane, y[part], x[part]), part


def split_labels(
    block: NDArray[Any], plane: tuple[int, ...], origin_yx: tuple[int, int]
) -> Iterator[tuple[int, Piece]]:
    """Yield every label of a block of one plane, and the pixels that have it there.

    Parameters
    ----------
    block
        (h, w) integers; 0 is background.
    plane, origin_yx
        Where its first pixel is.
    """
    columns, starts, stops, labels = _runs_of_labels(block)
    order = np.argsort(labels, kind="stable")
    columns, starts, stops = columns[order], starts[order], stops[order]
    values, firsts = np.unique(labels[order], return_index=True)
    edges = [*firsts.tolist(), len(labels)]
    for place, label in enumerate(values.tolist()):
        part = slice(edges[place], edges[place + 1])
        y, x = origin_yx
        runs = (columns[part] + x, starts[part] + y, stops[part] + y)
        yield label, _piece_of_runs(plane, *runs)


def _runs_of_labels(
    block: NDArray[Any],
) -> tuple[IntArray, IntArray, IntArray, NDArray[Any]]:
    """Return column, first row, row after the last and label of all vertical runs."""
    height = len(block)
    turned = np.ascontiguousarray(block.T)  # (w, h)
    is_first = np.ones(turned.shape, np.bool_)
    is_first[:, 1:] = turned[:, 1:] != turned[:, :-1]
    firsts = np.flatnonzero(is_first)
    lasts = np.append(firsts[1:], turned.size)
    labels = turned.reshape(-1)[firsts]
    firsts, lasts, labels = (array[labels != 0] for array in (firsts, lasts, labels))
    columns, starts = np.divmod(firsts, height)
    return columns, starts, lasts - columns * height, labels


def _piece_of_pixels(plane: tuple[int, ...], y: IntArray, x: IntArray) -> Piece:
    is_first = np.ones(len(y), np.bool_)
    is_first[1:] = (np.diff(x) != 0) | (np.diff(y) != 1)
    firsts = np.flatnonzero(is_first)
    lasts = np.append(firsts[1:], len(y)) - 1
    return _piece_of_runs(plane, x[firsts], y[firsts], y[lasts] + 1)


def _piece_of_runs(
    plane: tuple[int, ...], columns: IntArray, starts: IntArray, stops: IntArray
) -> Piece:
    y, x = int(starts.min()), int(columns.min())
    height, width = int(stops.max()) - y, int(columns.max()) - x + 1
    first, after = ((columns - x) * height + rows - y for rows in (starts, stops))
    # Full columns touch the next one: there a run goes on.
    is_joint = after[:-1] == first[1:]
    first, after = first[np.r_[True, ~is_joint]], after[np.r_[~is_joint, True]]
    edges = np.stack([first, after], axis=1).ravel()
    counts = np.diff(np.concatenate([[0], edges, [height * width]]))
    counts = counts[:-1] if counts[-1] == 0 else counts
    return Piece(plane, (y, x), (height, width), compress_counts(counts))

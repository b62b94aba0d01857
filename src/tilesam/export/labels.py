"""Masks as one label image; a very large one holds only the tiles that they touch."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.export.label_tiff import DENSE_PIXELS, TILE_SIZE, write_array, write_tiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tilesam.types import MaskCandidate


def paint_labels(
    candidates: Sequence[MaskCandidate], image_hw: tuple[int, int]
) -> NDArray[Any]:
    """Return masks as labels 1, 2, 3 ... in their order; later ones paint over.

    Parameters
    ----------
    candidates
        One for each object.
    image_hw
        Height and width of the image.

    Returns
    -------
    NDArray
        (H, W) uint16, or uint32 beyond 65,535 objects; 0 is background.
    """
    labels = np.zeros(image_hw, _label_dtype(candidates))
    _paint(labels, (0, 0), enumerate(candidates, start=1))
    return labels


def label_tiles(
    candidates: Sequence[MaskCandidate],
    image_hw: tuple[int, int],
    *,
    tile_size: int = TILE_SIZE,
) -> Iterator[NDArray[Any] | None]:
    """Yield the label image of `paint_labels` in square tiles, row by row.

    Parameters
    ----------
    candidates
        One for each object.
    image_hw
        Height and width of the image. No array of this size is made.
    tile_size
        Side of a tile in pixels.

    Yields
    ------
    NDArray or None
        (tile_size, tile_size) as `paint_labels` has it, 0 beyond the image; None where
        there is nothing but background.
    """
    shape = tuple(-(-side // tile_size) for side in image_hw)
    dtype = _label_dtype(candidates)
    touching = _candidates_by_tile(candidates, tile_size)
    for place in itertools.product(*map(range, shape)):
        tile = None
        if place in touching:
            tile = np.zeros((tile_size, tile_size), dtype)
            origin_yx = (place[0] * tile_size, place[1] * tile_size)
            _paint(tile, origin_yx, touching[place])
        yield tile if tile is not None and tile.any() else None


def write_label_tiff(
    path: Path, candidates: Sequence[MaskCandidate], image_hw: tuple[int, int]
) -> None:
    """Write the label image of `paint_labels` as a compressed TIFF.

    Beyond `DENSE_PIXELS` it is a BigTIFF in tiles, and those without any mask are left
    out of the file: readers take them for 0, the background.

    Parameters
    ----------
    path
        The file to make.
    candidates
        One for each object.
    image_hw
        Height and width of the image.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    if image_hw[0] * image_hw[1] <= DENSE_PIXELS:
        write_array(path, paint_labels(candidates, image_hw))
        return
    tiles = label_tiles(candidates, image_hw)
    write_tiles(path, tiles, image_hw, _label_dtype(candidates))


def _label_dtype(candidates: Sequence[MaskCandidate]) -> np.dtype[Any]:
    # The byte order is fixed, for tiles are written as the bytes that they are.
    fits_16_bits = len(candidates) <= np.iinfo(np.uint16).max
    return np.dtype("<u2" if fits_16_bits else "<u4")


def _candidates_by_tile(
    candidates: Sequence[MaskCandidate], tile_size: int
) -> Mapping[tuple[int, ...], list[tuple[int, MaskCandidate]]]:
    """Return for each tile the labels and candidates whose bounding box touches it."""
    touching: dict[tuple[int, ...], list[tuple[int, MaskCandidate]]] = {}
    for label, candidate in enumerate(candidates, start=1):
        ranges = [
            range(start // tile_size, -(-(start + side) // tile_size))
            for start, side in zip(
                candidate.offset_yx, candidate.mask.shape, strict=True
            )
        ]
        for place in itertools.product(*ranges):
            touching.setdefault(place, []).append((label, candidate))
    return touching


def _paint(
    canvas: NDArray[Any],
    origin_yx: tuple[int, int],
    numbered: Iterable[tuple[int, MaskCandidate]],
) -> None:
    """Paint masks onto a canvas that shows the image from an origin on."""
    for label, candidate in numbered:
        of_canvas, of_mask = [], []
        for axis, side in enumerate(candidate.mask.shape):
            shift = candidate.offset_yx[axis] - origin_yx[axis]
            start = max(shift, 0)
            stop = max(start, min(shift + side, canvas.shape[axis]))
            of_canvas.append(slice(start, stop))
            of_mask.append(slice(start - shift, stop - shift))
        canvas[tuple(of_canvas)][candidate.mask[tuple(of_mask)]] = label

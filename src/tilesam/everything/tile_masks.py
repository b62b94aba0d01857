"""What the decoder found in one tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.masks.run_masks import RunMasks
from tilesam.types import TileKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tilesam.masks.run_masks import Extent
    from tilesam.types import Float32Array, FloatArray, UInt8Array

PER_MASK = ("predicted_iou", "stability_score", "points_yx", "tokens")
"""Columns with an entry for each mask."""

RUNS = ("offsets", "rows", "starts", "stops")


@dataclass(frozen=True, eq=False)
class TileMasks:
    """Masks of one tile with their scores, before any of them is judged.

    Parameters
    ----------
    tile
        The tile.
    extent
        What its window shows of the image, in pixels of the masks.
    scale
        A pixel of the masks is so many pixels of the image, up and across: 1 except in
        the windows of coarse levels that are very large.
    masks
        N masks, in the order of their points and tokens.
    predicted_iou, stability_score
        (N,) float32.
    points_yx
        (N, 2) float64, what was asked, in pixels of the image.
    tokens
        (N,) uint8: 1 the whole, 2 the part, 3 the subpart.
    asked
        How many masks the decoder was asked for.
    best_predicted_iou, best_stability_score
        The highest among those asked for and, of those with a predicted IoU above the
        lowest that was kept, the highest stability; -inf if there is none.
    """

    tile: TileKey
    extent: Extent
    scale: int
    masks: RunMasks
    predicted_iou: Float32Array
    stability_score: Float32Array
    points_yx: FloatArray
    tokens: UInt8Array
    asked: int
    best_predicted_iou: float
    best_stability_score: float

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def nbytes(self) -> int:
        """Of all arrays."""
        return sum(array.nbytes for array in self.to_arrays().values())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays by name, to be stored."""
        numbers = (self.tile.level, self.tile.iy, self.tile.ix, *self.extent)
        best = (self.best_predicted_iou, self.best_stability_score)
        return {
            "numbers": np.array([*numbers, self.scale, self.asked], np.int64),
            "best": np.array(best, np.float64),
            **{name: getattr(self.masks, name) for name in RUNS},
            **{name: getattr(self, name) for name in PER_MASK},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TileMasks:
        """Return what `to_arrays` took apart.

        Raises
        ------
        KeyError, ValueError
            If something is missing or of another length.
        """
        level, iy, ix, y0, x0, y1, x1, scale, asked = arrays["numbers"].tolist()
        best_predicted_iou, best_stability_score = arrays["best"].tolist()
        masks = RunMasks(*(arrays[name] for name in RUNS))
        columns = {name: arrays[name] for name in PER_MASK}
        if any(len(column) != len(masks) for column in columns.values()):
            raise ValueError("the columns of a tile's masks differ in length")
        return cls(
            tile=TileKey(level, iy, ix),
            extent=(y0, x0, y1, x1),
            scale=scale,
            masks=masks,
            **columns,
            asked=asked,
            best_predicted_iou=best_predicted_iou,
            best_stability_score=best_stability_score,
        )

"""What a collection of masks looks like: the paper's figures 5 and 6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.measures.shapes import Shapes, measure_shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import FloatArray, IntArray

CENTER_BINS = 16


@dataclass(frozen=True, eq=False)
class MaskStatistics:
    """Of all masks of a collection.

    Parameters
    ----------
    names
        Of the images.
    masks_per_image
        (I,) int64, zeros too.
    relative_size, concavity, center_yx
        See `Shapes`, of all masks.
    """

    names: Sequence[str]
    masks_per_image: IntArray
    relative_size: FloatArray
    concavity: FloatArray
    center_yx: FloatArray

    @property
    def centers(self) -> NDArray[np.float64]:
        """(16, 16) share of the centres in each part of the image, by rows."""
        y, x = self.center_yx.T
        edges = np.linspace(0, 1, CENTER_BINS + 1)
        counts, _, _ = np.histogram2d(y, x, bins=[edges, edges])
        shares: NDArray[np.float64] = counts / max(counts.sum(), 1)
        return shares

    def to_plain(self) -> dict[str, Any]:
        """Return everything for JSON."""
        return {
            "images": list(self.names),
            "masks_per_image": self.masks_per_image.tolist(),
            "relative_size": self.relative_size.round(6).tolist(),
            "concavity": self.concavity.round(6).tolist(),
            "center_yx": self.center_yx.round(6).tolist(),
            "centers": self.centers.round(6).tolist(),
        }


def describe_masks(
    images: Iterable[tuple[str, RunMasks, tuple[int, int]]],
) -> MaskStatistics:
    """Return the statistics of some images.

    Parameters
    ----------
    images
        Name, masks, and height and width of each. Empty masks do not count.
    """
    names: list[str] = []
    shapes: list[Shapes] = []
    for name, masks, image_hw in images:
        names.append(name)
        shapes.append(measure_shapes(masks.take(masks.areas > 0), image_hw))
    counts = np.array([len(one.relative_size) for one in shapes], np.int64)
    none = Shapes(np.zeros(0), np.zeros(0), np.zeros((0, 2)))
    sizes, concavities, centers = zip(*(shapes or [none]), strict=True)
    return MaskStatistics(
        names,
        counts,
        np.concatenate(sizes),
        np.concatenate(concavities),
        np.concatenate(centers),
    )

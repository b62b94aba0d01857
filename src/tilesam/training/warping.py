"""One affine resampling of an image and its labels, mirrored beyond the border.

The image is interpolated; the labels take the nearest pixel of the same coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as connected_components

from tilesam.model.refining.sampling import resample

if TYPE_CHECKING:
    from tilesam.training.datasets import LabelLayers, Sample
    from tilesam.types import BoolArray, Float32Array, UInt8Array

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Warp:
    """Maps pixels of a crop to pixels of the source, both `(y, x)`.

    Parameters
    ----------
    matrix
        (2, 2), pixels of the source for each of the crop, from the crop's centre.
    center_yx
        Where the centre of the crop lies in the source.
    scale
        Pixels of the crop for each of the source, shear apart.
    """

    matrix: Matrix
    center_yx: Matrix
    scale: float

    def sources(self, size: int) -> tuple[Float32Array, Float32Array]:
        """Return y and x in the source, (size, size) float32 each."""
        steps = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
        (yy, yx), (xy, xx) = self.matrix.astype(np.float32)
        cy, cx = self.center_yx.astype(np.float32)
        column, row = steps[:, None], steps[None]
        return yy * column + yx * row + cy, xy * column + xx * row + cx

    def shows(self, pixel_yx: Matrix, size: int) -> bool:
        """Return whether a pixel of the source is surely in a crop of some size."""
        offset = np.linalg.solve(self.matrix, pixel_yx - self.center_yx)
        # One pixel less: the nearest source of a crop pixel may be its neighbour.
        return bool(np.abs(offset).max() <= size / 2 - 1)


def warp_sample(
    sample: Sample, warp: Warp, size: int
) -> tuple[UInt8Array, LabelLayers, BoolArray]:
    """Return a crop of the image and of the labels, and where it leaves the image.

    Parameters
    ----------
    size
        Side S of the crop in pixels.

    Returns
    -------
    tuple
        (S, S, 3) uint8 and (L, S, S) int32, mirrored beyond the border of the image,
        and (S, S) bool, true where they are.
    """
    height, width = sample.image.shape[:2]
    y, x = warp.sources(size)
    outside = (y < -0.5) | (y > height - 0.5) | (x < -0.5) | (x > width - 0.5)
    rows, columns = _mirror(np.rint(y), height), _mirror(np.rint(x), width)
    layers = np.take(
        sample.label_layers.reshape(len(sample.label_layers), -1),
        rows * width + columns,
        axis=1,
    )
    return resample(sample.image, y, x, warp.scale), layers, outside


def _mirror(indices: Float32Array, length: int) -> NDArray[np.int64]:
    wrapped = indices.astype(np.int64) % (2 * length)
    return np.minimum(wrapped, 2 * length - 1 - wrapped)


def separate_mirrored(layer: NDArray[np.int32], outside: BoolArray) -> LabelLayers:
    """Give new ids to mirror images that do not continue an object of the image.

    Parameters
    ----------
    layer
        (S, S) int32 of a crop.
    outside
        (S, S) bool, where the crop is mirrored.
    """
    if not layer[outside].any():
        return layer
    components = connected_components(  # type: ignore[no-untyped-call]
        layer, background=0, connectivity=2
    )
    own = np.zeros(components.max() + 1, dtype=bool)
    own[components[~outside]] = True
    own[0] = True
    fresh = np.where(own, 0, np.cumsum(~own) + layer.max())
    return np.where(own[components], layer, fresh[components]).astype(np.int32)

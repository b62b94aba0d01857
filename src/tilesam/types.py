"""Frozen records that travel between the parts of the engine.

Coordinates are in the *data frame* of the image: `(y, x)` in pixels of level 0, the
centre of the first pixel at `(0, 0)`, as napari has it. A box is `(y0, x0, y1, x1)`.
Only `tilesam.model` speaks `xy`, because the released networks do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
UInt8Array = NDArray[np.uint8]

FOREGROUND, BACKGROUND, PADDING = 1, 0, -1
"""Values of `point_labels`."""


@dataclass(frozen=True, eq=False)
class Prompts:
    """All that was asked about one object, checked and in the data frame.

    Parameters
    ----------
    points_yx
        (P, 2) float64.
    point_labels
        (P,) int64, `FOREGROUND` or `BACKGROUND`.
    boxes_yxyx
        (K, 4) float64, upper left corner before lower right corner.
    mask_input
        Low-resolution logits of an earlier answer, to refine it, or None.
    """

    points_yx: FloatArray
    point_labels: IntArray
    boxes_yxyx: FloatArray
    mask_input: MaskInput | None = None

    @property
    def has_place(self) -> bool:
        """Whether there is a point or a box, not only a mask to refine."""
        return len(self.points_yx) + len(self.boxes_yxyx) > 0

    @property
    def bounds_yxyx(self) -> tuple[float, float, float, float]:
        """Smallest box around all points and boxes."""
        corners = np.concatenate([self.points_yx, self.boxes_yxyx.reshape(-1, 2)])
        (y0, x0), (y1, x1) = corners.min(axis=0), corners.max(axis=0)
        return float(y0), float(x0), float(y1), float(x1)


@dataclass(frozen=True, order=True)
class TileKey:
    """Name of a tile: a position in the lattice of `tilesam.tiling.Grid`.

    Parameters
    ----------
    level
        Level k shows one input pixel for 2**k image pixels; -1 is enlarged by two.
    iy, ix
        Position in the lattice of that level, from the upper left corner.
    """

    level: int
    iy: int
    ix: int


@dataclass(frozen=True)
class ImageIdentity:
    """What can be told of an image without looking at its pixels.

    Parameters
    ----------
    hw
        Height and width in pixels of level 0.
    dtype
        NumPy's name of the type of the values, for example "uint16".
    channel_count
        Channels that the image has, shown or not; 1 for grey ones.
    """

    hw: tuple[int, int]
    dtype: str
    channel_count: int


@dataclass(frozen=True)
class Window:
    """A rectangle of level-0 pixels that is resized to be the network's input.

    Its longest side becomes the input size of the model; the rest is padded. At level
    k it may stick out of the image at the bottom and on the right by less than 2**k
    pixels, so that it consists of whole pixels of that level.
    """

    y0: int
    x0: int
    height: int
    width: int

    def contains(self, bounds_yxyx: tuple[float, float, float, float]) -> bool:
        """Return whether every corner of a box lies on a pixel of the window."""
        y0, x0, y1, x1 = bounds_yxyx
        inside_y = self.y0 - 0.5 <= y0 and y1 <= self.y0 + self.height - 0.5
        inside_x = self.x0 - 0.5 <= x0 and x1 <= self.x0 + self.width - 0.5
        return inside_y and inside_x


@dataclass(frozen=True, eq=False)
class MaskInput:
    """Logits of an earlier answer together with the tile they belong to.

    Parameters
    ----------
    low_res_logits
        (4 h, 4 w) float32, unthresholded, for an h x w image embedding.
    tile
        The tile of which these are the logits.
    """

    low_res_logits: Float32Array
    tile: TileKey


@dataclass(frozen=True, eq=False)
class MaskCandidate:
    """One of the answers to a prompt: a crop of a mask and how far to trust it.

    Parameters
    ----------
    mask
        (h, w) bool crop; everything outside of it is background. Empty masks have
        a crop of (0, 0).
    offset_yx
        Position of the crop's first pixel in the image.
    predicted_iou
        The network's own estimate of the mask's IoU; not clipped.
    stability_score
        IoU of the mask cut at logits -1 and +1, in [0, 1]; 0 for an empty mask.
    low_res_logits
        (4 h, 4 w) float32 logits in the frame of the window.
    tile
        The tile that answered.
    window
        What that tile shows.
    token
        Which of the decoder's four outputs this is: 0 the single mask, 1-3 the
        whole, part and subpart of an ambiguous prompt.
    """

    mask: BoolArray
    offset_yx: tuple[int, int]
    predicted_iou: float
    stability_score: float
    low_res_logits: Float32Array
    tile: TileKey
    window: Window
    token: int

    @property
    def area(self) -> int:
        """Number of foreground pixels."""
        return int(self.mask.sum())

    @property
    def bounds_yxyx(self) -> tuple[float, float, float, float] | None:
        """Smallest box around the centres of the mask's pixels; None if it is empty."""
        height, width = self.mask.shape
        if not height:
            return None
        y, x = self.offset_yx
        return y, x, y + height - 1, x + width - 1

    @property
    def mask_input(self) -> MaskInput:
        """What to hand to the next prompt in order to refine this mask."""
        return MaskInput(self.low_res_logits, self.tile)

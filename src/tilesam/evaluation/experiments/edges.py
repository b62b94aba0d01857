"""Edges out of masks, compared with drawn boundaries.

Kirillov et al. 2023, "Segment Anything", section 7.2 and appendix D.2: a grid of 16 x
16 points, three masks each, NMS, Sobel's gradient of the probabilities, thin edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.experiments.experiment import Shown
from tilesam.evaluation.measures.boundaries import (
    TOLERANCE,
    count_edges,
    f_measure,
)
from tilesam.evaluation.measures.edge_maps import (
    edge_strength,
    label_boundaries,
    thin_edges,
)
from tilesam.everything.nms import suppress
from tilesam.everything.point_grid import build_point_grid
from tilesam.model.preprocessing import points_yx_to_input_xy
from tilesam.model.upsampling import crop_mask
from tilesam.types import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    from tilesam.evaluation.metrics import ObjectScore
    from tilesam.model.runtime import SamModel
    from tilesam.training.datasets import Sample
    from tilesam.types import BoolArray, Float32Array, FloatArray, UInt8Array

POINTS_PER_SIDE = 16
NMS_IOU = 0.7

LEAST_REACH = 1.5
"""Pixels: an edge lies between two of them, of which either may be marked."""


@dataclass(frozen=True, eq=False)
class EdgesExperiment:
    """Find the edges of an image at several thresholds.

    Parameters
    ----------
    model
        A network; None takes Sobel's gradient of the image itself.
    identity
        Of the model.
    is_drawn
        Whether the label layers are boundaries that people drew, one layer each;
        otherwise they are labels, whose borders count.
    thresholds
        So many, evenly between 0 and 1.
    """

    model: SamModel | None
    identity: Mapping[str, Any]
    is_drawn: bool = False
    thresholds: int = 33

    name = "edges"
    ranked_by = "f"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what the counts depend on."""
        return {"thresholds": self.thresholds, "tolerance": TOLERANCE}

    @property
    def cuts(self) -> FloatArray:
        """(T,) where edge strength is cut."""
        return np.arange(1, self.thresholds + 1) / (self.thresholds + 1)

    def measure(self, sample: Sample) -> dict[str, Any]:
        """Return what each threshold is worth, and the best F-measure."""
        strength = thin_edges(self._strength(sample.image))
        annotations = self._annotations(sample)
        reach = max(TOLERANCE * float(np.hypot(*strength.shape)), LEAST_REACH)
        counts = [
            count_edges(_thinned(strength >= cut), annotations, reach)
            for cut in self.cuts
        ]
        best = float(f_measure(np.array(counts)).max())
        drawn = sum(int(layer.sum()) for layer in annotations)
        row = {"layer": 0, "object_id": 0, "area": drawn, "scores": {"f": best}}
        return {"rows": [row], "counts": [list(count) for count in counts]}

    def show(self, sample: Sample, row: ObjectScore) -> Shown:
        """Find the edges again."""
        del row
        strength = thin_edges(self._strength(sample.image))
        truth = np.any(self._annotations(sample), axis=0)
        return Shown(sample.image, truth, strength >= 0.5 * strength.max(initial=0))

    def _annotations(self, sample: Sample) -> Sequence[BoolArray]:
        if self.is_drawn:
            return [layer > 0 for layer in sample.label_layers]
        return [label_boundaries(layer) for layer in sample.label_layers]

    def _strength(self, image: UInt8Array) -> Float32Array:
        if self.model is None:
            return _sobel(image)
        height, width = image.shape[:2]
        maps = probability_maps(self.model, image)
        return edge_strength(maps, (height, width))


def probability_maps(model: SamModel, image: UInt8Array) -> Iterator[Float32Array]:
    """Yield the (H, W) probabilities of the masks of a 16 x 16 grid, after NMS.

    No mask is left out for its quality; of two whose boxes have an IoU above 0.7 the
    one with the lower predicted IoU is.
    """
    image_hw = image.shape[:2]
    window = Window(0, 0, *image_hw)
    points_yx = build_point_grid((0, 0, *image_hw), POINTS_PER_SIDE)
    points_xy = points_yx_to_input_xy(points_yx, window, model.input_size)
    decoded = model.decode_points(
        model.embed([image])[0], points_xy, lowest_iou=-np.inf
    )
    logits = decoded.low_res_logits
    scores = decoded.predicted_iou[decoded.points, decoded.tokens - 1].cpu().numpy()
    extents = np.array([_extent(one, model, image_hw) for one in logits])
    has_pixels = (extents[:, 2:] > extents[:, :2]).all(axis=1)
    chosen = np.flatnonzero(has_pixels)
    chosen = chosen[suppress(extents[chosen], scores[chosen], NMS_IOU)]
    for index in chosen:
        fine = model.logits_to_window(logits[index], image_hw)
        yield fine.sigmoid().cpu().numpy()


def _extent(
    logits: Tensor, model: SamModel, image_hw: tuple[int, int]
) -> tuple[int, int, int, int]:
    crop = crop_mask(
        logits.cpu().numpy(), window_hw=image_hw, input_size=model.input_size
    )
    (y, x), (height, width) = crop.offset_yx, crop.mask.shape
    return y, x, y + height, x + width


def _sobel(image: UInt8Array) -> Float32Array:
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(image.astype(np.float32), (1, 1, 0))
    gradient = np.hypot(ndimage.sobel(smooth, 0), ndimage.sobel(smooth, 1)).max(axis=-1)
    found: Float32Array = gradient / max(float(gradient.max()), 1e-12)
    return found


def _thinned(edges: BoolArray) -> BoolArray:
    from skimage.morphology import thin

    thinned: BoolArray = thin(edges)  # type: ignore[no-untyped-call]
    return thinned

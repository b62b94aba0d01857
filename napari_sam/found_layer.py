"""Everything that was found as a Labels layer, replaced as thresholds move."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari.components import LayerList
from napari.layers import Image, Labels, Layer

from napari_sam.coordinates import Plane, crop_offset, crop_to_layer
from napari_sam.geometry import apply_geometry, crop_geometry
from napari_sam.layer_list import add_quietly
from napari_sam.state.everything import FoundObjects

COLUMNS = (
    "area", "predicted_iou", "stability_score", "level", "parent",
)  # fmt: skip


class FoundLayer:
    """The layer of what segmenting everything found in one image.

    It is made for the first result, and filled anew for each later one. Somebody who
    deletes it gets another one with the next result.

    Parameters
    ----------
    layers
        `viewer.layers`.
    image
        The layer that was segmented.
    below
        Layers that stay above it: those of the prompts.
    """

    def __init__(
        self, layers: LayerList, image: Image, *, below: Sequence[Layer] = ()
    ) -> None:
        self._layers, self._image, self._below = layers, image, tuple(below)
        self.layer: Labels | None = None

    def show(self, found: FoundObjects, plane: Plane) -> None:
        """Show objects instead of those before; nothing where they are too large."""
        if found.labels is None:
            return
        data = crop_to_layer(found.labels, plane)
        place = crop_geometry(self._image, crop_offset(found.offset_yx, plane))
        if self.layer is None or self.layer not in self._layers:
            name = f"everything: {self._image.name}"
            self.layer = Labels(data, name=name, **place)
            self.layer.opacity = 0.6
            add_quietly(self._layers, self.layer, below=self._below)
        else:
            self.layer.data = data
            apply_geometry(self.layer, place)
        self.layer.features = self._features(found)

    def _features(self, found: FoundObjects) -> dict[str, np.ndarray]:
        columns = found.segmentation.table.columns()
        kept = found.segmentation.kept
        features = {name: columns[name][kept] for name in COLUMNS}
        return {"index": columns["label"][kept].astype(np.int64), **features}

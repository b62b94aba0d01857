"""What was found as a Labels layer, replaced as thresholds move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import Any

import numpy as np
from napari.components import LayerList
from napari.layers import Image, Labels, Layer

from napari_sam.layers.coordinates import Plane, crop_offset, crop_to_layer
from napari_sam.layers.geometry import apply_geometry, crop_geometry
from napari_sam.layers.layer_list import add_quietly
from napari_sam.state.everything import FoundObjects

OPACITY = 0.6
MOST_LETTERS = 40
"""Of a phrase in the name of a layer."""

REGION = "napari-sam-tiles region"
"""Key of `layer.metadata`: which part of an image a layer is of."""

COLUMNS = (
    "area", "predicted_iou", "stability_score", "level", "parent",
)  # fmt: skip


class FoundLayer:
    """The layer of what segmenting everything, or a phrase, found in one image.

    It is made for the first result, and filled anew for each later one. Where somebody
    deletes it, paints into it or chooses it for their own objects, the next result gets
    another one.

    Parameters
    ----------
    layers
        `viewer.layers`.
    image
        The layer that was segmented.
    below
        Layers that stay above it: those of the prompts.
    is_taken
        Whether somebody has chosen a layer for their own objects.
    """

    def __init__(
        self,
        layers: LayerList,
        image: Image,
        *,
        below: Sequence[Layer] = (),
        is_taken: Callable[[Layer], bool] = lambda _: False,
    ) -> None:
        self._layers, self._image, self._below = layers, image, tuple(below)
        self._is_taken = is_taken
        self.layer: Labels | None = None
        self._shown_title = ""

    def show(self, found: FoundObjects, plane: Plane) -> None:
        """Show objects instead of those before."""
        arrays = found.levels if found.labels is None else [found.labels]
        data = [crop_to_layer(array, plane) for array in arrays]
        place = crop_geometry(self._image, crop_offset(found.offset_yx, plane))
        layer = self._own_layer(is_multiscale=len(data) > 1)
        title = self._title(found)
        if layer is None:
            self._add(data, place, title)
        else:
            if title != self._shown_title:  # else it has the name that somebody chose
                layer.name = title
            layer.data = data if layer.multiscale else data[0]
            layer.visible = True
            apply_geometry(layer, place)
        self._shown_title = title
        self.layer.features = self._features(found)
        whole = found.segmentation.image_hw
        self.layer.metadata[REGION] = {"offset_yx": found.offset_yx, "image_hw": whole}

    def hide(self) -> None:
        """Show it no more, until there is another result."""
        if self.layer is not None:
            self.layer.visible = False

    def _own_layer(self, *, is_multiscale: bool) -> Labels | None:
        """Return the layer, if it is still there, nobody's, and fits."""
        layer = self.layer
        if layer is None or layer not in self._layers or self._is_taken(layer):
            return None
        if layer.multiscale != is_multiscale:
            self._layers.remove(layer)
            return None
        return layer

    def _add(self, data: list[Any], place: dict[str, Any], title: str) -> None:
        is_multiscale = len(data) > 1
        self.layer = Labels(
            data if is_multiscale else data[0],
            multiscale=is_multiscale,
            name=title,
            opacity=OPACITY,
            **place,
        )
        self.layer.events.paint.connect(self._let_go)
        add_quietly(self._layers, self.layer, below=self._below)

    def _let_go(self, _event: Any) -> None:
        if self.layer is not None:
            self.layer.events.paint.disconnect(self._let_go)
            self.layer = None

    def _title(self, found: FoundObjects) -> str:
        if found.phrase is None:
            return f"everything: {self._image.name}"
        return f"text: {shorten(found.phrase, MOST_LETTERS, placeholder=' ...')}"

    def _features(self, found: FoundObjects) -> dict[str, np.ndarray]:
        segmentation = found.segmentation
        columns, kept = segmentation.table.columns(), segmentation.kept
        names = (*COLUMNS, *segmentation.table.more)
        features = {name: columns[name][kept] for name in names}
        return {
            "index": columns["label"][kept].astype(np.int64),
            "prompt_kind": np.full(len(kept), found.prompt_kind),
            **features,
            "model_name": np.full(len(kept), segmentation.model_name),
        }

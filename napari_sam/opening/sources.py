"""Image layers as images of the engine: what the user sees is what the model sees.

A `LayerView` is taken on the GUI thread, where layers may be touched; it is opened
wherever the work is done, for looking at pixels can take its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from napari.components import Dims
from napari.layers import Image, Layer

from napari_sam.layers.coordinates import Plane
from napari_sam.layers.layer_origin import location_of_layer
from napari_sam.layers.shown_plane import plane_of
from tilesam.errors import ImageError, TilesamError
from tilesam.image import GeoReference, ImageSource, open_image
from tilesam.image.locations import TIFF_SUFFIXES, Location, suffix_of

Aspect = Literal["data", "plane", "contrast limits"]
"""Of what is seen: what can change while a layer is annotated."""


@dataclass(frozen=True, eq=False)
class LayerView:
    """What an image layer shows at one moment.

    Parameters
    ----------
    levels
        Its arrays, the finest first; one where the layer is not multiscale. Not copied.
    plane
        Position along each axis before rows and columns.
    channel_axis
        The last axis of RGB and RGBA layers; None for grey ones.
    contrast_limits
        What is shown black and white; None for RGB and RGBA layers, which have none.
    origin
        Where the pixels are kept, if that is known.
    """

    levels: tuple[Any, ...]
    plane: Plane
    channel_axis: int | None
    contrast_limits: tuple[float, float] | None
    origin: Location | None = None

    def open(self, store: Path | None = None) -> ImageSource:
        """Return the image; on any thread.

        Parameters
        ----------
        store
            Folder of a store of embeddings, to see it as it was seen for that.

        Raises
        ------
        ImageError
            If the engine cannot use it: complex numbers, limits that coincide.
        ImageReadError
            If its values cannot be read.
        StoreError
            If the store cannot be read.
        """
        from tilesam.opening import open_source  # brings torch

        source = open_source(
            self.levels[0] if len(self.levels) == 1 else list(self.levels),
            store,
            channel_axis=self.channel_axis,
            plane=self.plane or None,
            contrast_limits=self.contrast_limits,
        )
        # napari has no place for it, and whoever exports needs it.
        return replace(source, georeference=georeference_of(self.origin, source.hw))

    def changes_since(self, earlier: LayerView) -> frozenset[Aspect]:
        """Return in what two views of a layer differ; nothing if they show the same.

        Other data means other arrays: that somebody wrote into the same array is not
        seen here. A store of embeddings notices it tile by tile.
        """
        changes: set[Aspect] = set()
        if not _is_same_data(self, earlier):
            changes.add("data")
        if self.plane != earlier.plane:
            changes.add("plane")
        if self.contrast_limits != earlier.contrast_limits:
            changes.add("contrast limits")
        return frozenset(changes)


def view_layer(layer: Layer, dims: Dims) -> LayerView:
    """Return what an image layer shows now; on the GUI thread.

    Parameters
    ----------
    layer
        Grey, RGB or RGBA; single or multiscale; of any kind of array; with any number
        of axes before rows and columns, of which the current position is taken. Of an
        image with channels on an axis of their own, napari makes one layer for each.
    dims
        `viewer.dims` of the viewer it is in.

    Raises
    ------
    ImageError
        If it is no image layer, or no plane of it is shown; see `plane_of`.
    """
    if not isinstance(layer, Image):
        raise ImageError(
            f"'{layer.name}' is a {type(layer).__name__} layer; expected an Image "
            "layer; choose another one, or convert it by a right click in the layer "
            "list"
        )
    levels = _levels(layer)
    limits = None if layer.rgb else _limits(layer)
    channel_axis = len(levels[0].shape) - 1 if layer.rgb else None
    plane, origin = plane_of(layer, dims), location_of_layer(layer)
    return LayerView(levels, plane, channel_axis, limits, origin)


def georeference_of(
    origin: Location | None, hw: tuple[int, int]
) -> GeoReference | None:
    """Return where on earth an image is, as its file says; None if it does not.

    Parameters
    ----------
    origin
        Of the file.
    hw
        Height and width of the image. A file of another size is another image.
    """
    if origin is None or suffix_of(str(origin)) not in TIFF_SUFFIXES:
        return None
    try:
        source = open_image(origin)
    except TilesamError:
        return None
    return source.georeference if source.hw == hw else None


def open_layer(layer: Layer, dims: Dims) -> ImageSource:
    """Return an image layer's current plane as an image of the engine.

    Raises
    ------
    ImageError, ImageReadError
        See `view_layer` and `LayerView.open`.
    """
    return view_layer(layer, dims).open()


def _levels(layer: Image) -> tuple[Any, ...]:
    return tuple(layer.data) if layer.multiscale else (layer.data,)


def _limits(layer: Image) -> tuple[float, float]:
    low, high = layer.contrast_limits
    return float(low), float(high)


def _is_same_data(view: LayerView, other: LayerView) -> bool:
    return view.channel_axis == other.channel_axis and _are_identical(
        view.levels, other.levels
    )


def _are_identical(arrays: Sequence[Any], others: Sequence[Any]) -> bool:
    pairs = zip(arrays, others, strict=False)
    return len(arrays) == len(others) and all(a is b for a, b in pairs)

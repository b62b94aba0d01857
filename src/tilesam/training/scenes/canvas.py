"""The picture of a scene and its nested labels, painted together from back to front."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from tilesam.training.datasets import LabelLayers
    from tilesam.training.scenes.outlines import Outline
    from tilesam.types import BoolArray, Float32Array, UInt8Array

WHOLE, PART, SUBPART = 0, 1, 2
"""Label layers."""

SMALLEST_OBJECT = 12
"""Pixels; what is visible of less is not labelled."""

Paint = NDArray[np.float32] | NDArray[np.float64] | float


class Canvas:
    """An image of light in [0, 1] and three label layers that stay nested.

    Whatever is painted covers what was there, in the image and in the labels.

    Parameters
    ----------
    image
        (H, W, C) float32 background, C = 1 (grey) or 3 (RGB); painted on in place.
    """

    def __init__(self, image: Float32Array) -> None:
        self.image = image
        self.layers: LabelLayers = np.zeros((3, *image.shape[:2]), dtype=np.int32)
        self._count = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.image.shape[0], self.image.shape[1]

    def add_whole(self, outline: Outline, *, mask: BoolArray | None = None) -> int:
        """Label a new object and return its id; hides the labels under it."""
        mask = outline.mask if mask is None else mask
        self._count += 1
        for layer, number in zip(self.layers, (self._count, 0, 0), strict=True):
            layer[outline.window][mask] = number
        return self._count

    def add_part(
        self,
        outline: Outline,
        *,
        parent: int,
        layer: int = PART,
        mask: BoolArray | None = None,
    ) -> int:
        """Label a part of `parent`, clipped to what is visible of it.

        Returns
        -------
        int
            The id of the part, or 0 where nothing of the parent is left under it.
        """
        mask = outline.mask if mask is None else mask
        mask = mask & (self.layers[layer - 1][outline.window] == parent)
        if parent == 0 or np.count_nonzero(mask) < SMALLEST_OBJECT:
            return 0
        self._count += 1
        for below in range(layer, len(self.layers)):
            number = self._count if below == layer else 0
            self.layers[below][outline.window][mask] = number
        return self._count

    def is_free(self, outline: Outline, *, largest_overlap: float = 0.0) -> bool:
        """Return whether at most this share of the shape is already taken."""
        mask = outline.mask
        area = np.count_nonzero(mask)
        if area < SMALLEST_OBJECT:
            return False
        taken = np.count_nonzero(self.layers[WHOLE][outline.window][mask])
        return bool(taken <= largest_overlap * area)

    def visible(self, outline: Outline, *, owner: int, layer: int = WHOLE) -> BoolArray:
        """Return where in the window of the shape `owner` can be seen."""
        return self.layers[layer][outline.window] == owner

    def blend(self, outline: Outline, paint: Paint, alpha: Paint = 1.0) -> None:
        """Mix paint, (h, w, C) or (C,) or a number, into the window by `alpha`."""
        region = self.image[outline.window]
        alpha = _as_channels(alpha)
        region += (_as_channels(paint) - region) * alpha

    def multiply(self, outline: Outline, factor: Paint) -> None:
        """Darken or brighten the window, for shadows and absorbing stains."""
        self.image[outline.window] *= _as_channels(factor)

    def add_light(self, outline: Outline, light: Paint) -> None:
        """Add light to the window, for glows and halos."""
        self.image[outline.window] += _as_channels(light)

    def blur(self, sigma: float) -> None:
        """Blur the image, not the labels, by a Gaussian of `sigma` pixels."""
        if sigma > 0.2:
            for channel in range(self.image.shape[-1]):
                self.image[..., channel] = gaussian_filter(
                    self.image[..., channel], sigma, truncate=3.0
                )

    def add_noise(
        self, rng: np.random.Generator, *, photons: float = 0.0, read: float = 0.0
    ) -> None:
        """Replace the light by counts of photons and add read noise.

        Parameters
        ----------
        photons
            Mean count at light 1; 0 for no shot noise.
        read
            Standard deviation, in units of light.
        """
        if photons > 0:
            counts = rng.poisson(np.maximum(self.image, 0) * photons)
            self.image = (counts / photons).astype(np.float32)
        if read > 0:
            noise = rng.standard_normal(self.image.shape, dtype=np.float32)
            self.image = self.image + np.float32(read) * noise

    def pixels(self) -> UInt8Array:
        """Return the image as (H, W, 3) uint8."""
        image = np.clip(self.image * 255 + np.float32(0.5), 0, 255).astype(np.uint8)
        # A copy, because what broadcasting returns cannot be written to.
        return np.broadcast_to(image, (*self.shape, 3)).copy()

    def nested_layers(self) -> LabelLayers:
        """Return the layers with ids from 1 on, without specks and empty layers."""
        layers = self.layers.copy()
        for number in range(len(layers)):
            if number:
                layers[number][layers[number - 1] == 0] = 0
            layers[number] = _renumber(layers[number])
        used = max((n for n in range(3) if layers[n].any()), default=0)
        return layers[: used + 1]


def _as_channels(paint: Paint) -> NDArray[np.float32]:
    array = np.asarray(paint, dtype=np.float32)
    return array[..., None] if array.ndim == 2 else array


def _renumber(layer: NDArray[np.int32]) -> NDArray[np.int32]:
    areas = np.bincount(layer.ravel())
    areas[0] = 0
    kept = areas >= SMALLEST_OBJECT
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return numbers[layer]

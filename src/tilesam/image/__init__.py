"""Images of any type and size as windows of 8-bit RGB, normalised once for all."""

from __future__ import annotations

from tilesam.image.georeference import GeoReference
from tilesam.image.normalization import Normalization
from tilesam.image.opening import open_image
from tilesam.image.source import ArraySource, ImageSource

__all__ = ["ArraySource", "GeoReference", "ImageSource", "Normalization", "open_image"]

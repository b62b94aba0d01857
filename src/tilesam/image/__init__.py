"""Images of any type and size as windows of 8-bit RGB, normalised once for all."""

from __future__ import annotations

from tilesam.image.normalization import Normalization
from tilesam.image.source import ArraySource, ImageSource, open_image

__all__ = ["ArraySource", "ImageSource", "Normalization", "open_image"]

"""The lattice of tiles that an image of any size is seen through; integers only."""

from __future__ import annotations

from tilesam.tiling.grid import Grid

__all__ = ["Grid"]

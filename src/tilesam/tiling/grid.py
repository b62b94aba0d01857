"""One lattice for everything: which windows of an image a network is shown.

Level k has one pixel for 2**k x 2**k pixels of the image, and level -1 enlarges by two.
A window is a square of the network's input size at one level, and windows begin at
multiples of a quarter of that. At the top level one window shows the whole image,
resized to fill the input; images no larger than half an input have that level alone.

Nothing here looks at pixels, and no answer takes longer for a larger image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from tilesam.errors import TilingError
from tilesam.tiling.axis import Axis
from tilesam.types import TileKey, Window

Bounds: TypeAlias = tuple[float, float, float, float]
"""(y0, x0, y1, x1) in the data frame: pixels of level 0, pixel centres at integers."""

FINEST_LEVEL = -1

SMALLEST_OBJECT, LARGEST_OBJECT = 1 / 16, 1 / 4
"""Of a window: what a typical object should span, see `Grid.level_for_diameter`."""


@dataclass(frozen=True)
class Grid:
    """The lattice over one image for one input size.

    Parameters
    ----------
    image_hw
        Height and width of the image in pixels.
    input_size
        Side of the network's input in pixels, a multiple of 64.
    """

    image_hw: tuple[int, int]
    input_size: int

    @cached_property
    def top_level(self) -> int:
        """The finest level at which one window shows the whole image."""
        windows = -(-max(self.image_hw) // self.input_size)
        if windows > 1:
            return (windows - 1).bit_length()
        return 0 if 2 * max(self.image_hw) > self.input_size else FINEST_LEVEL

    @property
    def levels(self) -> range:
        """All levels, the finest first."""
        return range(FINEST_LEVEL, self.top_level + 1)

    @property
    def default_level(self) -> int:
        """The finest level that is used unless small objects are asked for."""
        return min(0, self.top_level)

    @property
    def stride(self) -> int:
        """Distance of neighbouring positions in pixels of their level."""
        return Axis(self.input_size, self.input_size).stride

    def shape(self, level: int) -> tuple[int, int]:
        """Return the number of positions along y and x.

        Raises
        ------
        TilingError
            If there is no such level.
        """
        rows, columns = self._axes(level)
        return rows.last + 1, columns.last + 1

    def check(self, key: TileKey) -> None:
        """Make sure that a key names a tile of this lattice.

        Raises
        ------
        TilingError
            If it does not.
        """
        rows, columns = self.shape(key.level)
        if not (0 <= key.iy < rows and 0 <= key.ix < columns):
            raise TilingError(
                f"there is no {key} in an image of {self.image_hw[0]} x "
                f"{self.image_hw[1]} pixels; level {key.level} has {rows} x {columns} "
                "positions, counted from 0; choose one of them"
            )

    def window(self, key: TileKey) -> Window:
        """Return what a tile shows, in pixels of level 0.

        Raises
        ------
        TilingError
            If there is no such tile.
        """
        self.check(key)
        if key.level == self.top_level:
            return Window(0, 0, *self.image_hw)
        rows, columns = self._axes(key.level)
        level_pixels = (
            *(rows.origin(key.iy), columns.origin(key.ix)),
            *(min(axis.window, axis.length) for axis in (rows, columns)),
        )
        return Window(*(_to_image(n, key.level) for n in level_pixels))

    def coverage(self, level: int, region: Window | None = None) -> list[TileKey]:
        """Return the tiles that together show a region, row by row.

        Parameters
        ----------
        level
            Of the tiles.
        region
            Part of the image, cut at its edges; by default all of it.

        Raises
        ------
        TilingError
            If there is no such level, or the region is empty or outside of the image.
        """
        y0, x0, y1, x1 = self._clipped(region or Window(0, 0, *self.image_hw))
        rows, columns = self._axes(level)
        return [
            TileKey(level, iy, ix)
            for iy in rows.coverage(*_to_level(y0, y1, level))
            for ix in columns.coverage(*_to_level(x0, x1, level))
        ]

    def is_coverage(self, key: TileKey) -> bool:
        """Return whether a tile is one of those that together show the image."""
        rows, columns = self._axes(key.level)
        return rows.is_coverage(key.iy) and columns.is_coverage(key.ix)

    def choose(self, bounds_yxyx: Bounds, *, finest_level: int = 0) -> TileKey:
        """Return the tile that answers prompts; depends on nothing but their bounds.

        Parameters
        ----------
        bounds_yxyx
            Smallest box around all points and boxes, inside the image.
        finest_level
            Where to begin to look.

        Returns
        -------
        TileKey
            At the finest level where one window shows the bounds with an eighth of it
            free on every side that is not the image's edge: the most central
            coverage tile that does, because it is or will be embedded anyhow; if there
            is none, the most central tile of the lattice.

        Raises
        ------
        TilingError
            If the bounds are outside of the image.
        """
        y0, x0, y1, x1 = self._pixels_of(bounds_yxyx)
        for level in range(max(finest_level, FINEST_LEVEL), self.top_level):
            rows, columns = self._axes(level)
            across, along = _to_level(y0, y1, level), _to_level(x0, x1, level)
            for coverage_only in (True, False):
                iy = rows.best(*across, coverage_only=coverage_only)
                ix = columns.best(*along, coverage_only=coverage_only)
                if iy is not None and ix is not None:
                    return TileKey(level, iy, ix)
        return TileKey(self.top_level, 0, 0)

    def serves(self, key: TileKey, bounds_yxyx: Bounds) -> bool:
        """Return whether a tile shows bounds with the margin that `choose` asks for."""
        self.check(key)
        if key.level == self.top_level:
            return True
        y0, x0, y1, x1 = self._pixels_of(bounds_yxyx)
        rows, columns = self._axes(key.level)
        return rows.serves(key.iy, *_to_level(y0, y1, key.level)) and columns.serves(
            key.ix, *_to_level(x0, x1, key.level)
        )

    def level_for_diameter(self, diameter: float) -> int:
        """Return the finest level to use for objects of a typical size.

        Parameters
        ----------
        diameter
            In pixels of the image.

        Returns
        -------
        int
            0, unless the object would span less than a sixteenth of a window there
            (-1), or more than a quarter (a coarser level).

        Raises
        ------
        TilingError
            If the diameter is not a positive number.
        """
        if not (math.isfinite(diameter) and diameter > 0):
            raise TilingError(
                f"the typical object diameter is {diameter}; expected a positive "
                "number of pixels; leave it out to have the level chosen"
            )
        if diameter < self.input_size * SMALLEST_OBJECT:
            return FINEST_LEVEL
        steps = math.ceil(math.log2(diameter / (self.input_size * LARGEST_OBJECT)))
        return min(max(steps, 0), self.top_level)

    def _axes(self, level: int) -> tuple[Axis, Axis]:
        if level not in self.levels:
            raise TilingError(
                f"there is no level {level} for an image of {self.image_hw[0]} x "
                f"{self.image_hw[1]} pixels; expected {FINEST_LEVEL} to "
                f"{self.top_level}; choose one of them"
            )
        if level == self.top_level:
            return Axis(1, self.input_size), Axis(1, self.input_size)
        height, width = (_to_level(0, side, level)[1] for side in self.image_hw)
        return Axis(height, self.input_size), Axis(width, self.input_size)

    def _pixels_of(self, bounds_yxyx: Bounds) -> tuple[int, int, int, int]:
        """Return the half-open range of pixels that bounds touch."""
        y0, x0, y1, x1 = bounds_yxyx
        height, width = self.image_hw
        is_inside = -0.5 <= y0 <= y1 <= height - 0.5 and -0.5 <= x0 <= x1 <= width - 0.5
        if not is_inside:
            raise TilingError(
                f"the bounds (y0, x0, y1, x1) = {bounds_yxyx} are not inside the image "
                f"of {height} x {width} pixels; expected -0.5 to ({height - 0.5}, "
                f"{width - 0.5}); cut them at its edges"
            )
        first_y, first_x = (math.floor(low + 0.5) for low in (y0, x0))
        last_y, last_x = (math.floor(high + 0.5) for high in (y1, x1))
        # The outer edge of the last pixel belongs to it.
        first_y, last_y = min(first_y, height - 1), min(last_y, height - 1)
        first_x, last_x = min(first_x, width - 1), min(last_x, width - 1)
        return first_y, first_x, last_y + 1, last_x + 1

    def _clipped(self, region: Window) -> tuple[int, int, int, int]:
        y0, x0 = max(region.y0, 0), max(region.x0, 0)
        y1 = min(region.y0 + region.height, self.image_hw[0])
        x1 = min(region.x0 + region.width, self.image_hw[1])
        if y0 >= y1 or x0 >= x1:
            raise TilingError(
                f"the region {region} has no pixel of the image of {self.image_hw[0]} "
                f"x {self.image_hw[1]} pixels; choose one that has"
            )
        return y0, x0, y1, x1


def _to_image(level_pixels: int, level: int) -> int:
    """Return a length of a level in pixels of the image."""
    return level_pixels << level if level >= 0 else level_pixels >> -level


def _to_level(start: int, stop: int, level: int) -> tuple[int, int]:
    """Return the half-open range of a level's pixels that show start..stop."""
    if level < 0:
        return start << -level, stop << -level
    return start >> level, -(-stop >> level)

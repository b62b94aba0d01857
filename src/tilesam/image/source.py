"""Windows of an image as 8-bit RGB, at any resolution.

Nothing here touches more of an image than a window, or a coarse level of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tilesam.errors import ImageError
from tilesam.image.channels import to_rgb
from tilesam.image.levels import coarsest
from tilesam.image.resampling import resample
from tilesam.image.sampling import is_nodata

if TYPE_CHECKING:
    from collections.abc import Callable

    from tilesam.image.channels import ChannelChoice
    from tilesam.image.georeference import GeoReference
    from tilesam.image.levels import Level
    from tilesam.image.normalization import Normalization
    from tilesam.types import ImageIdentity, UInt8Array, Window

JUDGED_PIXELS = 1024
"""Of a window's longest side, with which at least it is judged what is valid."""


class ImageSource(Protocol):
    """What the rest of the engine asks of an image; safe to ask from many threads."""

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels of level 0."""

    @property
    def identity(self) -> ImageIdentity:
        """What can be told of the image without looking at its pixels."""

    @property
    def channels(self) -> tuple[int, ...]:
        """Which channels are shown as red, green and blue."""

    @property
    def plane(self) -> tuple[int, ...]:
        """Position along each axis that is neither rows, columns nor channels."""

    @property
    def normalization(self) -> Normalization:
        """How values become 8 bits."""

    @property
    def georeference(self) -> GeoReference | None:
        """Where on earth the image is, if its file says so."""

    def read_window(self, window: Window) -> UInt8Array:
        """Return (h, w, 3) RGB of a window that lies inside the image."""

    def read_resampled(self, window: Window, out_hw: tuple[int, int]) -> UInt8Array:
        """Return (out_h, out_w, 3) RGB of a window shrunk or enlarged to a size."""

    def valid_fraction(self, window: Window) -> float:
        """Return which share of a window is neither declared empty nor transparent."""


@dataclass(frozen=True, eq=False)
class ArraySource:
    """An image in arrays, or in a file read like arrays; `open_image` builds it.

    Parameters
    ----------
    levels
        Its resolutions, the finest first.
    identity
        Of the image as given.
    channel_choice
        Which channels are shown: one is shown grey, of two the blue stays black.
    normalization
        How values become 8 bits, for the shown channels in their order.
    plane
        Position along each axis that is neither rows, columns nor channels.
    georeference
        Where on earth the image is, if its file says so.
    nodata
        Value of pixels that were not measured, if one is declared.
    rebuild
        Function and arguments that build the same source elsewhere.
    keeps
        What must live as long as the source: an open file.
    """

    levels: tuple[Level, ...]
    identity: ImageIdentity
    channel_choice: ChannelChoice
    normalization: Normalization
    plane: tuple[int, ...] = ()
    georeference: GeoReference | None = None
    nodata: float | None = None
    rebuild: tuple[Callable[..., ArraySource], tuple[Any, ...]] | None = None
    keeps: object = field(default=None, repr=False)

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels of level 0."""
        return self.identity.hw

    @property
    def channels(self) -> tuple[int, ...]:
        """Which channels are shown as red, green and blue."""
        return self.channel_choice.shown

    def read_window(self, window: Window) -> UInt8Array:
        """Return a window as (h, w, 3) uint8 RGB; maybe a view, so do not write to it.

        Parameters
        ----------
        window
            In pixels of level 0, inside the image.

        Raises
        ------
        ImageError
            If the window is empty or not inside the image.
        ImageReadError
            If the file cannot be read there.
        """
        self._require_inside(window, overhang=(0, 0))
        crop = self.channel_choice.pick_shown(
            self.levels[0].plane.read(
                slice(window.y0, window.y0 + window.height),
                slice(window.x0, window.x0 + window.width),
            )
        )
        return to_rgb(self.normalization.apply(crop))

    def read_resampled(self, window: Window, out_hw: tuple[int, int]) -> UInt8Array:
        """Return a window, shrunk or enlarged, as (out_h, out_w, 3) uint8 RGB.

        Parameters
        ----------
        window
            In pixels of level 0. At the bottom and on the right it may stick out of
            the image by less than one pixel of the result.
        out_hw
            Height and width of the result. At the window's own size, its very pixels.

        Returns
        -------
        UInt8Array
            A side that shrinks has the mean of all pixels that a result's pixel
            covers, by the share of each that it covers; a side that grows is
            interpolated between the pixels' centres, beyond the window too. Means are
            taken of the image's own values, which become 8 bits afterwards. Equal
            places give equal values in whichever window.

        Raises
        ------
        ImageError
            If the window or the size is empty, or the window not inside the image.
        ImageReadError
            If the file cannot be read there.

        Notes
        -----
        The coarsest level is read that has no less than the resolution asked for, in
        blocks, so that memory does not grow with the window.
        """
        if tuple(out_hw) == (window.height, window.width):
            return self.read_window(window)
        scales = self._checked_scales(window, out_hw)
        values = resample(
            coarsest(self.levels, wanted=scales),
            *(window, out_hw),
            full_hw=self.hw,
            channels=self.channel_choice,
        )
        return to_rgb(self.normalization.apply(values))

    def valid_fraction(self, window: Window) -> float:
        """Return which share of a window is neither declared empty nor transparent.

        Parameters
        ----------
        window
            In pixels of level 0; what sticks out of the image does not count.

        Returns
        -------
        float
            In [0, 1]; of a level that has at least 1024 pixels along the longest side
            of the window, if it has so many itself. 1.0 where the image declares no
            value for empty pixels and no alpha channel.

        Raises
        ------
        ImageError
            If no pixel of the window is in the image.
        ImageReadError
            If the file cannot be read there.
        """
        self._require_inside(window, overhang=(window.height, window.width))
        if self.nodata is None and self.channel_choice.alpha is None:
            return 1.0
        scale = max(1.0, max(window.height, window.width) / JUDGED_PIXELS)
        level = coarsest(self.levels, wanted=(scale, scale))
        rows, columns = _slices_of(window, level)
        valid = [
            self._valid_pixels(level, y, x)
            for y, x in level.plane.blocks(rows, columns)
        ]
        pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
        return float(sum(valid) / pixels)

    def _valid_pixels(self, level: Level, rows: slice, columns: slice) -> int:
        block = level.plane.read(rows, columns)
        is_empty = is_nodata(self.channel_choice.pick_shown(block), self.nodata)
        alpha = self.channel_choice.pick_alpha(block)
        if alpha is not None:
            is_empty |= alpha == 0
        return int(is_empty.size - np.count_nonzero(is_empty))

    def _checked_scales(
        self, window: Window, out_hw: tuple[int, int]
    ) -> tuple[float, float]:
        """Return how many pixels of level 0 make one of the result, along y and x."""
        if min(out_hw) < 1:
            raise ImageError(
                f"the size asked for is {out_hw[0]} x {out_hw[1]}; expected at least "
                "one pixel along each side"
            )
        scales = window.height / out_hw[0], window.width / out_hw[1]
        self._require_inside(window, overhang=scales)
        return scales

    def _require_inside(self, window: Window, overhang: tuple[float, float]) -> None:
        """Raise unless a window has pixels, sticking out by less than an overhang."""
        height, width = self.hw
        starts = 0 <= window.y0 < height and 0 <= window.x0 < width
        y_over = window.y0 + window.height - height
        x_over = window.x0 + window.width - width
        is_inside = starts and all(
            over <= 0 or over < allowed
            for over, allowed in zip((y_over, x_over), overhang, strict=True)
        )
        if not (is_inside and window.height > 0 and window.width > 0):
            raise ImageError(
                f"{window} is not inside the image of {height} x {width} pixels; "
                "expected a window of at least one pixel within it"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as what the image was opened from, with its limits as they are."""
        if self.rebuild is None:
            return super().__reduce__()  # type: ignore[return-value]
        return self.rebuild


def _slices_of(window: Window, level: Level) -> tuple[slice, slice]:
    """Return which pixels of a level show a window, without what sticks out."""
    starts = window.y0, window.x0
    stops = window.y0 + window.height, window.x0 + window.width
    rows, columns = (
        slice(min(int(start / scale), size - 1), min(-int(-stop // scale), size))
        for start, stop, scale, size in zip(
            starts, stops, level.scales, level.plane.hw, strict=True
        )
    )
    return rows, columns

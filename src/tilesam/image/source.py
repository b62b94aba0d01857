"""An image of any kind, checked once, from which windows of 8-bit RGB are cut.

Nothing here touches more of the array than a window or a coarse sample, and arrays are
only ever sliced: memory maps and lazy arrays stay on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tilesam.errors import ImageError
from tilesam.image.axes import (
    ArrayLike,
    checked_array,
    resolve_channel_axis,
    resolve_channels,
)
from tilesam.image.normalization import (
    Limits,
    Normalization,
    checked_limits,
    limits_from_sample,
)
from tilesam.image.reading import read_image_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tilesam.types import UInt8Array, Window

SAMPLE_BLOCKS, SAMPLE_BLOCK_SIZE = 16, 64
"""At most 16 x 16 blocks of 64 x 64 pixels are looked at to find the limits."""


class ImageSource(Protocol):
    """What the rest of the engine asks of an image."""

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels of level 0."""

    def read_window(self, window: Window) -> UInt8Array:
        """Return (h, w, 3) RGB of a window that lies inside the image."""


@dataclass(frozen=True, eq=False)
class ArraySource:
    """Windows of an array; build it with `open_image`, which checks everything.

    Parameters
    ----------
    array
        (H, W), or three axes of which `channel_axis` is one.
    channel_axis
        None for a grey image, else 0, 1 or 2.
    channels
        Which channels become red, green and blue: one is shown grey, of two the blue
        stays black.
    normalization
        How values become 8 bits, for the chosen channels in their order.
    """

    array: ArrayLike
    channel_axis: int | None
    channels: tuple[int, ...]
    normalization: Normalization

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        sizes = list(self.array.shape)
        if self.channel_axis is not None:
            del sizes[self.channel_axis]
        return sizes[0], sizes[1]

    def read_window(self, window: Window) -> UInt8Array:
        """Return a window as (h, w, 3) uint8 RGB; maybe a view, so do not write to it.

        Raises
        ------
        ImageError
            If the window is empty or not inside the image.
        """
        height, width = self.hw
        y1, x1 = window.y0 + window.height, window.x0 + window.width
        if not (0 <= window.y0 < y1 <= height and 0 <= window.x0 < x1 <= width):
            raise ImageError(
                f"{window} is not inside the image of {height} x {width} pixels; "
                "expected a window of at least one pixel within it"
            )
        crop = self._read(slice(window.y0, y1), slice(window.x0, x1))
        return _to_rgb(self.normalization.apply(crop))

    def _read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Return the chosen channels of a rectangle, (h, w, C), as stored."""
        if self.channel_axis is None:
            return np.asarray(self.array[rows, columns])[..., np.newaxis]
        key: list[slice] = [rows, columns]
        key.insert(self.channel_axis, _covering_slice(self.channels))
        crop = np.moveaxis(np.asarray(self.array[tuple(key)]), self.channel_axis, -1)
        picked = [channel - min(self.channels) for channel in self.channels]
        return crop if picked == list(range(crop.shape[-1])) else crop[..., picked]

    def sample(self) -> NDArray[Any]:
        """Return the values of blocks spread evenly over the image, (n, C)."""
        rows, columns = (_sample_slices(size) for size in self.hw)
        blocks = [self._read(y, x) for y in rows for x in columns]
        return np.concatenate([b.reshape(-1, len(self.channels)) for b in blocks])


def open_image(
    image: Any,
    *,
    channels: Sequence[int] | int | None = None,
    channel_axis: int | None = None,
    contrast_limits: Limits | Sequence[Limits] | None = None,
) -> ArraySource:
    """Check an image and return a source of its windows.

    Parameters
    ----------
    image
        A path, or an array of (H, W) or of three axes, one of them channels; of any
        real type. An array is sliced, never copied as a whole. See the reference page
        "What images are accepted".
    channels
        Which one, two or three channels to show the model. Needed where there are
        more than three, except for 8-bit RGBA, whose alpha is left out.
    channel_axis
        The axis of the channels. By default the last one if its size is 1 to 4.
    contrast_limits
        Values that become black and white: one pair, or one for each channel. By
        default 8-bit RGB is taken as it is, and of everything else the 0.1 and 99.9
        percentiles of a coarse sample are used.

    Raises
    ------
    ImageError
        If shape, type, values or options do not fit.
    ImageReadError
        If the file cannot be read.
    """
    if isinstance(image, str | PathLike):
        read = read_image_file(image)
        image = read.array
        channel_axis = read.channel_axis if channel_axis is None else channel_axis
    array = checked_array(image)
    axis = resolve_channel_axis(array.shape, channel_axis)
    picked = resolve_channels(array, axis=axis, channels=channels)
    unscaled = ArraySource(array, axis, picked, Normalization(None))
    limits = None
    if contrast_limits is not None:
        limits = checked_limits(contrast_limits, len(picked))
    elif np.dtype(array.dtype) != np.uint8 or len(picked) < 3:
        limits = limits_from_sample(unscaled.sample())
    return ArraySource(array, axis, picked, Normalization(limits))


def _covering_slice(channels: tuple[int, ...]) -> slice:
    """Return the smallest slice with all channels: lazy arrays know slices best."""
    return slice(min(channels), max(channels) + 1)


def _sample_slices(size: int) -> list[slice]:
    """Return up to 16 slices of up to 64 pixels, spread evenly over an axis."""
    if size <= SAMPLE_BLOCKS * SAMPLE_BLOCK_SIZE:
        return [slice(0, size)]
    starts = np.linspace(0, size - SAMPLE_BLOCK_SIZE, SAMPLE_BLOCKS).astype(int)
    return [slice(int(start), int(start) + SAMPLE_BLOCK_SIZE) for start in starts]


def _to_rgb(crop: UInt8Array) -> UInt8Array:
    """Return (h, w, 1 to 3) as (h, w, 3)."""
    channel_count = crop.shape[-1]
    if channel_count == 1:
        return np.repeat(crop, 3, axis=-1)
    if channel_count == 2:
        return np.concatenate([crop, np.zeros_like(crop[..., :1])], axis=-1)
    return crop

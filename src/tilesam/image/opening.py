"""Open an image of any kind: find out what it is, check it, and fix its limits."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import ImageError
from tilesam.image.axes import is_integer, resolve_layout
from tilesam.image.channels import ChannelChoice, resolve_channels
from tilesam.image.chunk_cache import DEFAULT_CACHE_BYTES, ChunkCache
from tilesam.image.chunked_planes import build_plane
from tilesam.image.files import open_file
from tilesam.image.levels import Level, checked_scales, usable_levels
from tilesam.image.locations import location_of
from tilesam.image.normalization import (
    Normalization,
    checked_limits,
    limits_from_sample,
)
from tilesam.image.planes import SlicedPlane
from tilesam.image.sampling import sample_values
from tilesam.image.source import ArraySource
from tilesam.image.stored import StoredImage, image_of_arrays
from tilesam.types import ImageIdentity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.image.axes import Layout, PlaneChoice
    from tilesam.image.normalization import Limits


def open_image(
    image: Any,
    *,
    channels: Sequence[int] | int | None = None,
    channel_axis: int | None = None,
    contrast_limits: Limits | Sequence[Limits] | None = None,
    plane: PlaneChoice = None,
    normalization: Normalization | None = None,
    cache_bytes: int = DEFAULT_CACHE_BYTES,
) -> ArraySource:
    """Check an image and return a source of its windows.

    Parameters
    ----------
    image
        A path or an address (protocol://...), an array, or a list of arrays that are
        its levels, the finest first. An array is (H, W), with or without
        channels last or first, after any number of axes such as time and depth; of
        any real type. Arrays are sliced, never copied as a whole. See the
        reference page "What images are accepted".
    channels
        Which one, two or three channels to show the model. Needed where there are
        more than three, except for 8-bit RGBA, whose alpha is left out.
    channel_axis
        The axis of the channels. By default as the file says, else the last one, or
        the first one, if its size is 1 to 4.
    contrast_limits
        Values that become black and white: one pair, or one for each channel. By
        default 8-bit RGB is taken as it is, and of everything else the 0.1 and 99.9
        percentiles of a coarse sample are used.
    plane
        Which position to show along the axes that are neither rows, columns nor
        channels: a number, one number for each, or by name as in {"t": 0, "z": 3}.
        By default 0 where a file names them; arrays need it.
    normalization
        Limits fixed earlier, instead of `contrast_limits`.
    cache_bytes
        How much memory decoded chunks may take.

    Raises
    ------
    ImageError
        If shape, type, values or options do not fit.
    ImageReadError
        If the file cannot be read.
    """
    is_named = isinstance(image, str | PathLike)
    origin = location_of(image) if is_named else image
    stored = open_file(origin) if is_named else image_of_arrays(image)
    layout = resolve_layout(
        stored.arrays[0].shape,
        names=stored.axis_names,
        channel_axis=channel_axis,
        plane=plane,
    )
    choice = _channel_choice(stored, layout, channels)
    levels = _levels(stored, layout, choice, ChunkCache(_checked_bytes(cache_bytes)))
    fixed = _normalization(stored, levels, choice, normalization, contrast_limits)
    options = {
        "channels": channels,
        "channel_axis": channel_axis,
        "plane": plane,
        "normalization": fixed,
        "cache_bytes": cache_bytes,
    }
    return ArraySource(
        levels,
        _identity(stored, levels, choice),
        choice,
        fixed,
        plane=tuple(position for _, position in layout.plane),
        georeference=stored.georeference,
        nodata=stored.nodata,
        rebuild=(_reopen, (origin, options)),
        keeps=stored,
    )


def _reopen(origin: Any, options: dict[str, Any]) -> ArraySource:
    return open_image(origin, **options)


def _checked_bytes(cache_bytes: object) -> int:
    if is_integer(cache_bytes) and cache_bytes >= 0:
        return int(cache_bytes)
    raise ImageError(
        f"cache_bytes is {cache_bytes!r}; expected a whole number of bytes from 0 on"
    )


def _channel_choice(
    stored: StoredImage, layout: Layout, channels: Sequence[int] | int | None
) -> ChannelChoice:
    shape, dtype = stored.arrays[0].shape, np.dtype(stored.arrays[0].dtype)
    count = layout.channel_count(shape)
    is_last = layout.channel_axis == len(shape) - 1
    is_rgba = count == 4 and is_last and dtype == np.uint8
    alpha = stored.alpha
    if is_rgba and channels is None and not stored.says_alpha:
        alpha = 3
    return resolve_channels(
        count, channels=channels, alpha=alpha, is_rgba=is_rgba, dtype=str(dtype)
    )


def _levels(
    stored: StoredImage, layout: Layout, choice: ChannelChoice, cache: ChunkCache
) -> tuple[Level, ...]:
    numbered = usable_levels(
        stored.arrays, layout, skips_misfits=stored.skips_bad_levels
    )
    scales = checked_scales([array for _, array in numbered], layout)
    return tuple(
        Level(
            build_plane(
                SlicedPlane(array, layout, choice.covering),
                cache=cache,
                image_name=stored.name,
                level=number,
            ),
            scale,
        )
        for (number, array), scale in zip(numbered, scales, strict=True)
    )


def _normalization(
    stored: StoredImage,
    levels: tuple[Level, ...],
    choice: ChannelChoice,
    given: Normalization | None,
    contrast_limits: Limits | Sequence[Limits] | None,
) -> Normalization:
    shown = len(choice.shown)
    is_8_bit = np.dtype(stored.arrays[0].dtype) == np.uint8
    if given is not None and contrast_limits is not None:
        raise ImageError(
            "both contrast_limits and normalization are given; expected one of them; "
            "leave one out"
        )
    if given is not None:
        return _checked_normalization(given, shown, is_8_bit=is_8_bit)
    if contrast_limits is not None:
        return Normalization(checked_limits(contrast_limits, shown))
    if is_8_bit and shown == 3:
        return Normalization(None)
    return Normalization(
        limits_from_sample(sample_values(levels, choice, nodata=stored.nodata))
    )


def _checked_normalization(
    given: Normalization, shown: int, *, is_8_bit: bool
) -> Normalization:
    if given.limits is not None:
        return Normalization(checked_limits(given.limits, shown))
    if not is_8_bit:
        raise ImageError(
            "the normalization given takes values as they are; expected limits for an "
            "image that is not of 8 bits; leave it out to have them found"
        )
    return given


def _identity(
    stored: StoredImage, levels: tuple[Level, ...], choice: ChannelChoice
) -> ImageIdentity:
    dtype = np.dtype(stored.arrays[0].dtype).name
    height, width = levels[0].plane.hw
    return ImageIdentity((int(height), int(width)), dtype, int(choice.count))

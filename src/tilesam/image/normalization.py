"""From any number type to 8 bits, by limits that are the same everywhere in an image.

A window must look the same whichever way it was cut: limits taken per window would turn
background noise into structure and shift colours between neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tilesam.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tilesam.types import UInt8Array

PERCENTILES = (0.1, 99.9)
"""Of the sampled values of a channel: what becomes black and what becomes white."""

Limits: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Normalization:
    """How pixel values become 8 bits, fixed once per image.

    Parameters
    ----------
    limits
        For each channel the values that become 0 and 255; None takes 8-bit values
        as they are.
    """

    limits: tuple[Limits, ...] | None

    def apply(self, crop: NDArray[Any]) -> UInt8Array:
        """Return a crop (h, w, C) of real numbers as uint8 of the same shape.

        Values outside the limits are cut off. NaN becomes 0, like the lower limit:
        it marks pixels where nothing was measured. Means of 8-bit values are rounded.
        """
        if self.limits is None:
            whole = np.rint(crop) if crop.dtype.kind == "f" else crop
            return whole.astype(np.uint8, copy=False)
        # float32 holds every 16-bit value exactly; wider types would lose digits.
        working = np.float32 if crop.dtype.itemsize <= 2 else np.float64
        mapped = np.empty(crop.shape, np.uint8)
        for channel, (low, high) in enumerate(self.limits):
            values = crop[..., channel].astype(working)
            mapped[..., channel] = _map_to_8_bit(values, low=low, high=high)
        return mapped

    def to_plain(self) -> dict[str, Any]:
        """Return the same as plain JSON, from which it can be read back exactly."""
        limits = None if self.limits is None else [list(pair) for pair in self.limits]
        return {"limits": limits}

    @classmethod
    def from_plain(cls, plain: Any) -> Normalization:
        """Read back what `to_plain` returned.

        Raises
        ------
        ImageError
            If it is something else.
        """
        if isinstance(plain, dict) and plain.keys() == {"limits"}:
            limits = plain["limits"]
            if limits is None:
                return cls(None)
            if isinstance(limits, list | tuple) and np.ndim(limits) == 2:
                return cls(checked_limits(limits, len(limits)))
        raise ImageError(
            f"the recorded normalisation is {plain!r}; expected limits, or none, for "
            "each channel; make the record anew"
        )


def _map_to_8_bit(values: NDArray[Any], *, low: float, high: float) -> UInt8Array:
    """Map low..high to 0..255 in place; `values` is overwritten."""
    # Cut off first, so that the subtraction can neither overflow nor meet inf.
    np.clip(values, low, high, out=values)
    values -= low
    values /= high - low
    values *= 255
    np.nan_to_num(values, copy=False, nan=0.0)
    rounded: UInt8Array = np.rint(values, out=values).astype(np.uint8)
    return rounded


def limits_from_sample(sample: NDArray[Any]) -> tuple[Limits, ...]:
    """Return limits per channel: the 0.1 and 99.9 percentiles of its finite values.

    Parameters
    ----------
    sample
        (n, C) values of any real type.

    Notes
    -----
    Where the percentiles coincide the extremes of the sample serve instead, and where
    these coincide too the limits are the value and a little more: a constant channel
    becomes black.

    Raises
    ------
    ImageError
        If a channel has no finite value.
    """
    if sample.dtype == np.bool_:
        return ((0.0, 1.0),) * int(sample.shape[1])
    columns = enumerate(sample.astype(np.float64).T)
    return tuple(_channel_limits(values, channel=i) for i, values in columns)


def _channel_limits(values: NDArray[np.float64], *, channel: int) -> Limits:
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise ImageError(
            f"channel {channel} of the image holds no finite value among "
            f"{values.size} sampled pixels; expected numbers; "
            "replace NaN and inf, or give contrast_limits"
        )
    low, high = (float(limit) for limit in np.percentile(finite, PERCENTILES))
    if not low < high:
        low, high = float(finite.min()), float(finite.max())
    if not low < high:
        high = low + max(1.0, abs(low) * 1e-3)
    if math.isinf(high - low):
        raise ImageError(
            f"channel {channel} of the image spans {low:g} to {high:g}, more than "
            "float64 can hold; expected a smaller range; give contrast_limits"
        )
    return low, high


def checked_limits(
    contrast_limits: Limits | Sequence[Limits], channel_count: int
) -> tuple[Limits, ...]:
    """Return user-given limits as one (low, high) pair per channel.

    Parameters
    ----------
    contrast_limits
        One pair for all channels, or one pair for each.
    channel_count
        Number of channels that are shown to the model.

    Raises
    ------
    ImageError
        If the pairs are not finite numbers with low < high, or not as many as
        channels.
    """
    expected = (
        f"expected (low, high) with low < high, or {channel_count} such pairs, "
        "one for each channel"
    )
    try:
        pairs = np.asarray(contrast_limits, dtype=np.float64)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    if pairs.shape == (2,):
        pairs = np.tile(pairs, (channel_count, 1))
    is_usable = pairs.shape == (channel_count, 2) and bool(
        np.isfinite(pairs).all() and (pairs[:, 0] < pairs[:, 1]).all()
    )
    if not is_usable:
        raise ImageError(f"contrast_limits are {contrast_limits!r}; {expected}")
    return tuple((float(pair[0]), float(pair[1])) for pair in pairs)

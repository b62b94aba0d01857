"""Random changes of light, colour, focus and noise of an 8-bit RGB image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.types import FloatArray, UInt8Array


def vary_light(image: UInt8Array, *, rng: np.random.Generator) -> UInt8Array:
    """Return the image in another light, with another focus and more noise.

    Parameters
    ----------
    image
        (H, W, 3) uint8 RGB. Grey images (equal channels) stay grey.

    Returns
    -------
    UInt8Array
        A new array of the same shape.
    """
    grey = _is_grey(image)
    channels = image[..., :1] if grey else _change_channels(image, rng)
    if rng.random() < 0.25:
        channels = _blur(channels, sigma=rng.uniform(0.4, 1.8))
    tables = _draw_tables(channels, rng)
    result = np.stack(
        [tables[c][channels[..., c]] for c in range(channels.shape[-1])], axis=-1
    )
    if rng.random() < 0.35:
        result = _add_noise(result, rng)
    return np.repeat(result, 3, axis=-1) if grey else np.ascontiguousarray(result)


def _is_grey(image: UInt8Array) -> bool:
    first = image[..., 0]
    return bool((first == image[..., 1]).all() and (first == image[..., 2]).all())


def _range_of(image: UInt8Array) -> tuple[float, float]:
    """Return the 0.2 and 99.8 percentiles, at least 8 grey levels apart."""
    shares = np.cumsum(np.bincount(image[::2, ::2].ravel(), minlength=256))
    low, high = np.searchsorted(shares, np.array([0.002, 0.998]) * shares[-1])
    return float(low), float(max(high, low + 8))


def _draw_tables(image: UInt8Array, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw contrast, brightness, gamma and inversion as (channels, 256) tables."""
    channels = image.shape[-1]
    tint = 0.0 if channels == 1 else 0.05
    low, high = _range_of(image)
    levels = np.arange(256) / 255
    # People look at dark micrographs with stretched contrast, and at others without.
    if rng.random() < 0.5:
        amount = rng.uniform(0.3, 1.0)
        stretched = np.clip((levels * 255 - low) / (high - low), 0.0, 1.0)
        levels = amount * stretched + (1 - amount) * levels
    # Fluorescence is bright on dark, bright field dark on bright: both must do.
    if rng.random() < (0.2 if channels == 1 else 0.05):
        levels = 1.0 - levels
    ends = levels[[int(low), min(int(high), 255)]]
    floor, span = float(ends.min()), max(float(np.ptp(ends)), 0.03)
    gamma: FloatArray = np.exp(
        rng.normal(scale=0.25) + rng.normal(scale=tint, size=(channels,))
    )
    contrast = np.exp(rng.normal(scale=0.2) + rng.normal(scale=tint, size=(channels,)))
    shift = rng.normal(scale=tint, size=(channels,)) + rng.normal(scale=0.1)
    # All relative to the range in use, or else a dark image would turn black.
    used = np.clip((levels - floor) / span, 0.0, None)
    curves = used[None] ** gamma[:, None] - 0.5
    curves = floor + span * (curves * contrast[:, None] + 0.5 + shift[:, None])
    return np.asarray(np.clip(curves * 255 + 0.5, 0, 255), dtype=np.uint8)


def _change_channels(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Leave most images as they are; shuffle the channels or drop the colour."""
    choice = rng.random()
    if choice < 0.1:
        return image[..., rng.permutation(3)]
    if choice < 0.2:
        grey = image @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)
    return image


def _blur(image: UInt8Array, *, sigma: float) -> UInt8Array:
    """Blur each channel with a Gaussian cut at three sigma."""
    radius = int(3 * sigma + 0.5)
    steps = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
    kernel = kernel / kernel.sum()
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[:, None]
    padded = functional.pad(pixels.float(), (radius,) * 4, mode="replicate")
    blurred = functional.conv2d(padded, kernel.view(1, 1, -1, 1))
    blurred = functional.conv2d(blurred, kernel.view(1, 1, 1, -1))
    result = blurred[:, 0].permute(1, 2, 0).add(0.5).clamp(0, 255)
    return np.ascontiguousarray(result.to(torch.uint8).numpy())


def _add_noise(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Add shot noise (variance in proportion to the light) and read noise."""
    low, high = _range_of(image)
    span = (high - low) / 255
    shot, read = rng.uniform(0, 1.2) * span, rng.uniform(0, 12) * span
    # A normal of equal variance: true Poisson numbers cost five times as much.
    variances = shot * np.arange(256) + read**2
    deviations = np.sqrt(variances).astype(np.float32)
    noise = rng.standard_normal(image.shape, dtype=np.float32) * deviations[image]
    noisy: UInt8Array = np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)
    return noisy

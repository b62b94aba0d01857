"""Which channels of an image are shown as red, green and blue, and which is alpha."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import ImageError
from tilesam.image.axes import is_integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tilesam.types import UInt8Array


@dataclass(frozen=True)
class ChannelChoice:
    """Which channels of an image are used.

    Parameters
    ----------
    count
        How many there are.
    shown
        One to three of them, in the order red, green, blue.
    alpha
        The one that says where the image is transparent, if any does.
    """

    count: int
    shown: tuple[int, ...]
    alpha: int | None = None

    @property
    def covering(self) -> slice:
        """The smallest slice with all that are used: lazy arrays know slices best."""
        used = self.shown if self.alpha is None else (*self.shown, self.alpha)
        return slice(min(used), max(used) + 1)

    def pick_shown(self, covered: NDArray[Any]) -> NDArray[Any]:
        """Return the shown channels of (h, w, covering), a view where one can be."""
        picked = [channel - self.covering.start for channel in self.shown]
        in_order = list(range(picked[0], picked[0] + len(picked)))
        if picked == in_order:
            return covered[..., picked[0] : picked[-1] + 1]
        return covered[..., picked]

    def pick_alpha(self, covered: NDArray[Any]) -> NDArray[Any] | None:
        """Return the alpha channel (h, w) of (h, w, covering), if there is one."""
        if self.alpha is None:
            return None
        return covered[..., self.alpha - self.covering.start]


def resolve_channels(
    count: int,
    *,
    channels: Sequence[int] | int | None,
    alpha: int | None = None,
    is_rgba: bool = False,
    dtype: str = "",
) -> ChannelChoice:
    """Decide which channels are shown.

    Parameters
    ----------
    count
        Of the channels of the image.
    channels
        What the user said; None takes all up to three that are not alpha.
    alpha
        The channel that a file declares as alpha.
    is_rgba
        Whether the last of four is left out if the user does not ask for it.
    dtype
        Of the image, for people.

    Raises
    ------
    ImageError
        If there are more than can be shown, or no such channels.
    """
    if channels is None:
        hidden = 3 if is_rgba and count == 4 else alpha
        colours = tuple(channel for channel in range(count) if channel != hidden)
        if len(colours) <= 3:
            return ChannelChoice(count, colours or (0,), alpha)
        raise ImageError(
            f"the image has {count} channels of type {dtype}; expected 1 to 3, or "
            "8-bit RGBA; choose up to three with channels=(0, 1, 2) or the like "
            "(--channel 0 --channel 1 --channel 2)"
        )
    picked = tuple(channels) if isinstance(channels, Iterable) else (channels,)
    exist = (is_integer(channel) and 0 <= channel < count for channel in picked)
    if not (1 <= len(picked) <= 3 and all(exist)):
        raise ImageError(
            f"channels are {channels!r}; expected one to three numbers from 0 to "
            f"{count - 1}; the image has {count} channel(s), choose among them"
        )
    return ChannelChoice(count, tuple(int(channel) for channel in picked), alpha)


def to_rgb(crop: UInt8Array) -> UInt8Array:
    """Return (h, w, 1 to 3) as (h, w, 3): grey thrice, or with a black blue."""
    channel_count = crop.shape[-1]
    if channel_count == 1:
        return np.repeat(crop, 3, axis=-1)
    if channel_count == 2:
        return np.concatenate([crop, np.zeros_like(crop[..., :1])], axis=-1)
    return crop

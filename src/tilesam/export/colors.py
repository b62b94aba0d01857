"""Colours of labels."""

from __future__ import annotations

import colorsys

# Steps that fill hue, saturation and brightness evenly however many there are: powers
# of the root of x^4 = x + 1.
_STEPS = (0.8191725133961645, 0.6710436067037893, 0.5497004779019703)


def color_of(label: int) -> list[int]:
    """Return the colour of a label, the same always and unlike that of its neighbours.

    Returns
    -------
    list
        Red, green, blue and opacity, 0 to 255; neither pale nor dark.
    """
    hue, saturation, value = (label * step % 1.0 for step in _STEPS)
    rgb = colorsys.hsv_to_rgb(hue, 0.55 + 0.45 * saturation, 0.65 + 0.35 * value)
    return [*(round(255 * part) for part in rgb), 255]

"""Images of a billion pixels without a file: drawn chunk by chunk, always the same.

To try with them what large images need, without a download.
"""

from __future__ import annotations

from napari_sam.files.large_samples.drawn_level import DrawnLevel, levels_of


def slide_levels() -> list[DrawnLevel]:
    """Return a slide of tissue at all resolutions, the finest first."""
    from napari_sam.files.large_samples.slide import Slide

    return levels_of(Slide())


def aerial_levels() -> list[DrawnLevel]:
    """Return a landscape from above at all resolutions, the finest first."""
    from napari_sam.files.large_samples.aerial import Aerial

    return levels_of(Aerial())

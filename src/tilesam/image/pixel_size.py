"""How large a pixel is where it was taken, as far as a file says so."""

from __future__ import annotations

from dataclasses import dataclass

PIXEL = "pixel"
MICROMETER = "micrometer"


@dataclass(frozen=True)
class PixelSize:
    """Size of a pixel of the finest level, and where the first one lies.

    Parameters
    ----------
    yx
        Height and width in units.
    unit
        Name as in OME-Zarr, such as "micrometer" or "meter"; `PIXEL` if there is none.
    origin_yx
        Where the centre of the first pixel lies, in units.
    """

    yx: tuple[float, float]
    unit: str = PIXEL
    origin_yx: tuple[float, float] = (0.0, 0.0)

"""Pixel sizes as TIFFs state them: OME, slide scanners, ImageJ and GeoTIFF."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from tilesam.image.pixel_size import MICROMETER, PixelSize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tifffile import TiffFile, TiffPage

    from tilesam.image.georeference import GeoReference

PER_CENTIMETRE = 3
"""Value of the tag ResolutionUnit."""

PLAUSIBLE = 0.001, 100.0
"""Micrometres. Many programs fill in a resolution for printers, in inches or not."""

LINEAR_UNITS, METRE = 3076, 9001
"""Key of a GeoTIFF and its value."""

MICROMETRES = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "nm": 1e-3,
    "inch": 25400.0,
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer"), 1.0),
}
"""By unit, as OME and ImageJ write it; both letters that look like a mu are in use."""

_MPP = re.compile(r"\bMPP\s*=\s*([0-9.]+)")


def tiff_pixel_size(
    tiff: TiffFile, page: TiffPage, georeference: GeoReference | None
) -> PixelSize | None:
    """Return how large the pixels of the first image are; None if the file is silent.

    Parameters
    ----------
    tiff, page
        The file and the first page of the image.
    georeference
        Where on earth it is.
    """
    if georeference is not None:
        return _on_earth(georeference)
    found = _of_ome(tiff) or _of_imagej(tiff, page) or _of_scanner(page)
    if found is None or not all(size > 0 and math.isfinite(size) for size in found):
        return None
    return PixelSize(found, MICROMETER)


def _of_ome(tiff: TiffFile) -> tuple[float, float] | None:
    text = tiff.ome_metadata
    if not text:
        return None
    try:
        pixels = ElementTree.fromstring(text).find("{*}Image/{*}Pixels")
    except ElementTree.ParseError:
        return None
    if pixels is None:
        return None
    sizes = [
        _in_micrometres(
            pixels.get(f"PhysicalSize{axis}"),
            pixels.get(f"PhysicalSize{axis}Unit", "µm"),
        )
        for axis in "YX"
    ]
    return _pair(sizes)


def _of_imagej(tiff: TiffFile, page: TiffPage) -> tuple[float, float] | None:
    unit = (tiff.imagej_metadata or {}).get("unit")
    # It writes a letter beyond ASCII as an escape.
    unit = str(unit).replace("\\u00B5", "µ") if unit else ""
    return _pair([_in_micrometres(size, unit) for size in _resolution(page)])


def _of_scanner(page: TiffPage) -> tuple[float, float] | None:
    stated = _MPP.search(page.description or "")
    if stated:
        return _pair([_number(stated.group(1))] * 2)
    unit = page.tags.valueof("ResolutionUnit")
    if unit is None or int(unit) != PER_CENTIMETRE:
        return None
    sizes = _pair([_in_micrometres(size, "cm") for size in _resolution(page)])
    low, high = PLAUSIBLE
    return sizes if sizes and all(low < size < high for size in sizes) else None


def _resolution(page: TiffPage) -> list[float | None]:
    """Return the height and the width of a pixel in whatever the unit is."""
    tags = [page.tags.valueof(name) for name in ("YResolution", "XResolution")]
    return [tag[1] / tag[0] if tag and tag[0] else None for tag in tags]


def _on_earth(georeference: GeoReference) -> PixelSize | None:
    directory = () if georeference.keys is None else georeference.keys.directory
    entries = [directory[i : i + 4] for i in range(4, len(directory) - 3, 4)]
    units: Mapping[int, Any] = {key: value for key, _, _, value in entries}
    if units.get(LINEAR_UNITS) != METRE:
        return None
    a, b, _, d, e, _ = georeference.transform
    return PixelSize((math.hypot(b, e), math.hypot(a, d)), "meter")


def _in_micrometres(size: object, unit: str) -> float | None:
    number, factor = _number(size), MICROMETRES.get(unit)
    return None if number is None or factor is None else number * factor


def _number(text: object) -> float | None:
    try:
        return float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _pair(sizes: list[float | None]) -> tuple[float, float] | None:
    height, width = sizes
    return None if height is None or width is None else (height, width)

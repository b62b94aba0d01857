"""Where on earth an image is, as the tags of a GeoTIFF say it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Transform: TypeAlias = tuple[float, float, float, float, float, float]

PIXEL_SCALE, TIE_POINT, TRANSFORMATION = 33550, 33922, 34264
KEY_DIRECTORY, DOUBLE_PARAMS, ASCII_PARAMS = 34735, 34736, 34737
NODATA = 42113
"""Numbers of tags."""

TAGS = (
    *(PIXEL_SCALE, TIE_POINT, TRANSFORMATION),
    *(KEY_DIRECTORY, DOUBLE_PARAMS, ASCII_PARAMS, NODATA),
)
"""All that say where an image is, and what it has not measured."""

MODEL_TYPE, RASTER_TYPE, GEOGRAPHIC_CRS, PROJECTED_CRS = 1024, 1025, 2048, 3072
"""Numbers of keys in the directory."""

PROJECTED, GEOGRAPHIC = 1, 2
"""Model types: metres or the like, and degrees."""

AREA, POINT = 1, 2
"""Raster types: coordinates are of the pixels' corners, or of their centres."""

USER_DEFINED = 32767
"""Stands for a coordinate reference system that has no EPSG code."""


@dataclass(frozen=True)
class GeoKeys:
    """A coordinate reference system as a GeoTIFF spells it, to be written back.

    Parameters
    ----------
    directory
        Four numbers for each key, after four of a header.
    doubles, text
        What the directory points into.
    """

    directory: tuple[int, ...]
    doubles: tuple[float, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class GeoReference:
    """How pixels of level 0 lie in a coordinate reference system.

    Parameters
    ----------
    transform
        (a, b, c, d, e, f) of x = a * column + b * row + c and y = d * column + e * row
        + f, where (0, 0) is the outer corner of the first pixel, not its centre.
    crs
        The coordinate reference system as "EPSG:nnnn"; None if it has no such code.
    nodata
        Value of pixels that were not measured, if one is declared.
    keys
        The reference system with all that the file says of it, also if it has no code.
    """

    transform: Transform
    crs: str | None = None
    nodata: float | None = None
    keys: GeoKeys | None = field(default=None, compare=False, repr=False)


def georeference_of(tags: Mapping[int, Any]) -> GeoReference | None:
    """Return what the tags of a GeoTIFF's first page say; None if they say no place.

    Parameters
    ----------
    tags
        Values by number of tag.
    """
    keys = _keys(tags.get(KEY_DIRECTORY, ()))
    transform = _transform(tags)
    if transform is None:
        return None
    if keys.get(RASTER_TYPE) == POINT:
        a, b, c, d, e, f = transform
        transform = (a, b, c - (a + b) / 2, d, e, f - (d + e) / 2)
    code = keys.get(PROJECTED_CRS) or keys.get(GEOGRAPHIC_CRS)
    crs = f"EPSG:{code}" if code and code != USER_DEFINED else None
    return GeoReference(transform, crs, nodata_of(tags), _geo_keys(tags))


def nodata_of(tags: Mapping[int, Any]) -> float | None:
    """Return the declared value of pixels that were not measured; None if none is."""
    text = str(tags.get(NODATA, "")).strip().strip("\0")
    try:
        return float(text)
    except ValueError:
        return None


def _transform(tags: Mapping[int, Any]) -> Transform | None:
    matrix = tags.get(TRANSFORMATION)
    if matrix is not None and len(matrix) == 16:
        a, b, c, d, e, f = (float(matrix[i]) for i in (0, 1, 3, 4, 5, 7))
        return a, b, c, d, e, f
    scale, tie = tags.get(PIXEL_SCALE), tags.get(TIE_POINT)
    if scale is None or tie is None or len(scale) < 2 or len(tie) < 6:
        return None
    width, height = float(scale[0]), float(scale[1])
    column, row, _, x, y = (float(number) for number in tie[:5])
    return width, 0.0, x - column * width, 0.0, -height, y + row * height


def _geo_keys(tags: Mapping[int, Any]) -> GeoKeys | None:
    directory = tags.get(KEY_DIRECTORY, ())
    if len(directory) < 4:
        return None
    doubles = tags.get(DOUBLE_PARAMS, ())
    # One number alone is not read as a tuple.
    doubles = (doubles,) if isinstance(doubles, int | float) else doubles
    return GeoKeys(
        tuple(int(number) for number in directory),
        tuple(float(number) for number in doubles),
        str(tags.get(ASCII_PARAMS, "")),
    )


def _keys(directory: Any) -> dict[int, int]:
    """Return the keys whose value is a number in the directory itself."""
    entries = [directory[i : i + 4] for i in range(4, len(directory) - 3, 4)]
    return {
        int(key): int(value) for key, tag, _count, value in entries if int(tag) == 0
    }

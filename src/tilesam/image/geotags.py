"""Where on earth an image is, as tags to write into a GeoTIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from tilesam.image.georeference import (
    AREA,
    ASCII_PARAMS,
    DOUBLE_PARAMS,
    GEOGRAPHIC,
    GEOGRAPHIC_CRS,
    KEY_DIRECTORY,
    MODEL_TYPE,
    NODATA,
    PIXEL_SCALE,
    PROJECTED,
    PROJECTED_CRS,
    RASTER_TYPE,
    TIE_POINT,
    TRANSFORMATION,
    GeoKeys,
)

if TYPE_CHECKING:
    from tilesam.image.georeference import GeoReference, Transform

ExtraTag: TypeAlias = tuple[int, int, int, Any, bool]
"""Number, type, count and value, and whether only the first page has it."""

_ASCII, _SHORT, _DOUBLE = 2, 3, 12
"""Types of tags."""

_GEOGRAPHIC_CODES = range(4000, 5000)
"""Where EPSG has most systems in degrees; used only where no file says more."""


def geotiff_tags(
    georeference: GeoReference, *, nodata: float | None = None
) -> list[ExtraTag]:
    """Return the tags of a georeference, as tifffile takes them for `extratags`.

    Parameters
    ----------
    georeference
        Its transform, and its reference system as it was read: one without an EPSG
        code is written back as well.
    nodata
        Value of pixels without data in the image to write, whatever it is in the image
        that the georeference comes from.
    """
    keys = _with_pixel_corners(georeference.keys or _keys_of(georeference.crs))
    tags = [
        *_transform_tags(georeference.transform),
        _tag(KEY_DIRECTORY, _SHORT, keys.directory),
    ]
    if keys.doubles:
        tags.append(_tag(DOUBLE_PARAMS, _DOUBLE, keys.doubles))
    if keys.text:
        tags.append((ASCII_PARAMS, _ASCII, 0, keys.text, True))
    if nodata is not None:
        tags.append((NODATA, _ASCII, 0, f"{nodata:.17g}", True))
    return tags


def _tag(number: int, kind: int, values: tuple[Any, ...]) -> ExtraTag:
    return number, kind, len(values), values, True


def _transform_tags(transform: Transform) -> list[ExtraTag]:
    a, b, c, d, e, f = transform
    if b == d == 0 and a > 0 > e:
        # The common case in the form that every reader knows.
        return [
            _tag(PIXEL_SCALE, _DOUBLE, (a, -e, 0.0)),
            _tag(TIE_POINT, _DOUBLE, (0.0, 0.0, 0.0, c, f, 0.0)),
        ]
    matrix = (a, b, 0.0, c, d, e, 0.0, f, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    return [_tag(TRANSFORMATION, _DOUBLE, matrix)]


def _keys_of(crs: str | None) -> GeoKeys:
    """Return keys that name a reference system by its EPSG code, if it has one."""
    _, _, code = (crs or "").partition("EPSG:")
    entries: list[int] = []
    if code.isdecimal():
        is_geographic = int(code) in _GEOGRAPHIC_CODES
        model = GEOGRAPHIC if is_geographic else PROJECTED
        number = GEOGRAPHIC_CRS if is_geographic else PROJECTED_CRS
        entries = [MODEL_TYPE, 0, 1, model, number, 0, 1, int(code)]
    return GeoKeys((1, 1, 0, len(entries) // 4, *entries))


def _with_pixel_corners(keys: GeoKeys) -> GeoKeys:
    """Return keys that say what a `GeoReference` means: places of pixels' corners."""
    header, rest = keys.directory[:3], keys.directory[4:]
    entries = [rest[i : i + 4] for i in range(0, len(rest) - 3, 4)]
    entries = [entry for entry in entries if entry[0] != RASTER_TYPE]
    entries.append((RASTER_TYPE, 0, 1, AREA))
    ordered = [number for entry in sorted(entries) for number in entry]
    return GeoKeys((*header, len(entries), *ordered), keys.doubles, keys.text)

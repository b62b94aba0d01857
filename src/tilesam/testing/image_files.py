"""Image files as microscopes, slide scanners and surveyors write them, but small."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

AXIS_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


def mean_pyramid(
    image: NDArray[Any], *, axes: str, level_count: int, factor: int = 2
) -> list[NDArray[Any]]:
    """Return an image at falling resolutions, each the mean of the one before.

    Parameters
    ----------
    image
        Level 0.
    axes
        One letter for each of its axes; "y" and "x" are shrunk.
    level_count
        With level 0.
    factor
        By which each level is smaller than the one before; sizes are rounded up, and
        pixels at the edge are means of fewer.

    Returns
    -------
    list of NDArray
        Of the image's type; integers are rounded.
    """
    levels = [image]
    while len(levels) < level_count:
        level = levels[-1].astype(np.float64)
        for axis in (axes.index("y"), axes.index("x")):
            starts = np.arange(0, level.shape[axis], factor)
            sizes = np.diff(np.append(starts, level.shape[axis]))
            sums = np.add.reduceat(level, starts, axis=axis)
            level = np.moveaxis(np.moveaxis(sums, axis, -1) / sizes, -1, axis)
        is_whole = image.dtype.kind in "bui"
        levels.append((np.rint(level) if is_whole else level).astype(image.dtype))
    return levels


def write_ome_zarr(
    path: str | PathLike[str],
    image: NDArray[Any],
    *,
    axes: str = "yx",
    version: str = "0.5",
    level_count: int = 3,
    chunk_size: int = 64,
) -> list[NDArray[Any]]:
    """Write an OME-Zarr image with its pyramid and return the levels.

    Parameters
    ----------
    path
        The folder to make.
    image
        Level 0.
    axes
        One of "t", "c", "z", "y" and "x" for each axis.
    version
        "0.4", in zarr format 2, or "0.5", in zarr format 3.
    level_count
        With level 0.
    chunk_size
        Height and width of the chunks; they have one position of every other axis.
    """
    import zarr

    levels = mean_pyramid(image, axes=axes, level_count=level_count)
    zarr_format: Any = 3 if version == "0.5" else 2
    group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
    separator: Any = {"name": "v2", "separator": "/"} if zarr_format == 2 else None
    for number, level in enumerate(levels):
        array = group.create_array(
            str(number),
            shape=level.shape,
            dtype=level.dtype,
            chunks=tuple(chunk_size if axis in "yx" else 1 for axis in axes),
            chunk_key_encoding=separator,
        )
        array[...] = level
    multiscales = [_multiscale(axes, levels, version)]
    if zarr_format == 3:
        group.attrs["ome"] = {"version": version, "multiscales": multiscales}
    else:
        group.attrs["multiscales"] = multiscales
    return levels


def _multiscale(axes: str, levels: list[NDArray[Any]], version: str) -> dict[str, Any]:
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {
                    "type": "scale",
                    "scale": [2.0**number if axis in "yx" else 1.0 for axis in axes],
                }
            ],
        }
        for number in range(len(levels))
    ]
    named = [{"name": axis, "type": AXIS_TYPES[axis]} for axis in axes]
    return {"version": version, "name": "image", "axes": named, "datasets": datasets}


def write_ome_tiff(
    path: str | PathLike[str],
    image: NDArray[Any],
    *,
    axes: str = "YX",
    level_count: int = 3,
    tile_size: int = 64,
    compression: str | None = "zlib",
) -> list[NDArray[Any]]:
    """Write an OME-TIFF whose coarser levels are SubIFDs, and return the levels.

    Parameters
    ----------
    path
        The file to make.
    image
        Level 0.
    axes
        One of "T", "C", "Z", "Y", "X" and, for the colours of RGB, "S" for each axis.
    level_count
        With level 0.
    tile_size
        A multiple of 16.
    compression
        As tifffile names it, or None.
    """
    import tifffile

    levels = mean_pyramid(image, axes=axes.lower(), level_count=level_count)
    options: dict[str, Any] = {
        "tile": (tile_size, tile_size),
        "compression": compression,
        "photometric": "rgb" if "S" in axes else "minisblack",
    }
    with tifffile.TiffWriter(Path(path), ome=True) as tiff:
        tiff.write(
            levels[0], subifds=level_count - 1, metadata={"axes": axes}, **options
        )
        for level in levels[1:]:
            tiff.write(level, subfiletype=1, **options)
    return levels


def write_geotiff(
    path: str | PathLike[str],
    image: NDArray[Any],
    *,
    transform: tuple[float, float, float, float, float, float],
    epsg: int | None = None,
    nodata: float | None = None,
    is_point: bool = False,
    tile_size: int = 64,
    compression: str | None = "zlib",
) -> None:
    """Write a tiled GeoTIFF.

    Parameters
    ----------
    path
        The file to make.
    image
        (H, W), or (H, W, C).
    transform
        (a, b, c, d, e, f) of x = a * column + b * row + c and y = d * column + e * row
        + f, where (0, 0) is the outer corner of the first pixel.
    epsg
        Code of a projected coordinate reference system.
    nodata
        Value of pixels that were not measured.
    is_point
        Whether the file gives coordinates of pixels' centres, as some do.
    tile_size
        A multiple of 16.
    compression
        As tifffile names it, or None.
    """
    import tifffile

    a, b, c, d, e, f = transform
    if is_point:
        c, f = c + (a + b) / 2, f + (d + e) / 2
    keys = [(1024, 1), (1025, 2 if is_point else 1)]
    keys += [] if epsg is None else [(3072, epsg)]
    directory = [1, 1, 0, len(keys)]
    for key, value in keys:
        directory += [key, 0, 1, value]
    tags: list[tuple[Any, ...]] = [(34735, 3, len(directory), tuple(directory), True)]
    if b == d == 0:
        tags.append((33550, 12, 3, (a, -e, 0.0), True))
        tags.append((33922, 12, 6, (0.0, 0.0, 0.0, c, f, 0.0), True))
    else:
        matrix = (a, b, 0.0, c, d, e, 0.0, f, *(0.0,) * 4, 0.0, 0.0, 0.0, 1.0)
        tags.append((34264, 12, 16, matrix, True))
    if nodata is not None:
        tags.append((42113, 2, 0, str(nodata), True))
    tifffile.imwrite(
        Path(path),
        image,
        tile=(tile_size, tile_size),
        compression=compression,
        photometric="rgb" if image.shape[2:] in ((3,), (4,)) else "minisblack",
        planarconfig="contig" if image.ndim == 3 else None,
        extratags=tags,
        metadata=None,
    )

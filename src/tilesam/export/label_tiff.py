"""A label image as a TIFF in tiles, of which those without a label are left out."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    from tilesam.everything.segmentation import Segmentation
    from tilesam.image.geotags import ExtraTag

DENSE_PIXELS = 2**26
"""A label image of up to so many pixels is painted whole."""

TILE_SIZE = 1024
"""Side of a tile in pixels. The file's list of tiles takes 16 bytes for each."""

TILES_AT_ONCE = 8
"""Tiles side by side that are painted in one go."""

BACKGROUND = 0

_COMPRESSION = "zlib"


def write_array(
    path: Path, labels: NDArray[Any], *, extra_tags: Iterable[ExtraTag] = ()
) -> None:
    """Write a label image that is in memory.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    import tifffile

    tifffile.imwrite(
        path,
        labels,
        compression=_COMPRESSION,
        metadata={"axes": "YX"},
        extratags=list(extra_tags),
    )


def write_tiles(
    path: Path,
    tiles: Iterable[NDArray[Any] | None],
    image_hw: tuple[int, int],
    dtype: DTypeLike,
    *,
    extra_tags: Iterable[ExtraTag] = (),
) -> None:
    """Write a label image tile by tile, as a BigTIFF.

    Parameters
    ----------
    path
        The file to make.
    tiles
        (TILE_SIZE, TILE_SIZE), little-endian, row by row; None where there is only
        background. Those are left out of the file: readers take them for 0.
    image_hw
        Height and width of the image.
    dtype
        Of the tiles.
    extra_tags
        As tifffile takes them.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    import tifffile

    tifffile.imwrite(
        path,
        # A tile without bytes is one that is not there.
        (b"" if tile is None else zlib.compress(tile.tobytes()) for tile in tiles),
        shape=image_hw,
        dtype=dtype,
        tile=(TILE_SIZE, TILE_SIZE),
        photometric="minisblack",
        bigtiff=True,
        byteorder="<",
        compression=_COMPRESSION,
        metadata={"axes": "YX"},
        extratags=list(extra_tags),
    )


def write_segmentation_tiff(path: Path, segmentation: Segmentation) -> None:
    """Write the label image of a segmentation as uint32.

    With a georeference it is a GeoTIFF, and 0, the background, is declared as no data.

    Parameters
    ----------
    path
        The file to make.
    segmentation
        Is painted a few tiles at a time, unless it is small.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    from tilesam.image.geotags import geotiff_tags

    georeference, image_hw = segmentation.georeference, segmentation.image_hw
    tags = geotiff_tags(georeference, nodata=BACKGROUND) if georeference else []
    if image_hw[0] * image_hw[1] <= DENSE_PIXELS:
        write_array(path, segmentation.labels(), extra_tags=tags)
    else:
        tiles = segmentation_tiles(segmentation)
        write_tiles(path, tiles, image_hw, "<u4", extra_tags=tags)


def segmentation_tiles(
    segmentation: Segmentation, *, tile_size: int = TILE_SIZE
) -> Iterator[NDArray[Any] | None]:
    """Yield the label image as square tiles of little-endian uint32, row by row.

    Yields
    ------
    NDArray or None
        (tile_size, tile_size), 0 beyond the image; None without any label.
    """
    height, width = segmentation.image_hw
    for y in range(0, height, tile_size):
        bottom = min(y + tile_size, height)
        for x in range(0, width, tile_size * TILES_AT_ONCE):
            right = min(x + tile_size * TILES_AT_ONCE, width)
            painted = segmentation.labels((y, x, bottom, right))
            for start in range(0, right - x, tile_size):
                part = painted[:, start : start + tile_size]
                yield _padded(part, tile_size) if part.any() else None


def _padded(part: NDArray[Any], tile_size: int) -> NDArray[Any]:
    tile = np.zeros((tile_size, tile_size), "<u4")
    tile[: part.shape[0], : part.shape[1]] = part
    return tile

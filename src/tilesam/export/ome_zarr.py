"""A label image with its pyramid and its table as OME-Zarr 0.5."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import OutputError
from tilesam.export.ome_image import image_around, register_labels
from tilesam.export.ome_metadata import label_metadata, path_to_image
from tilesam.export.staging import replaced_folder
from tilesam.image.levels import level_scales

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from zarr import Array, Group

    from tilesam.everything.segmentation import Segmentation
    from tilesam.export.ome_image import OmeImage
    from tilesam.image.pixel_size import PixelSize
    from tilesam.types import IntArray

CHUNK = 1024
"""Side of a chunk in pixels, and the most that the coarsest level has."""

SHARD = 4096
"""Side of a shard, a file of chunks, in images of more than `MOST_FILES` chunks. In any
case so much is painted in one go, 64 MB."""

MOST_FILES = 1024
"""Not every reader knows shards; not every disk likes many files."""

ROWS_AT_ONCE = 2**18
"""Chunks of the table."""

TABLE = "table"
RECORD = "tilesam"


def write_ome_zarr(
    path: Path,
    segmentation: Segmentation,
    *,
    image: OmeImage | None = None,
    pixel_size: PixelSize | None = None,
) -> None:
    """Write the label image of a segmentation, window by window, and its table.

    In the group `labels` of an OME-Zarr image it gets that image's levels, units and
    pixel sizes, and is listed among its labels.

    Parameters
    ----------
    path
        The folder to make; one that is there is replaced as a whole.
    segmentation
        Is painted in squares of `SHARD` pixels.
    image
        The image of which this is the segmentation, if it is an OME-Zarr elsewhere.
    pixel_size
        Of the image, if that is none; by default pixels are the units.

    Raises
    ------
    OutputError
        If the folder cannot be written, or lies in an image of another size or of an
        older version.
    """
    import zarr

    around = require_fitting_image(path, segmentation.image_hw)
    if image is not None and image.level_hws[0] != segmentation.image_hw:
        image = None
    related = around or image
    level_hws = around.level_hws if around else _halved_hws(segmentation.image_hw)
    with replaced_folder(path) as folder:
        group = zarr.open_group(folder, mode="w-", zarr_format=3)
        levels = _make_levels(group, level_hws)
        _write_table(group, segmentation)
        _paint(levels[0], segmentation)
        for number, (finer, coarser) in enumerate(itertools.pairwise(levels), start=1):
            _shrink(finer, coarser, number)
        # Last, so that what is not finished is no image.
        group.attrs["ome"] = label_metadata(
            segmentation,
            level_hws,
            name=path.name.removesuffix(".zarr").removesuffix(".ome"),
            image=related,
            source=path_to_image(path, related) if related else None,
            pixel_size=pixel_size,
        )
        group.attrs[RECORD] = _record(segmentation)
    if around is not None:
        register_labels(path)


def require_fitting_image(
    path: Path, image_hw: tuple[int, int] | None = None
) -> OmeImage | None:
    """Return the image in whose labels a path lies, if it does.

    Raises
    ------
    OutputError
        If it is of another size, or of an older version.
    """
    around = image_around(path)
    if around is not None and image_hw not in (None, around.level_hws[0]):
        raise OutputError(
            f"cannot write {path}: the image around it has {around.level_hws[0]} "
            f"pixels, the segmentation {image_hw}; expected the same; choose a place "
            "outside of the image, such as labels.ome.zarr"
        )
    return around


def _halved_hws(hw: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    hws = [hw]
    while max(hws[-1]) > CHUNK:
        height, width = hws[-1]
        hws.append((-(-height // 2), -(-width // 2)))
    return tuple(hws)


def _make_levels(
    group: Group, level_hws: tuple[tuple[int, int], ...]
) -> list[Array[Any]]:
    height, width = level_hws[0]
    is_sharded = -(-height // CHUNK) * -(-width // CHUNK) > MOST_FILES
    return [
        group.create_array(
            str(number),
            shape=hw,
            dtype=np.uint32,
            chunks=(CHUNK, CHUNK),
            shards=(SHARD, SHARD) if is_sharded else None,
            dimension_names=("y", "x"),
            fill_value=0,
        )
        for number, hw in enumerate(level_hws)
    ]


def _blocks(array: Array[Any]) -> Iterator[tuple[int, int, int, int]]:
    """Yield (y0, x0, y1, x1) of all squares that are written in one go."""
    height, width = array.shape
    for y, x in itertools.product(range(0, height, SHARD), range(0, width, SHARD)):
        yield y, x, min(y + SHARD, height), min(x + SHARD, width)


def _paint(level: Array[Any], segmentation: Segmentation) -> None:
    for y0, x0, y1, x1 in _blocks(level):
        painted = segmentation.labels((y0, x0, y1, x1))
        if painted.any():
            level[y0:y1, x0:x1] = painted


def _shrink(finer: Array[Any], coarser: Array[Any], number: int) -> None:
    """Fill a level with the pixels of the one before that lie under its centres."""
    (fine_h, fine_w), (coarse_h, coarse_w) = finer.shape, coarser.shape
    ratios = fine_h / coarse_h, fine_w / coarse_w
    scales = level_scales((fine_h, fine_w), (coarse_h, coarse_w)) or ratios
    rows = _nearest(fine_h, coarse_h, scale=scales[0], number=number)
    columns = _nearest(fine_w, coarse_w, scale=scales[1], number=number)
    for y0, x0, y1, x1 in _blocks(coarser):
        block = _picked(finer, rows[y0:y1], columns[x0:x1])
        if block.any():
            coarser[y0:y1, x0:x1] = block


def _nearest(fine: int, coarse: int, *, scale: float, number: int) -> IntArray:
    """Return (coarse,) which pixels of a finer level stand for those of a coarser one.

    Where a centre lies between two of them, levels in turn take the one after and the
    one before: always the same one would move objects further with every level.
    """
    centres = (np.arange(coarse) + 0.5) * scale
    before = 0.25 if number % 2 == 0 else 0.0
    nearest: IntArray = np.floor(centres - before).astype(np.int64)
    return np.minimum(nearest, fine - 1)


def _picked(array: Array[Any], rows: IntArray, columns: IntArray) -> NDArray[Any]:
    """Return array[rows][:, columns] of ascending numbers, read in strips."""
    picked = np.zeros((len(rows), len(columns)), array.dtype)
    first, last = int(columns[0]), int(columns[-1])
    for start in range(0, len(rows), CHUNK // 2):
        part = rows[start : start + CHUNK // 2]
        strip: Any = array[int(part[0]) : int(part[-1]) + 1, first : last + 1]
        if strip.any():
            chosen = np.ix_(part - part[0], columns - first)
            picked[start : start + len(part)] = strip[chosen]
    return picked


def _write_table(group: Group, segmentation: Segmentation) -> None:
    """Write every column as an array; rows beyond the labels are what was dropped."""
    table = group.create_group(TABLE)
    for name, column in segmentation.table.columns().items():
        array = table.create_array(
            name,
            shape=column.shape,
            # Zarr has no name yet for text of a fixed length.
            dtype=str if column.dtype.kind == "U" else column.dtype,
            chunks=(max(1, min(len(column), ROWS_AT_ONCE)),),
            dimension_names=("row",),
        )
        if len(column):
            array[:] = column
    table.attrs["columns"] = list(segmentation.table.columns())


def _record(segmentation: Segmentation) -> dict[str, Any]:
    """Return how the objects were found, and where on earth they are."""
    georeference = segmentation.georeference
    place = georeference and {
        "transform": list(georeference.transform),
        "crs": georeference.crs,
    }
    return {
        "image": segmentation.image_name,
        "model": segmentation.model_name,
        "settings": segmentation.settings and segmentation.settings.to_plain(),
        "objects": len(segmentation),
        "georeference": place,
    }

"""TIFF and its kin: OME-TIFF, BigTIFF, GeoTIFF and the files of slide scanners.

The first image of a file is used, with all its resolutions. What lies in the file
uncompressed and in one piece is mapped into memory; of the rest, single strips and
tiles are read through tifffile's zarr interface.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tilesam.errors import ImageError, ImageReadError
from tilesam.image.axes import UNKNOWN
from tilesam.image.georeference import TAGS, georeference_of, nodata_of
from tilesam.image.locations import unreadable
from tilesam.image.stored import StoredImage
from tilesam.image.tiff_pixel_size import tiff_pixel_size

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tifffile import TiffFile, TiffPage, TiffPageSeries

UNNAMED_AXES = "IQ"
"""TIFF axis codes of which nothing is known."""

STACK_AXES = "ZT"
"""TIFF axis codes for depth and time."""

ALPHA_SAMPLES = (1, 2)
"""Values of the tag ExtraSamples for alpha, multiplied into the colours or not."""


def open_tiff(file: Path | IO[bytes], name: str) -> StoredImage:
    """Open the first image of a TIFF without reading its pixels.

    Raises
    ------
    ImageReadError
        If the file is damaged, or compressed in a way that needs another package.
    """
    import tifffile

    try:
        tiff = tifffile.TiffFile(file, name=None if isinstance(file, Path) else name)
    except Exception as error:  # the decoders raise whatever they trip over
        raise unreadable(name, error) from error
    try:
        series = tiff.series[0]
        _require_codecs(series.keyframe, name)
        arrays = tuple(
            _array_of(level, k, file) for k, level in enumerate(series.levels)
        )
    except ImageReadError:
        tiff.close()
        raise
    except Exception as error:
        tiff.close()
        raise unreadable(name, error) from error
    return _described(tiff, series, arrays, name)


def read_tiff(path: Path) -> tuple[NDArray[Any], int | None]:
    """Return the whole first image of a TIFF, and which of its axes is channels.

    Raises
    ------
    ImageReadError
        If the file is damaged, or compressed in a way that needs another package.
    ImageError
        If it is a stack with more axes than rows, columns and channels.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            _reject_stack(path, series)
            _require_codecs(series.keyframe, str(path))
            names = axis_names(series.axes)
            is_mapped = _is_mappable(series)
            array = _mapped(path, level=0) if is_mapped else series.asarray()
    except (ImageError, ImageReadError):
        raise
    except Exception as error:  # the decoders raise whatever they trip over
        raise unreadable(path, error) from error
    is_channelled = len(names) == 3 and "c" in names
    return array, names.index("c") if is_channelled else None


def axis_names(codes: str) -> tuple[str, ...]:
    """Return the names of axes that TIFF knows by single letters."""
    # Samples are the colours of a pixel; channels beside them are further images.
    special = {"S": "c", "C": "channel" if "S" in codes else "c"}
    special.update(dict.fromkeys(UNNAMED_AXES, UNKNOWN))
    return tuple(special.get(code, code.lower()) for code in codes)


def _described(
    tiff: TiffFile, series: TiffPageSeries, arrays: tuple[Any, ...], name: str
) -> StoredImage:
    import numpy as np

    names = axis_names(series.axes)
    page = series.keyframe
    tags = _geographic_tags(page)
    georeference = georeference_of(tags)
    size = tiff_pixel_size(tiff, page, georeference)
    is_mapped = all(isinstance(array, np.memmap) for array in arrays)
    if is_mapped:
        tiff.close()
    return StoredImage(
        arrays,
        name,
        axis_names=names,
        alpha=_alpha(page) if "S" in series.axes else None,
        says_alpha=True,
        georeference=georeference,
        nodata=nodata_of(tags),
        pixel_size=size,
        skips_bad_levels=True,
        close=None if is_mapped else tiff.close,
    )


def _array_of(level: TiffPageSeries, number: int, file: Path | IO[bytes]) -> Any:
    import zarr

    if isinstance(file, Path) and _is_mappable(level):
        return _mapped(file, level=number)
    store = level.aszarr(level=0)
    return zarr.open_array(store, mode="r")


def _is_mappable(series: TiffPageSeries) -> bool:
    # Compressed strips and tiles have no offset of the whole.
    return series.dataoffset is not None and not series.is_multifile


def _mapped(path: Path, *, level: int) -> NDArray[Any]:
    import tifffile

    return tifffile.memmap(path, mode="r", series=0, level=level)


def _require_codecs(page: TiffPage, name: str) -> None:
    from tifffile import TIFF

    is_known = page.compression in TIFF.DECOMPRESSORS
    if is_known and page.predictor in TIFF.UNPREDICTORS:
        return
    way = getattr(page.compression, "name", page.compression)
    raise ImageReadError(
        f"{name} is compressed with {way}, for which a package is missing; "
        'install it with pip install "napari-sam-tiles[slides]"'
    )


def _reject_stack(path: Path, series: TiffPageSeries) -> None:
    """Raise for what the file says is a stack; the shape alone is judged later."""
    axes = series.axes
    is_declared_stack = len(axes) == 3 and axes[0] in STACK_AXES and "C" not in axes
    if len(axes) > 3 or (is_declared_stack and "S" not in axes):
        raise ImageError(
            f"{path} is a stack with axes {axes} and shape {series.shape}; expected "
            "one plane of rows and columns, with or without channels; save one plane "
            "on its own, or pass it as an array"
        )


def _alpha(page: TiffPage) -> int | None:
    extra = tuple(page.extrasamples)
    first = page.samplesperpixel - len(extra)
    found = [first + i for i, kind in enumerate(extra) if kind in ALPHA_SAMPLES]
    return found[0] if found else None


def _geographic_tags(page: TiffPage) -> dict[int, Any]:
    return {n: page.tags[n].value for n in TAGS if n in page.tags}

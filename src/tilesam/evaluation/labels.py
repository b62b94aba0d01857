"""Label images as people have them, and what is wrong with some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.errors import DatasetError, ImageError, ImageReadError
from tilesam.image.locations import is_tiff
from tilesam.image.reading import read_image_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SQUARE_WITHIN = 0.01
"""Sides of pixels that differ by less, as a share, are equal but for rounding."""

LARGEST_ID = 2**31 - 1


def read_labels(path: Path) -> NDArray[np.int32]:
    """Read a label image, one integer per object.

    Returns
    -------
    NDArray
        (H, W) int32, 0 is background; ids as in the file.

    Raises
    ------
    DatasetError
        If it cannot be read, has colours, fractions or negative numbers, or its pixels
        are not square.
    """
    try:
        labels = np.array(read_image_file(path).array)
    except (ImageReadError, ImageError) as error:
        raise DatasetError(str(error)) from error
    if labels.ndim == 3:
        raise DatasetError(
            f"'{path}' has shape {labels.shape}: a picture with colours; expected one "
            "channel of integers, a number for each object; save the labels "
            "themselves, not how they are shown"
        )
    if labels.dtype.kind not in "iu" or labels.min(initial=0) < 0:
        raise DatasetError(
            f"'{path}' holds {labels.dtype} from {labels.min(initial=0):g}; expected "
            "whole numbers, 0 for background; save it as integers"
        )
    if labels.max(initial=0) > LARGEST_ID:
        raise DatasetError(
            f"'{path}' has the label {labels.max()}; expected at most {LARGEST_ID}; "
            "number the objects again"
        )
    require_square_pixels(path)
    return labels.astype(np.int32)


def require_square_pixels(path: Path) -> None:
    """Make sure that a file does not say that its pixels are longer than wide.

    Raises
    ------
    DatasetError
        If a TIFF does.
    """
    if not is_tiff(path):
        return
    from tilesam.image.tiff_files import open_tiff

    size = open_tiff(path, str(path)).pixel_size
    if size is None:
        return
    height, width = size.yx
    if abs(height - width) > SQUARE_WITHIN * max(height, width):
        raise DatasetError(
            f"the pixels of '{path}' are {height:g} x {width:g} {size.unit}; expected "
            "square ones, on which distances and sizes are measured; resample the "
            "image and its labels, or correct the file's resolution"
        )


def require_same_size(
    image: Path, image_hw: tuple[int, int], labels: Path, labels_hw: tuple[int, int]
) -> None:
    """Make sure that an image and its labels are of one size.

    Raises
    ------
    DatasetError
        If they are not.
    """
    if image_hw != labels_hw:
        raise DatasetError(
            f"'{image}' has {image_hw[0]} x {image_hw[1]} pixels and its labels "
            f"'{labels}' have {labels_hw[0]} x {labels_hw[1]}; expected equal sizes; "
            "pair the files that belong together"
        )

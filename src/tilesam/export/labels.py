"""Masks as one label image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tilesam.types import MaskCandidate


def paint_labels(
    candidates: Sequence[MaskCandidate], image_hw: tuple[int, int]
) -> NDArray[Any]:
    """Return masks as labels 1, 2, 3 ... in their order; later ones paint over.

    Parameters
    ----------
    candidates
        One for each object.
    image_hw
        Height and width of the image.

    Returns
    -------
    NDArray
        (H, W) uint16, or uint32 beyond 65,535 objects; 0 is background.
    """
    fits_16_bits = len(candidates) <= np.iinfo(np.uint16).max
    labels = np.zeros(image_hw, np.uint16 if fits_16_bits else np.uint32)
    for label, candidate in enumerate(candidates, start=1):
        (y, x), (h, w) = candidate.offset_yx, candidate.mask.shape
        labels[y : y + h, x : x + w][candidate.mask] = label
    return labels


def write_label_tiff(path: Path, labels: NDArray[Any]) -> None:
    """Write a label image as a compressed TIFF.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    import tifffile

    tifffile.imwrite(path, labels, compression="zlib", metadata={"axes": "YX"})

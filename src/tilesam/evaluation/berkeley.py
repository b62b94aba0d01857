"""The Berkeley images with boundaries that several people drew.

FOLDER/images/test/100007.jpg
FOLDER/groundTruth/test/100007.mat
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import DatasetError, ImageError, ImageReadError
from tilesam.evaluation.labels import require_same_size
from tilesam.image import open_image
from tilesam.training.datasets import Sample
from tilesam.types import Window

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

DRAWN, IMAGES = "groundTruth", "images"
IMAGE_SUFFIXES = (".jpg", ".png")


def is_berkeley(folder: Path) -> bool:
    """Return whether a folder has the layout of BSDS."""
    return (folder / DRAWN).is_dir()


class BerkeleyImages:
    """The images of one split; each label layer is what one person drew.

    Parameters
    ----------
    folder
        Holds images/ and groundTruth/, with a folder for each split.
    split
        For example "test".

    Raises
    ------
    DatasetError
        If there is no such split, or an image has no drawings.
    """

    def __init__(self, folder: Path, split: str) -> None:
        place = folder / DRAWN / split
        self.drawings = sorted(place.glob("*.mat"))
        if not self.drawings:
            known = [p.name for p in sorted((folder / DRAWN).iterdir()) if p.is_dir()]
            raise DatasetError(
                f"no *.mat in '{place}'; its splits are: {', '.join(known) or 'none'}; "
                "choose one of them"
            )
        self.images = [
            _image_of(folder / IMAGES / split, path.stem) for path in self.drawings
        ]
        self.domains = ["bsds"] * len(self.images)
        self.columns: list[Mapping[str, str]] = [{} for _ in self.images]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        image, drawing = self.images[index], self.drawings[index]
        layers = read_drawings(drawing)
        try:
            source = open_image(image)
            require_same_size(image, source.hw, drawing, layers.shape[1:])
            pixels = source.read_window(Window(0, 0, *source.hw))
        except (ImageReadError, ImageError) as error:
            raise DatasetError(str(error)) from error
        return Sample(pixels, layers, "bsds", f"bsds/{image.stem}")


def read_drawings(path: Path) -> NDArray[np.int32]:
    """Return what each person drew, (A, H, W) with 1 on boundaries.

    Raises
    ------
    DatasetError
        If the file is not one of BSDS.
    """
    from scipy.io import loadmat

    try:
        people: Any = loadmat(path)["groundTruth"].ravel()
        layers = [np.asarray(one["Boundaries"][0, 0]) > 0 for one in people]
        return np.stack(layers).astype(np.int32)
    except Exception as error:  # the reader raises whatever it trips over
        raise DatasetError(
            f"'{path}' has no drawings ({type(error).__name__}: {error}); expected "
            "groundTruth with Boundaries, as in BSDS500"
        ) from error


def _image_of(folder: Path, stem: str) -> Path:
    for suffix in IMAGE_SUFFIXES:
        path = folder / f"{stem}{suffix}"
        if path.is_file():
            return path
    raise DatasetError(
        f"no image '{folder / stem}' with the suffix {' or '.join(IMAGE_SUFFIXES)}; "
        "expected one for each file of drawings; add it"
    )

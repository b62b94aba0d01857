"""Folders of labelled images: with a manifest, or images/ beside labels/.

FOLDER/manifest.csv                a table, see `tilesam.training.manifest`
FOLDER/images/a.png                or pairs of equal names,
FOLDER/labels/a.tif                whatever their types;
FOLDER/metadata.csv                perhaps with columns for groups, one row an image
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tilesam.errors import DatasetError, ImageError, ImageReadError
from tilesam.evaluation.labels import (
    read_labels,
    require_same_size,
    require_square_pixels,
)
from tilesam.image import open_image
from tilesam.image.locations import PICTURE_SUFFIXES, TIFF_SUFFIXES
from tilesam.training.datasets import Sample
from tilesam.training.manifest import MANIFEST_NAME, load_sample, read_manifest
from tilesam.types import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tilesam.training.manifest import ManifestRow

IMAGES, LABELS, METADATA = "images", "labels", "metadata.csv"
SUFFIXES = (*PICTURE_SUFFIXES, *TIFF_SUFFIXES)
NAME_COLUMN = "image"


class LabelledImages(Protocol):
    """Labelled images by index, read when they are asked for."""

    def __len__(self) -> int:
        """Return the number of images."""

    def __getitem__(self, index: int) -> Sample:
        """Return one image with its labels."""

    @property
    def domains(self) -> list[str]:
        """The domain of each image."""

    @property
    def columns(self) -> Sequence[Mapping[str, str]]:
        """What else a table says of each image."""


def open_labelled(folder: Path, split: str) -> LabelledImages:
    """Return the labelled images of a folder; nothing of them is read yet.

    Parameters
    ----------
    folder
        With a manifest, or with images/ and labels/.
    split
        Of the manifest.

    Raises
    ------
    DatasetError
        If it has neither, or an image has no labels.
    """
    if (folder / MANIFEST_NAME).is_file() or not (folder / IMAGES).is_dir():
        return ManifestImages(folder, split)
    return PairedImages(folder)


class ManifestImages:
    """The images of one split of a manifest.

    Parameters
    ----------
    folder
        Holds `manifest.csv`.
    split
        For example "val".
    """

    def __init__(self, folder: Path, split: str) -> None:
        self.rows: list[ManifestRow] = read_manifest(folder, split)
        with (folder / MANIFEST_NAME).open(newline="", encoding="utf-8-sig") as lines:
            table = [row for row in csv.DictReader(lines) if row["split"] == split]
        self.columns: list[dict[str, str]] = table
        self.domains = [row.domain for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        row = self.rows[index]
        require_square_pixels(row.labels)
        require_square_pixels(row.image)
        return load_sample(row)


@dataclass(frozen=True)
class Pair:
    """An image file and the label file of the same name."""

    name: str
    image: Path
    labels: Path
    domain: str
    columns: Mapping[str, str] = field(default_factory=dict)


class PairedImages:
    """Images in images/ and label images of the same names in labels/.

    Folders within both are domains; without any, the folder's name is the only one.

    Parameters
    ----------
    folder
        Holds both.
    """

    def __init__(self, folder: Path) -> None:
        self.pairs = _find_pairs(folder)
        self.domains = [pair.domain for pair in self.pairs]
        self.columns = [pair.columns for pair in self.pairs]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        pair = self.pairs[index]
        labels = read_labels(pair.labels)
        require_square_pixels(pair.image)
        try:
            source = open_image(pair.image)
            require_same_size(pair.image, source.hw, pair.labels, labels.shape)
            image = source.read_window(Window(0, 0, *source.hw))
        except (ImageReadError, ImageError) as error:
            raise DatasetError(str(error)) from error
        return Sample(image, labels[None], pair.domain, pair.name)


def label_files(folder: Path) -> dict[str, Path]:
    """Return the image files below a folder by name without suffix, in their order.

    Raises
    ------
    DatasetError
        If there is none, or two have one name.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix.lower() not in SUFFIXES:
            continue
        name = path.relative_to(folder).as_posix()
        name = name.removesuffix(path.suffix).removesuffix(".labels")
        if name in found:
            raise DatasetError(
                f"'{found[name]}' and '{path}' have one name; expected one file for "
                "each image; move one of them away"
            )
        found[name] = path
    if not found:
        raise DatasetError(
            f"no image files in '{folder}'; expected PNG, TIFF or the like; check the "
            "folder's name"
        )
    return found


def _find_pairs(folder: Path) -> list[Pair]:
    images, labels = label_files(folder / IMAGES), label_files(folder / LABELS)
    for name, path in images.items():
        if name not in labels:
            raise DatasetError(
                f"'{path}' has no labels; expected '{folder / LABELS / name}' with the "
                "suffix of an image; add it, or move the image away"
            )
    more = _read_metadata(folder / METADATA)
    pairs = []
    for name, path in images.items():
        parent = name.rpartition("/")[0]
        domain = parent or folder.absolute().name
        columns = more.get(name) or more.get(path.name) or {}
        pairs.append(Pair(name, path, labels[name], domain, columns))
    return pairs


def _read_metadata(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
            names = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"'{path}' cannot be read ({error}); expected a table of comma-separated "
            "values in UTF-8; save it as such"
        ) from error
    if NAME_COLUMN not in names:
        raise DatasetError(
            f"'{path}' lacks the column {NAME_COLUMN}; it has {', '.join(names)}; add "
            "it, with the name of each image"
        )
    return {row[NAME_COLUMN]: row for row in rows}

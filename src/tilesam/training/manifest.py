"""Labelled images from any folder that has a `manifest.csv`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import DatasetError, ImageError, ImageReadError
from tilesam.image.reading import read_image_file
from tilesam.training.datasets import LabelLayers, Sample

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from tilesam.types import UInt8Array

MANIFEST_NAME = "manifest.csv"
COLUMNS = (
    "split",
    "domain",
    "image",
    "labels",
    "height",
    "width",
    "instances",
    "source",
    "licence",
)
_LARGEST_KEPT_ID = 65_535


@dataclass(frozen=True)
class ManifestRow:
    """One line of the manifest, with paths made absolute.

    Parameters
    ----------
    image, labels
        Files of the same height and width: 8-bit grey or RGB, and one integer per
        object with 0 for background.
    height, width
        Pixels.
    instances
        Number of objects.
    """

    split: str
    domain: str
    image: Path
    labels: Path
    height: int
    width: int
    instances: int
    source: str
    licence: str


def read_manifest(folder: Path | str, split: str) -> list[ManifestRow]:
    """Return the rows of one split, in the order of the file.

    Raises
    ------
    DatasetError
        If the folder, its manifest, a column, the split or a file is missing, a number
        is none, or the manifest is no text.
    """
    folder = Path(folder)
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise DatasetError(
            f"no {MANIFEST_NAME} in '{folder}'; expected a table with the columns "
            f"{', '.join(COLUMNS)}; check the folder's name"
        )
    rows = _read_rows(path)
    chosen = [
        _parse_row(folder, row, where=f"{path}, line {line}")
        for line, row in rows
        if row["split"] == split
    ]
    if not chosen:
        known = ", ".join(sorted({row["split"] for _, row in rows})) or "none"
        raise DatasetError(
            f"'{path}' has no rows of split '{split}'; its splits are: {known}; choose "
            "one of them, or add such rows"
        )
    return chosen


def without_domains(
    rows: Sequence[ManifestRow], left_out: Collection[str]
) -> list[ManifestRow]:
    """Return the rows of all domains but some.

    Raises
    ------
    DatasetError
        If a domain has no rows, or no other domain has any.
    """
    known = sorted({row.domain for row in rows})
    for name in left_out:
        if name not in known:
            raise DatasetError(
                f"the domain '{name}' cannot be left out, because it has no rows; "
                f"there are {', '.join(known)}; choose among these"
            )
    kept = [row for row in rows if row.domain not in left_out]
    if not kept:
        raise DatasetError(
            f"without the domains {', '.join(left_out)} no rows are left; expected at "
            "least one other domain; leave out fewer"
        )
    return kept


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows, each with the number of its line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            _check_columns(path, reader.fieldnames)
            return [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"'{path}' cannot be read ({error}); expected a table of comma-separated "
            "values in UTF-8; save it as such"
        ) from error


def _check_columns(path: Path, names: object) -> None:
    given = list(names) if isinstance(names, (list, tuple)) else []
    missing = [name for name in COLUMNS if name not in given]
    if missing:
        raise DatasetError(
            f"'{path}' lacks the columns {', '.join(missing)}; it has "
            f"{', '.join(given) or 'none'}; add them"
        )


def _parse_row(folder: Path, row: dict[str, str], *, where: str) -> ManifestRow:
    for name in ("image", "labels"):
        if not row[name] or not (folder / row[name]).is_file():
            raise DatasetError(
                f"{where}: the {name} file '{row[name] or ''}' does not exist; "
                f"expected a path relative to '{folder}'; correct it"
            )
    try:
        height, width, instances = (
            int(row[name]) for name in ("height", "width", "instances")
        )
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"{where}: height, width and instances are '{row['height']}', "
            f"'{row['width']}' and '{row['instances']}'; expected whole numbers; "
            "correct them"
        ) from error
    return ManifestRow(
        split=row["split"],
        domain=row["domain"],
        image=folder / row["image"],
        labels=folder / row["labels"],
        height=height,
        width=width,
        instances=instances,
        source=row["source"],
        licence=row["licence"],
    )


def load_sample(row: ManifestRow) -> Sample:
    """Read the image and the labels of a row.

    Returns
    -------
    Sample
        With one label layer; ids as in the file, unless some exceed 65535, when all
        are renumbered in ascending order.

    Raises
    ------
    DatasetError
        If a file cannot be read, has another shape than the manifest says, or is
        not 8-bit grey or RGB or not integer labels.
    """
    image, labels = _read_image(row.image), _read_labels(row.labels)
    expected = (row.height, row.width)
    for path, shape in ((row.image, image.shape[:2]), (row.labels, labels.shape)):
        if shape != expected:
            raise DatasetError(
                f"'{path}' has {shape[0]} x {shape[1]} pixels, but the manifest says "
                f"{expected[0]} x {expected[1]}; image and labels must both fit it"
            )
    return Sample(
        image=image,
        label_layers=labels[None],
        domain=row.domain,
        name=f"{row.domain}/{row.image.stem}",
    )


def _read_image(path: Path) -> UInt8Array:
    image = _read_pixels(path)
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=-1)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (3, 4):
        raise DatasetError(
            f"'{path}' has shape {image.shape} and type {image.dtype}; expected "
            "8-bit grey or RGB; convert it"
        )
    # Readers may return read-only memory, which torch only wraps with a warning.
    return np.require(image[..., :3], requirements=["C", "W"])


def _read_labels(path: Path) -> LabelLayers:
    labels = _read_pixels(path)
    if labels.ndim != 2 or labels.dtype.kind not in "iu" or labels.min(initial=0) < 0:
        raise DatasetError(
            f"'{path}' has shape {labels.shape} and type {labels.dtype}; expected one "
            "channel of integers, 0 for background and no negative ones"
        )
    if labels.max(initial=0) > _LARGEST_KEPT_ID:
        _, positions = np.unique(np.append(labels.ravel(), 0), return_inverse=True)
        labels = positions[:-1].reshape(labels.shape)
    return labels.astype(np.int32)


def _read_pixels(path: Path) -> NDArray[Any]:
    try:
        # A copy, because large TIFFs come as open files.
        return np.array(read_image_file(path).array)
    except (ImageReadError, ImageError) as error:
        raise DatasetError(str(error)) from error


class ManifestDataset:
    """All samples of one split, each read once and then kept in memory.

    Parameters
    ----------
    folder
        Holds `manifest.csv`.
    split
        For example "train" or "val".
    left_out
        Domains that are passed over, see `without_domains`.
    """

    def __init__(
        self, folder: Path | str, split: str, *, left_out: Collection[str] = ()
    ) -> None:
        self.rows = without_domains(read_manifest(folder, split), left_out)
        self._samples: dict[int, Sample] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        row = self.rows[index]  # raises IndexError, so that iteration ends
        position = range(len(self.rows))[index]
        if position not in self._samples:
            self._samples[position] = load_sample(row)
        return self._samples[position]

    @property
    def domains(self) -> list[str]:
        """The domain of each sample."""
        return [row.domain for row in self.rows]

    @property
    def object_counts(self) -> list[int]:
        """The number of objects of each sample."""
        return [row.instances for row in self.rows]

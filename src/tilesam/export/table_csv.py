"""The table of a segmentation as text with commas."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.export.columns import plain_values

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tilesam.everything.segmentation import Segmentation

ROWS_AT_ONCE = 2**14


def write_table_csv(path: Path, segmentation: Segmentation) -> None:
    """Write the whole table, with what was dropped, as CSV in UTF-8.

    Parameters
    ----------
    path
        The file to make.
    segmentation
        Its columns become columns of the same names. Truth is written as 1 and 0, and
        what is no finite number is left empty.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    columns = segmentation.table.columns()
    with path.open("w", encoding="utf-8", newline="") as file:
        # One kind of line end everywhere, that of the other text files.
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for start in range(0, len(segmentation.table), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            values = [_values(column[rows]) for column in columns.values()]
            writer.writerows(zip(*values, strict=True))


def _values(column: NDArray[Any]) -> list[Any]:
    return plain_values(column.astype(np.uint8) if column.dtype == np.bool_ else column)

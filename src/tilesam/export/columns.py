"""Columns of a table as values for text: as short as possible, and none is lost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def plain_values(values: NDArray[Any]) -> list[Any]:
    """Return (N,) values as Python has them; None for what is no finite number.

    A number of 32 bits is written with as many digits as tell it from its neighbours:
    0.9, not 0.8999999761581421.
    """
    if values.dtype.kind != "f":
        plain: list[Any] = values.tolist()
        return plain
    shortest = values.astype("U") if values.dtype.itemsize < 8 else values
    numbers = (float(value) for value in shortest.tolist())
    return [number if math.isfinite(number) else None for number in numbers]


def plain_rows(columns: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """Return a table as one mapping for each row."""
    lists = [plain_values(column) for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]

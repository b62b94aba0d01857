"""JSON documents with a long list in them, written item by item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def json_text(value: Any) -> str:
    """Return plain values as JSON, on one line and without spaces.

    Raises
    ------
    ValueError
        If a number is not finite, which JSON does not have.
    """
    return _ENCODER.encode(value)


def write_json_list(
    path: Path, members: Mapping[str, Any], name: str, items: Iterable[str]
) -> None:
    """Write an object whose last member is a list, one item on each line.

    Parameters
    ----------
    path
        The file to make.
    members
        The other members, at least one.
    name
        Of the list.
    items
        As JSON. They are asked for one by one.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    head = json_text(dict(members)).removesuffix("}")
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{head},"{name}":[')
        separator = "\n"
        for item in items:
            file.write(separator + item)
            separator = ",\n"
        file.write("\n]}\n")

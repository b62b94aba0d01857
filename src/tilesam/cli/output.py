"""How every command speaks: results on stdout, all else on stderr.

People get text and a progress bar; with `--json` stdout holds one JSON document and
nothing besides, so that `napari-sam ... --json | jq` works while the bar still moves.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from tilesam.writing import written_whole

console = Console()
"""For results. Commands print tables and sentences here unless `--json` was given."""

error_console = Console(stderr=True)
"""For errors and progress, so that they never end up in a pipe."""

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON document instead of text.")
]
"""Annotation of the `as_json` parameter that every command has."""

ReportProgress = Callable[[int, int | None], None]
"""What a progress bar gives to the work: call it with (done so far, total or None)."""


def print_json(document: object, *, file: Path | None = None) -> None:
    """Write one JSON document, to stdout or to a file.

    Parameters
    ----------
    document
        Mappings, sequences, dataclasses, numpy scalars and arrays, paths and plain
        values. NaN and infinity become null, which JSON can express.
    file
        Where to write; None is stdout. Missing folders are made.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = json.dumps(to_plain(document), indent=2, allow_nan=False) + "\n"
    if file is None:
        console.file.write(text)
        return
    with written_whole(file) as partial:
        partial.write_text(text, encoding="utf-8")


def to_plain(value: object) -> object:
    """Return what the `json` module can write for a value.

    Raises
    ------
    TypeError
        If the value, or one inside it, has no JSON form.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"no JSON form for a {type(value).__name__}: {value!r}")


@contextmanager
def progress_bar(
    description: str, *, in_bytes: bool = False
) -> Iterator[ReportProgress]:
    """Show a bar on stderr while the block runs; nothing where stderr is no terminal.

    Parameters
    ----------
    description
        What is going on, for example `"Fetching vit_b"`.
    in_bytes
        Count in bytes and show the transfer speed.

    Yields
    ------
    ReportProgress
        Call it with what is done so far and the total, None while it is unknown.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *_count_columns(in_bytes),
        TimeRemainingColumn(),
        console=error_console,
        transient=True,
        disable=not error_console.is_terminal,
    )
    with bar:
        task = bar.add_task(description, total=None)

        def report(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield report


def _count_columns(in_bytes: bool) -> tuple[ProgressColumn, ...]:
    if in_bytes:
        return DownloadColumn(), TransferSpeedColumn()
    return (MofNCompleteColumn(),)

"""The bar of a run over tiles, with words about its speed beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tilesam.cli.output import error_console


@contextmanager
def run_bar(
    title: str, total: int, details: Callable[[Any], str]
) -> Iterator[Callable[[Any], None]]:
    """Show a bar on stderr while the block runs; nothing where stderr is no terminal.

    Parameters
    ----------
    title
        What is going on.
    total
        Tiles of the run.
    details
        Returns what to say of a progress, besides the time that is left.

    Yields
    ------
    callable
        Call it with each progress: it has `done` and `seconds_left`.
    """
    bar = Progress(
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[details]}"),
        console=error_console,
        transient=True,
        disable=not error_console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=total, details="")

        def show(progress: Any) -> None:
            words = details(progress)
            if progress.seconds_left is not None:
                words = f"{words}, {in_time(progress.seconds_left)} left"
            bar.update(task, completed=progress.done, details=words)

        yield show


def in_time(seconds: float) -> str:
    """Return a duration as people write it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.1f} h"

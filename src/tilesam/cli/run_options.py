"""Options of commands that run over tiles, here or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Any

import typer

SkipFlag = Annotated[
    bool,
    typer.Option(
        "--skip-background",
        help="Leave out tiles of bare glass, without data or fully transparent.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(min=1, help="CPU threads that encode a tile, here or on workers."),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="Have the workers of this Dask scheduler do it."
    ),
]
ResourceOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=AMOUNT",
        help="What a tile takes of a worker's resources, as GPU=1; with --scheduler.",
    ),
]


def parse_resources(texts: list[str] | None) -> dict[str, float] | None:
    """Return what `--resource` says.

    Raises
    ------
    typer.BadParameter
        If an amount is no number.
    """
    if not texts:
        return None
    resources = {}
    for text in texts:
        name, _, amount = text.partition("=")
        try:
            resources[name] = float(amount)
        except ValueError:
            raise typer.BadParameter(
                f"--resource is followed by {text}; expected NAME=AMOUNT, for example "
                "GPU=1."
            ) from None
    return resources


@contextmanager
def connected(scheduler: str | None) -> Iterator[Any]:
    """Yield the client of a scheduler while the block runs; None without one.

    Raises
    ------
    EmbeddingError
        If nobody answers.
    """
    if scheduler is None:
        yield None
        return
    from tilesam.embedding.cluster import connect

    with closing(connect(scheduler)) as client:
        yield client

"""The jobs behind a click: answer it, then embed the tiles around it."""

from __future__ import annotations

from collections.abc import Generator

from tilesam.predictor import choose_tile
from tilesam.session import Session
from tilesam.torch_threads import sparing_a_core
from tilesam.types import MaskCandidate, Prompts, TileKey


def first_tile(session: Session, prompts: Prompts) -> TileKey:
    """Return the tile that is asked first.

    Raises
    ------
    PromptError
        See `tilesam.predictor.choose_tile`.
    """
    return choose_tile(session.grid, prompts, finest_level=session.finest_level)


def answer_in_steps(
    session: Session, prompts: Prompts
) -> Generator[TileKey, None, tuple[MaskCandidate, ...]]:
    """Embed the tile of the prompts, then ask.

    Yields
    ------
    TileKey
        The tile, once its embedding is at hand: prompts that changed meanwhile need not
        be answered any more, and what was embedded serves the next.

    Returns
    -------
    tuple of MaskCandidate
        See `Session.answer`, which says what may be raised.
    """
    tile = first_tile(session, prompts)
    session.embeddings.get(tile)
    yield tile
    with sparing_a_core():
        return tuple(session.answer(prompts))


def embed_around(
    session: Session, tile: TileKey, near_yx: tuple[float, float]
) -> Generator[TileKey, None, None]:
    """Embed the coverage tiles that share pixels with a tile, the nearest first.

    Parameters
    ----------
    session
        Keeps the embeddings.
    tile
        In the middle.
    near_yx
        The place that was clicked.

    Yields
    ------
    TileKey
        After each, stored ones included.
    """
    region = session.grid.window(tile)
    for key in session.plan(region, near_yx=near_yx, levels=[tile.level]):
        if key not in session.store:
            session.embeddings.get(key)
        yield key

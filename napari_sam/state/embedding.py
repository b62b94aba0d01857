"""Which tiles are embedded, and how far the run is that embeds more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from psygnal import SignalGroupDescriptor

from tilesam.types import TileKey

if TYPE_CHECKING:  # they bring torch
    from tilesam.embedding.estimate import EmbeddingEstimate
    from tilesam.embedding.progress import EmbeddingProgress

NO_TILES: frozenset[TileKey] = frozenset()


@dataclass(eq=False)
class EmbeddingState:
    """What the dock and the map of tiles show.

    Parameters
    ----------
    stored
        Tiles of any level that are known to be embedded.
    planned
        Tiles of the run, or of the region that was estimated.
    in_work
        Tiles that are being embedded now: of the run, or for a prompt.
    estimate
        What it will take to embed the region that was asked about.
    progress
        Of the run, or where it was left.
    is_running
        Whether there is a run.
    message
        What a person has to be told; empty if there is nothing.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    stored: frozenset[TileKey] = NO_TILES
    planned: frozenset[TileKey] = NO_TILES
    in_work: frozenset[TileKey] = NO_TILES
    estimate: EmbeddingEstimate | None = None
    progress: EmbeddingProgress | None = None
    is_running: bool = False
    message: str = ""

    @property
    def missing(self) -> frozenset[TileKey]:
        """Planned tiles that are not embedded."""
        return self.planned - self.stored

    def begin_work(self, keys: Iterable[TileKey]) -> None:
        """Note that tiles are being embedded, unless they are."""
        self.in_work |= frozenset(keys) - self.stored

    def end_work(self, keys: Iterable[TileKey]) -> None:
        """Note that tiles are not being embedded any more, whatever became of them."""
        self.in_work -= frozenset(keys)

    def add_stored(self, keys: Iterable[TileKey]) -> None:
        """Note that tiles are embedded."""
        done = frozenset(keys)
        self.in_work -= done
        self.stored |= done

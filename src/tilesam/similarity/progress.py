"""How far the comparison of objects is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilesam.types import TileKey


@dataclass(frozen=True)
class SimilarityProgress:
    """Where a run stands.

    Parameters
    ----------
    done, total
        Objects that have a vector, of all. The total is 0 while labels are still being
        looked through for objects.
    blocks_left
        Blocks of labels that were not looked through yet.
    tile
        That was asked last; None while labels are being looked through.
    """

    done: int
    total: int
    blocks_left: int = 0
    tile: TileKey | None = None

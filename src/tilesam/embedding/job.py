"""What the tiles of a run have in common, a tile on its way, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.store import EmbeddingStore
    from tilesam.tiling import Grid
    from tilesam.types import TileKey, UInt8Array

Status: TypeAlias = Literal["embedded", "present", "skipped"]


@dataclass(frozen=True)
class TileOutcome:
    """What became of a tile, in numbers.

    Parameters
    ----------
    key
        The tile.
    status
        `"embedded"` and stored now; `"present"` in the store already, from the very
        pixels that the image has; `"skipped"` as background.
    nbytes
        Of the embedding, if it was written.
    seconds_reading, seconds_encoding, seconds_writing
        What each step took. Of tiles encoded together each has its share.
    """

    key: TileKey
    status: Status
    nbytes: int = 0
    seconds_reading: float = 0.0
    seconds_encoding: float = 0.0
    seconds_writing: float = 0.0


@dataclass(frozen=True, eq=False)
class EmbeddingJob:
    """What all tiles of a run have in common.

    Parameters
    ----------
    grid
        The lattice over the image.
    source
        The image.
    store
        Where embeddings are looked for and kept.
    model
        The network.
    skip_background
        Leave out tiles that `is_background` finds empty.
    replace_changed
        Embed tiles anew whose pixels are others than those stored.
    torch_threads
        How many threads of the CPU encode a tile; None leaves torch's number.
    """

    grid: Grid
    source: ImageSource
    store: EmbeddingStore
    model: SamModel
    skip_background: bool = False
    replace_changed: bool = False
    torch_threads: int | None = None


@dataclass(frozen=True, eq=False)
class ReadTile:
    """A tile as the model will see it, and whether it has to.

    Parameters
    ----------
    key
        The tile.
    pixels
        (h, w, 3) uint8; None if there is nothing to encode.
    pixels_hash
        What `hash_pixels` gives for them.
    status
        What becomes of it.
    seconds
        Spent here.
    """

    key: TileKey
    pixels: UInt8Array | None
    pixels_hash: str
    status: Status
    seconds: float

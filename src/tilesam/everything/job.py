"""What the tiles of a run have in common, a tile on its way, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from tilesam.embedding.job import EmbeddingJob
    from tilesam.everything.mask_store import MaskStore
    from tilesam.everything.settings import DecodeSettings
    from tilesam.everything.tile_masks import TileMasks
    from tilesam.store import StoredTile
    from tilesam.types import TileKey, UInt8Array

Status: TypeAlias = Literal["decoded", "present", "skipped"]


@dataclass(frozen=True)
class TileResult:
    """What became of a tile, in numbers.

    Parameters
    ----------
    key
        The tile.
    status
        `"decoded"` and stored now; `"present"` already, from the very pixels that the
        image has; `"skipped"` as background.
    masks
        How many masks were kept.
    embedded
        Whether the image encoder had to run.
    is_changed
        Whether the store has the embedding of other pixels, which was left alone.
    seconds_reading, seconds_encoding, seconds_decoding, seconds_writing
        What each step took. Filtering, duplicates and masks as runs are part of
        decoding.
    """

    key: TileKey
    status: Status
    masks: int = 0
    embedded: bool = False
    is_changed: bool = False
    seconds_reading: float = 0.0
    seconds_encoding: float = 0.0
    seconds_decoding: float = 0.0
    seconds_writing: float = 0.0


@dataclass(frozen=True, eq=False)
class EverythingJob:
    """What all tiles of a run have in common.

    Parameters
    ----------
    embedding
        The image, its lattice, the model, and where embeddings are looked for and
        kept. Stored ones of other pixels are replaced if `replace_changed`, else left
        alone and not used.
    masks
        Where the masks of tiles are kept.
    settings
        What the decoder is asked.
    before_batch
        Called before each batch of points, of which a tile has many: for whoever has
        something more urgent to do in the same thread.
    """

    embedding: EmbeddingJob
    masks: MaskStore
    settings: DecodeSettings
    before_batch: Callable[[], None] | None = None


@dataclass(frozen=True, eq=False)
class ReadTile:
    """A tile as far as it can be prepared without the network.

    Parameters
    ----------
    key
        The tile.
    status
        What becomes of it.
    pixels_hash
        Of its pixels.
    pixels
        (h, w, 3) uint8; None unless they have to be encoded.
    stored
        Its embedding, if the store has that of these very pixels.
    is_changed
        Whether the store has one of other pixels.
    masks
        How many masks are there already.
    seconds
        Spent here.
    """

    key: TileKey
    status: Status
    pixels_hash: str
    pixels: UInt8Array | None = None
    stored: StoredTile | None = None
    is_changed: bool = False
    masks: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class DecodedTile:
    """A tile with what has to be written.

    Parameters
    ----------
    read
        The tile.
    masks
        None if there was nothing to decode.
    embedding
        None if it was not made now.
    seconds_encoding, seconds_decoding
        Spent with it.
    """

    read: ReadTile
    masks: TileMasks | None = None
    embedding: StoredTile | None = None
    seconds_encoding: float = 0.0
    seconds_decoding: float = 0.0

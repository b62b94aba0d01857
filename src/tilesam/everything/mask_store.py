"""Masks of tiles that were decoded, kept until objects are made of them."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import xxhash

from tilesam.everything.settings import DecodeSettings
from tilesam.store import StoreContents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tilesam.everything.tile_masks import TileMasks
    from tilesam.types import TileKey

ROUNDING = 1e-9
"""Thresholds that are no further apart are equal."""


@dataclass(frozen=True)
class MaskStoreContents:
    """What masks are of: two sets mix only if both are equal.

    Parameters
    ----------
    embeddings
        The image, how it is seen, the model and the lattice.
    decoding
        What the decoder was asked.
    """

    embeddings: StoreContents
    decoding: DecodeSettings

    @cached_property
    def digest(self) -> str:
        """Short name of everything that has to be equal, in hexadecimal."""
        text = json.dumps(self.decoding.to_plain(), sort_keys=True)
        return xxhash.xxh3_64_hexdigest((self.embeddings.digest + text).encode())

    def serves(self, wanted: DecodeSettings) -> bool:
        """Return whether masks that were asked for like this include those wanted.

        Lower thresholds only keep more masks.
        """
        asked = self.decoding
        is_same_question = (asked.points_per_side, asked.stability_score_offset) == (
            wanted.points_per_side,
            wanted.stability_score_offset,
        )
        iou_margin = wanted.lowest_pred_iou - asked.lowest_pred_iou
        stability_margin = wanted.lowest_stability_score - asked.lowest_stability_score
        return is_same_question and min(iou_margin, stability_margin) > -ROUNDING

    def to_plain(self) -> dict[str, Any]:
        """Return the record as plain JSON."""
        return {
            "embeddings": self.embeddings.to_plain(),
            "decoding": self.decoding.to_plain(),
        }

    @classmethod
    def from_plain(cls, record: Mapping[str, Any]) -> MaskStoreContents:
        """Return what `to_plain` made plain.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing or of another kind.
        """
        return cls(
            StoreContents.from_plain(record["embeddings"]),
            DecodeSettings.from_plain(record["decoding"]),
        )


@dataclass(frozen=True)
class MaskSummary:
    """What can be said of a tile without looking at its masks.

    Parameters
    ----------
    pixels_hash
        Of the pixels that were segmented, see `tilesam.store.hash_pixels`.
    count
        Of the masks.
    """

    pixels_hash: str
    count: int


class MaskStore(Protocol):
    """Where masks are kept; several threads may use it at once.

    Masks of a tile are there as a whole or not at all, and damaged ones are not there.
    """

    @property
    def contents(self) -> MaskStoreContents:
        """What the masks are of."""

    def keys(self) -> set[TileKey]:
        """Return the tiles that are there, but for damage that no one has met yet."""

    def summary(self, key: TileKey) -> MaskSummary | None:
        """Return of which pixels a tile is and how much it holds; None if not there."""

    def read(self, key: TileKey) -> TileMasks | None:
        """Return the masks of a tile; None if they are not there."""

    def write(self, key: TileKey, masks: TileMasks, pixels_hash: str) -> None:
        """Keep the masks of a tile in place of those that are there.

        Raises
        ------
        StoreWriteError
            If they cannot be written; then what was there before still is.
        """


class MemoryMaskStore:
    """Masks that live as long as the process does; see `MaskStore`.

    Parameters
    ----------
    contents
        What the masks are of.
    """

    def __init__(self, contents: MaskStoreContents) -> None:
        self.contents = contents
        self._tiles: dict[TileKey, tuple[MaskSummary, TileMasks]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"MemoryMaskStore(tiles={len(self._tiles)})"

    def __reduce__(self) -> NoReturn:
        """Refuse to travel: what workers write into a copy would be lost."""
        raise TypeError(
            "masks in memory stay in their process; give a folder that all workers "
            "reach (work=, --work)"
        )

    def keys(self) -> set[TileKey]:
        """Return the tiles that are there."""
        with self._lock:
            return set(self._tiles)

    def summary(self, key: TileKey) -> MaskSummary | None:
        """Return of which pixels a tile is and how much it holds; None if not there."""
        with self._lock:
            found = self._tiles.get(key)
        return None if found is None else found[0]

    def read(self, key: TileKey) -> TileMasks | None:
        """Return the masks of a tile; None if they are not there."""
        with self._lock:
            found = self._tiles.get(key)
        return None if found is None else found[1]

    def write(self, key: TileKey, masks: TileMasks, pixels_hash: str) -> None:
        """Keep the masks of a tile in place of those that are there."""
        with self._lock:
            self._tiles[key] = MaskSummary(pixels_hash, len(masks)), masks

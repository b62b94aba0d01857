"""What a set of embeddings is of: two sets mix only if all of this is equal."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tilesam.types import ImageIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTES_PER_VALUE = 2
"""Embeddings are kept as float16."""

DIGEST_LENGTH = 16
"""Hexadecimal digits that tell sets apart."""


@dataclass(frozen=True)
class StoreContents:
    """What a set of embeddings is of; every field but the name is part of its key.

    Parameters
    ----------
    image
        The image, as far as it is known without looking at its pixels.
    channels
        Those shown as red, green and blue.
    plane
        Position along each axis that is neither rows, columns nor channels: of a
        stack each plane has its own set.
    normalization
        How its values become 8 bits, as plain JSON.
    weights_sha256
        Of the model, in hexadecimal.
    model_name
        For people.
    input_size
        Side of the model's input in pixels.
    stride
        Distance of neighbouring tiles in pixels of their level.
    preprocessing_version
        Counts the ways in which pixels have become the model's input.
    embedding_shape
        (D, h, w) of the embedding of a tile.
    """

    image: ImageIdentity
    channels: tuple[int, ...]
    plane: tuple[int, ...]
    # As a dict it has no hash, and equal records need not have unequal ones.
    normalization: dict[str, Any] = field(hash=False)
    weights_sha256: str
    model_name: str
    input_size: int
    stride: int
    preprocessing_version: int
    embedding_shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        """Bring the normalisation into the form in which it is read back."""
        plain = json.loads(json.dumps(self.normalization, allow_nan=False))
        object.__setattr__(self, "normalization", plain)

    @cached_property
    def digest(self) -> str:
        """Short name of everything that has to be equal, in hexadecimal."""
        record = self.to_plain()
        del record["model_name"]
        text = json.dumps(record, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]

    @property
    def tile_nbytes(self) -> int:
        """Bytes of one embedding."""
        return math.prod(self.embedding_shape) * BYTES_PER_VALUE

    def to_plain(self) -> dict[str, Any]:
        """Return the record as plain JSON."""
        return {
            "image": image_to_plain(self.image),
            "channels": [int(channel) for channel in self.channels],
            "plane": [int(position) for position in self.plane],
            "normalization": self.normalization,
            "weights_sha256": self.weights_sha256,
            "model_name": self.model_name,
            "input_size": int(self.input_size),
            "stride": int(self.stride),
            "preprocessing_version": int(self.preprocessing_version),
            "embedding_shape": [int(length) for length in self.embedding_shape],
        }

    @classmethod
    def from_plain(cls, record: Mapping[str, Any]) -> StoreContents:
        """Return what `to_plain` made plain.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing or of another kind.
        """
        depth, height, width = (int(length) for length in record["embedding_shape"])
        return cls(
            image=image_from_plain(record["image"]),
            channels=tuple(int(channel) for channel in record["channels"]),
            plane=tuple(int(position) for position in record["plane"]),
            normalization=dict(record["normalization"]),
            weights_sha256=str(record["weights_sha256"]),
            model_name=str(record["model_name"]),
            input_size=int(record["input_size"]),
            stride=int(record["stride"]),
            preprocessing_version=int(record["preprocessing_version"]),
            embedding_shape=(depth, height, width),
        )


def image_to_plain(image: ImageIdentity) -> dict[str, Any]:
    """Return what identifies an image as plain JSON."""
    return {
        "hw": [int(side) for side in image.hw],
        "dtype": str(image.dtype),
        "channel_count": int(image.channel_count),
    }


def image_from_plain(record: Mapping[str, Any]) -> ImageIdentity:
    """Return what `image_to_plain` made plain.

    Raises
    ------
    KeyError, TypeError, ValueError
        If something is missing or of another kind.
    """
    height, width = (int(side) for side in record["hw"])
    return ImageIdentity(
        (height, width), str(record["dtype"]), int(record["channel_count"])
    )

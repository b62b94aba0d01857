"""What has to fit before a run begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tilesam.errors import EmbeddingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.store import EmbeddingStore


def require_belonging(
    source: ImageSource, store: EmbeddingStore, model: SamModel
) -> None:
    """Make sure that image, store and model are of each other.

    Raises
    ------
    EmbeddingError
        If they are not.
    """
    contents = store.contents
    pairs = {
        "weights": (model.weights_sha256, contents.weights_sha256),
        "input size": (model.input_size, contents.input_size),
        "image": (source.identity, contents.image),
        "channels": (tuple(source.channels), tuple(contents.channels)),
        "normalization": (source.normalization.to_plain(), contents.normalization),
    }
    for what, (given, expected) in pairs.items():
        if given != expected:
            raise EmbeddingError(
                f"the store is of another {what}: {given} was given, it holds "
                f"{expected}; open the store for this image and this model"
            )


def require_fitting_resources(
    client: Any, resources: Mapping[str, float] | None
) -> None:
    """Make sure that resources are asked of a cluster.

    Raises
    ------
    EmbeddingError
        If there is none.
    """
    if client is None and resources:
        raise EmbeddingError(
            f"resources are {dict(resources)}, but there is no client; they are those "
            "of the workers of a cluster; give its client too, or leave them out"
        )

"""What a session knows of the likeness of its objects."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from tilesam.embedding.progress import follow
from tilesam.errors import SimilarityError
from tilesam.similarity.object_vectors import ObjectVectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from tilesam.annotation.history import EditHistory
    from tilesam.similarity.progress import SimilarityProgress
    from tilesam.similarity.ranking import SimilarObjects
    from tilesam.tiled_image import TiledImage


class SessionSimilarity:
    """Keeps the vectors of the objects of one image, as long as they are the same.

    Parameters
    ----------
    image
        Of which the objects are.
    """

    def __init__(self, image: TiledImage) -> None:
        self._image = image
        self._latest: tuple[EditHistory, ObjectVectors] | None = None

    def find(
        self,
        history: EditHistory,
        plane: tuple[int, ...],
        label: int,
        k: int | None,
        *,
        progress: Callable[[SimilarityProgress], None] | None = None,
    ) -> SimilarObjects:
        """Return the objects that are most similar to one, see `AnnotatedImage`."""
        wanted = _whole(label, "the label", "an object's label, 1 or more")
        most = None if k is None else _whole(k, "k", "1 or more, or None for all")
        vectors = self._vectors(history, plane)
        follow(vectors.update(), progress)
        return vectors.rank(wanted, most)

    def _vectors(self, history: EditHistory, plane: tuple[int, ...]) -> ObjectVectors:
        if self._latest is None or self._latest[0] is not history:
            vectors = ObjectVectors(self._image, history.target, plane)
            history.changed.connect(vectors.on_change)
            self._latest = history, vectors
        return self._latest[1]


def _whole(value: Any, what: str, expected: str) -> int:
    """Return a positive whole number."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise SimilarityError(
            f"{what} is {value!r}; expected {expected}; give a whole number"
        )
    return number

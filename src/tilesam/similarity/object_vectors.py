"""Vectors of the objects of an image: made once, forgotten when pixels change."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tilesam.errors import SimilarityError
from tilesam.model.preprocessing import boxes_yxyx_to_input_xyxy
from tilesam.similarity.cells import count_cells, mean_and_spread
from tilesam.similarity.label_boxes import PlaneScan, touched
from tilesam.similarity.progress import SimilarityProgress
from tilesam.similarity.ranking import SimilarObjects, rank_objects
from tilesam.similarity.tokens import mask_tokens

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tilesam.annotation.history import HistoryChange
    from tilesam.annotation.targets import LabelTarget
    from tilesam.similarity.label_boxes import BlockName, LabelBoxes
    from tilesam.tiled_image import TiledImage
    from tilesam.types import Float32Array, IntArray, TileKey

TOKEN_WEIGHT = 0.2
"""Of the decoder's token beside the look of an object; chosen on training images."""

AT_ONCE = 16
"""Objects between two reports; more would keep others waiting for the decoder."""


class ObjectVector(NamedTuple):
    """What is kept of an object.

    Parameters
    ----------
    look
        (2 D,) mean and spread of the image embedding over its pixels.
    token
        (D,) the decoder's mask token, asked with its box.
    """

    look: Float32Array
    token: Float32Array


class ObjectVectors:
    """Compares the objects of one plane of labels.

    All but `on_change` belongs to the thread of the model.

    Parameters
    ----------
    image
        Whose model embeds tiles.
    target
        The labels, of the image's height and width.
    plane
        Of the labels, along the axes before rows and columns.
    token_weight
        From 0, where only the look of objects counts, to 1, where it does not.
    """

    def __init__(
        self,
        image: TiledImage,
        target: LabelTarget,
        plane: tuple[int, ...] = (),
        *,
        token_weight: float = TOKEN_WEIGHT,
    ) -> None:
        self._image = image
        self._weights = 1 - token_weight, token_weight
        self._scan = PlaneScan(target, plane)
        self._vectors: dict[int, ObjectVector] = {}
        self._changes: deque[tuple[set[int], set[BlockName]]] = deque()

    @property
    def known(self) -> frozenset[int]:
        """The labels of which there are vectors."""
        return frozenset(self._vectors)

    @property
    def boxes(self) -> LabelBoxes:
        """Where the objects are, after `update`."""
        return self._scan.boxes

    def on_change(self, change: HistoryChange) -> None:
        """Note a step of the history of the labels, on any thread."""
        # Not the edit itself: it may be large, and nobody may ask for a long time.
        self._changes.append(touched(change.edit.changes, self._scan.plane))

    def update(self) -> Generator[SimilarityProgress, None, None]:
        """Make the vectors that are missing; what was made stays if it is closed.

        Yields
        ------
        SimilarityProgress
            After each block of labels, and after a few objects.

        Raises
        ------
        TilesamError
            If the image cannot be read or the device has not enough memory.
        """
        self._forget_changed()
        blocks = self._scan.missing()
        for left, block in zip(reversed(range(len(blocks))), blocks, strict=True):
            self._scan.look_at(block)
            if left:
                yield SimilarityProgress(len(self._vectors), 0, left)
        boxes = self._scan.boxes
        for gone in self._vectors.keys() - set(boxes.labels.tolist()):
            del self._vectors[gone]
        for tile, rows in self._by_tile(boxes).items():
            for labels, vectors in self._of_tile(tile, boxes, rows):
                self._vectors.update(zip(labels, vectors, strict=True))
                total = len(boxes.labels)
                yield SimilarityProgress(len(self._vectors), total, tile=tile)

    def rank(self, label: int, k: int | None = None) -> SimilarObjects:
        """Return the others in the order of their similarity, after `update`.

        Raises
        ------
        SimilarityError
            If there is no such object, or no other one.
        """
        known = np.array(sorted(self._vectors), np.int64)
        if label not in self._vectors:
            raise SimilarityError(
                f"there is no object {label} in this plane; expected one of the "
                f"{len(known)} labels in use; look at the labels of the image"
            )
        if len(known) == 1:
            raise SimilarityError(
                f"object {label} is the only one; expected others to compare it with; "
                "accept some, or segment everything and accept what was found"
            )
        vectors = [self._vectors[other] for other in known.tolist()]
        parts = [np.array(part, np.float64) for part in zip(*vectors, strict=True)]
        ranked = rank_objects(label, known, parts, self._weights)
        return ranked.first(k)

    def _forget_changed(self) -> None:
        while self._changes:
            labels, blocks = self._changes.popleft()
            self._scan.forget(blocks)
            for label in labels:
                self._vectors.pop(label, None)

    def _by_tile(self, boxes: LabelBoxes) -> dict[TileKey, IntArray]:
        """Return the rows of the objects without a vector, by the tile to ask."""
        rows: dict[TileKey, list[int]] = defaultdict(list)
        image = self._image
        for row, label in enumerate(boxes.labels.tolist()):
            if label not in self._vectors:
                y0, x0, y1, x1 = boxes.extents_yxyx[row].tolist()
                tile = image.grid.choose(
                    (y0, x0, y1 - 1, x1 - 1), finest_level=image.finest_level
                )
                rows[tile].append(row)
        return {tile: np.array(rows[tile]) for tile in sorted(rows)}

    def _of_tile(
        self, tile: TileKey, boxes: LabelBoxes, rows: IntArray
    ) -> Iterator[tuple[list[int], list[ObjectVector]]]:
        """Yield labels and vectors of a few objects of a tile at a time."""
        image, model = self._image, self._image.model
        window, embedding = image.grid.window(tile), image.embeddings.get(tile)
        labels, extents = boxes.labels[rows], boxes.extents_yxyx[rows]
        y0, x0 = extents[:, :2].min(axis=0).tolist()
        y1, x1 = extents[:, 2:].max(axis=0).tolist()
        blocks = self._scan.read((y0, x0, y1, x1))
        cells = count_cells(labels, blocks, window, model.input_size)
        looks = mean_and_spread(cells, embedding.cpu().numpy()).astype(np.float32)
        corners = (extents - (0, 0, 1, 1)).astype(np.float64)  # centres of pixels
        boxes_xyxy = boxes_yxyx_to_input_xyxy(corners, window, model.input_size)
        for start in range(0, len(rows), AT_ONCE):
            few = slice(start, start + AT_ONCE)
            tokens = mask_tokens(model, embedding, boxes_xyxy[few])
            pairs = zip(looks[few], tokens, strict=True)
            yield labels[few].tolist(), [ObjectVector(*pair) for pair in pairs]

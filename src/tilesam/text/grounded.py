"""All windows of an image searched for a phrase: boxes, masks, whole objects."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tilesam.everything.decoded import DecodedEverything
from tilesam.everything.job import EverythingJob, TileResult
from tilesam.everything.mask_store import MaskStoreContents, MemoryMaskStore
from tilesam.everything.progress import EverythingMeter
from tilesam.everything.settings import EverythingSettings
from tilesam.text.box_masks import decode_boxes, no_masks
from tilesam.text.proposals import Proposals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tilesam.everything.progress import EverythingProgress
    from tilesam.text.backends import AskedImage
    from tilesam.text.box_masks import BoxMasks
    from tilesam.text.box_search import BoxSearch
    from tilesam.tiled_image import TiledImage
    from tilesam.types import FloatArray, TileKey

_Place = tuple[int, float, float]
"""Level and point of a mask: by these a box is found again after stitching."""


class Grounded(NamedTuple):
    """Objects that a detector has found.

    Parameters
    ----------
    proposals
        N whole masks.
    scores
        (N,) float64 of the detector.
    looks
        (N, D) unit vectors, see `BoxMasks`.
    """

    proposals: Proposals
    scores: FloatArray
    looks: FloatArray


def search_image(
    search: BoxSearch, asked: AskedImage, options: Mapping[str, Any]
) -> Grounded:
    """Look for a phrase in all windows that everything would ask.

    Parameters
    ----------
    search
        What is looked for, and by whom.
    asked
        The image and the region.
    options
        `levels`, `object_diameter`, `settings`, `progress`, `cancelled`, see
        `tilesam.everything.decoded.decode_everything`.

    Raises
    ------
    EverythingError
        If it was cancelled before it was done.
    TilingError, ImageReadError, StoreError, DeviceError, EmbeddingError
        Whatever came in the way.
    """
    image = asked.image
    run = _Run(search, image, box_settings(options.get("settings")))
    plan = image.plan_everything(
        asked.region,
        levels=options.get("levels"),
        object_diameter=options.get("object_diameter"),
    )
    run.follow(plan, options.get("progress"), options.get("cancelled"))
    decoded = DecodedEverything(
        *(run.job, run.settings),
        keys=tuple(run.done),
        region=asked.region,
        missing=len(plan) - len(run.done),
    )
    return run.gather(Proposals.of(decoded))


def box_settings(settings: EverythingSettings | None) -> EverythingSettings:
    """Return settings without thresholds where none are given.

    The detector has judged what is in a box. Scores of the decoder would take small
    things away, whose masks are not stable.
    """
    chosen = settings or EverythingSettings()
    iou, stability = chosen.pred_iou_thresh, chosen.stability_score_thresh
    return replace(
        chosen,
        pred_iou_thresh=0.0 if iou is None else iou,
        stability_score_thresh=0.0 if stability is None else stability,
    )


class _Run:
    """One tile after the other."""

    def __init__(
        self, search: BoxSearch, image: TiledImage, settings: EverythingSettings
    ) -> None:
        self.search, self.image, self.settings = search, image, settings
        decoding = settings.decoding()
        contents = MaskStoreContents(image.store.contents, decoding)
        masks = MemoryMaskStore(contents)
        self.job = EverythingJob(image.embeddings.job, masks, decoding)
        self.done: list[TileKey] = []
        self._boxes: dict[_Place, tuple[float, FloatArray]] = {}

    def follow(
        self,
        plan: list[TileKey],
        progress: Callable[[EverythingProgress], None] | None,
        cancelled: Any,
    ) -> None:
        """Search tiles until all are done, or the run is cancelled."""
        meter = EverythingMeter(len(plan), len(plan), clock=time.perf_counter)
        for key in plan:
            if cancelled is not None and cancelled.is_set():
                break
            latest = meter.add(self._search_tile(key), was_missing=True)
            if progress is not None:
                progress(latest)

    def _search_tile(self, key: TileKey) -> TileResult:
        """Keep the masks of all boxes that are found in a tile."""
        start = time.perf_counter()
        image, before = self.image, self.image.embeddings.embedded_count
        found = self.search.find(image.grid.window(key))
        masks = no_masks(key, image.grid)
        if len(found.scores):  # else nothing is embedded in vain
            answers = decode_boxes(
                *(image.embeddings.get(key), key, image.grid, image.model),
                found.boxes_yxyx,
                stability_offset=self.settings.stability_score_offset,
            )
            masks = answers.masks
            self._remember(answers, found.scores)
        self.job.masks.write(key, masks, "")
        self.done.append(key)
        return TileResult(
            *(key, "decoded", len(masks)),
            embedded=image.embeddings.embedded_count > before,
            seconds_decoding=time.perf_counter() - start,
        )

    def _remember(self, answers: BoxMasks, scores: FloatArray) -> None:
        """Keep score and look of each mask under its place."""
        level = answers.masks.tile.level
        for point, row, look in zip(
            answers.masks.points_yx, answers.rows, answers.looks, strict=True
        ):
            place = _place(level, point)
            known = self._boxes.get(place)
            if known is None or known[0] < scores[row]:
                self._boxes[place] = float(scores[row]), look

    def gather(self, proposals: Proposals) -> Grounded:
        """Return whole objects, with score and look of the best piece of each."""
        table, rows = proposals.found.table, proposals.rows
        found = [
            self._boxes[_place(table.level[row], table.point_yx[row])] for row in rows
        ]
        scores = np.array([score for score, _ in found], np.float64)
        looks = [look for _, look in found]
        return Grounded(
            proposals, scores, np.stack(looks) if looks else np.zeros((0, 1))
        )


def _place(level: int, point_yx: FloatArray) -> _Place:
    y, x = point_yx.tolist()
    return int(level), y, x

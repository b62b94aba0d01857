"""Which masks of a tile are good enough, and how many each step leaves."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tilesam.errors import EverythingError
from tilesam.everything.cleaning import clean_mask
from tilesam.everything.nms import suppress
from tilesam.everything.tile_masks import PER_MASK
from tilesam.masks.run_masks import RunMasks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tilesam.everything.settings import EverythingSettings
    from tilesam.everything.tile_masks import TileMasks


@dataclass(frozen=True)
class Funnel:
    """How many masks each step left, summed up over tiles.

    Parameters
    ----------
    asked
        Masks that the decoder was asked for.
    kept_by_decoder
        Of these, those that were kept to be judged.
    confident
        Of these, with a predicted IoU above the threshold.
    stable
        Of these, with a stability score that reaches the threshold.
    small_enough
        Of these, no larger than the allowed share of the image.
    distinct
        Of these, those that show no object twice in their window.
    best_predicted_iou, best_stability_score
        The highest that were seen, see `TileMasks`.
    """

    asked: int = 0
    kept_by_decoder: int = 0
    confident: int = 0
    stable: int = 0
    small_enough: int = 0
    distinct: int = 0
    best_predicted_iou: float = -np.inf
    best_stability_score: float = -np.inf

    def __add__(self, other: Funnel) -> Funnel:
        """Return the funnel of both."""
        own, others = astuple(self), astuple(other)
        counts = [a + b for a, b in zip(own[:-2], others[:-2], strict=True)]
        best = [max(a, b) for a, b in zip(own[-2:], others[-2:], strict=True)]
        return Funnel(*counts, *best)

    def hint(self, settings: EverythingSettings) -> str:
        """Return which threshold left nothing, and what to try."""
        iou, stability = settings.thresholds
        if not self.asked:
            return "no tile was looked at: all of the region is background"
        if self.best_predicted_iou <= iou:
            return (
                f"pred_iou_thresh {iou:g} removed everything: the best of "
                f"{self.asked} masks is predicted an IoU of "
                f"{self.best_predicted_iou:.2f}; lower it below that"
            )
        if not self.stable:
            return (
                f"stability_score_thresh {stability:g} removed all that "
                f"pred_iou_thresh {iou:g} had left: the best stability is "
                f"{max(self.best_stability_score, 0.0):.2f}; lower one of them"
            )
        if not self.small_enough:
            return (
                f"max_area_share {settings.max_area_share:g} removed all "
                f"{self.stable} masks that had passed; raise it"
            )
        return (
            f"{self.distinct} masks passed, but all of them are cut by the edges of "
            "their windows or lie outside of the region; add coarser levels, choose a "
            "larger region, or keep cut masks (keep_cut, --keep-cut)"
        )


def filter_tile(
    tile: TileMasks, settings: EverythingSettings, image_hw: tuple[int, int]
) -> tuple[TileMasks, Funnel]:
    """Return the masks of a tile that are confident, stable and distinct.

    Parameters
    ----------
    tile
        What the decoder found.
    settings
        With thresholds, see `EverythingSettings.resolved`.
    image_hw
        Height and width of the image in pixels.

    Returns
    -------
    TileMasks
        In the order in which they were asked for; small holes and islands are mended.
    Funnel
        What each step left.

    Notes
    -----
    The released generator on one crop: thresholds, box NMS by predicted IoU, small
    regions, and NMS again that prefers masks which these left as they were.
    """
    iou, stability = settings.thresholds
    confident = tile.predicted_iou > np.float32(iou)
    stable = confident & (tile.stability_score >= np.float32(stability))
    most = settings.max_area_share * image_hw[0] * image_hw[1]
    areas = tile.masks.areas * tile.scale**2
    is_small = areas <= most if settings.max_area_share == 1 else areas < most
    passing = take_masks(tile, stable & is_small)
    distinct = take_masks(
        passing,
        suppress(
            passing.masks.extents_yxyx, passing.predicted_iou, settings.box_nms_thresh
        ),
    )
    if settings.min_mask_region_area > 0:
        distinct = _cleaned(distinct, settings, image_hw)
    funnel = Funnel(
        asked=tile.asked,
        kept_by_decoder=len(tile),
        confident=int(confident.sum()),
        stable=int(stable.sum()),
        small_enough=len(passing),
        distinct=len(distinct),
        best_predicted_iou=tile.best_predicted_iou,
        best_stability_score=tile.best_stability_score,
    )
    return distinct, funnel


def require_kept(
    settings: EverythingSettings, lowest_pred_iou: float, lowest_stability: float
) -> None:
    """Make sure that no mask is missing which thresholds would let pass.

    Raises
    ------
    EverythingError
        If a threshold is below what was kept.
    """
    for name, value, lowest in (
        ("pred_iou_thresh", settings.thresholds[0], lowest_pred_iou),
        ("stability_score_thresh", settings.thresholds[1], lowest_stability),
    ):
        if value < lowest - 1e-9:
            raise EverythingError(
                f"{name} is {value:g}, but masks below {lowest:g} were not kept; "
                "choose a higher one, or decode again with the lower one"
            )


def take_masks(tile: TileMasks, chosen: ArrayLike) -> TileMasks:
    """Return some of the masks of a tile, chosen by numbers or booleans."""
    columns = {name: getattr(tile, name)[chosen] for name in PER_MASK}
    return replace(tile, masks=tile.masks.take(chosen), **columns)


def _cleaned(
    tile: TileMasks, settings: EverythingSettings, image_hw: tuple[int, int]
) -> TileMasks:
    """Mend small regions, and drop what became the same as another by that."""
    min_area = settings.min_mask_region_area / tile.scale**2
    crops, places = [], []
    is_changed = np.zeros(len(tile), np.bool_)
    for i in range(len(tile)):
        crop, yx = tile.masks.crop(i)
        at_edges = _edges_of_image(tile, i, image_hw)
        crop, is_changed[i] = clean_mask(crop, min_area, at_edges=at_edges)
        crops.append(crop)
        places.append(yx)
    cleaned = replace(tile, masks=RunMasks.from_crops(crops, places))
    by_preference = np.lexsort((-tile.predicted_iou, is_changed))
    scores = np.empty(len(tile))
    scores[by_preference] = -np.arange(len(tile))
    iou_thresh = max(settings.box_nms_thresh, settings.crop_nms_thresh)
    keep = suppress(cleaned.masks.extents_yxyx, scores, iou_thresh)
    return take_masks(cleaned, keep)


def _edges_of_image(
    tile: TileMasks, index: int, image_hw: tuple[int, int]
) -> tuple[bool, bool, bool, bool]:
    height, width = (side // tile.scale for side in image_hw)
    y0, x0, y1, x1 = tile.masks.extents_yxyx[index]
    return bool(y0 == 0), bool(x0 == 0), bool(y1 >= height), bool(x1 >= width)

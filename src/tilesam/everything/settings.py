"""How everything is segmented, in the words of the paper's automatic mode."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from tilesam.errors import EverythingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tilesam.model.configs import SamConfig

Overlap: TypeAlias = Literal["smallest", "largest", "most_confident"]

ADJUSTABLE_BY = 0.3
"""How far below the thresholds masks are kept that may be wanted later."""


@dataclass(frozen=True)
class DecodeSettings:
    """What the decoder is asked in every tile; another answer costs as much again.

    Parameters
    ----------
    points_per_side, points_per_batch, stability_score_offset
        See `EverythingSettings`.
    lowest_pred_iou, lowest_stability_score
        What is not above the first, or below the second, is not kept at all.
    """

    points_per_side: int = 32
    points_per_batch: int = 64
    stability_score_offset: float = 1.0
    lowest_pred_iou: float = 0.88
    lowest_stability_score: float = 0.95

    def to_plain(self) -> dict[str, Any]:
        """Return all that masks depend on, as plain values for JSON."""
        plain = asdict(self)
        # Memory and speed depend on it, and no mask.
        del plain["points_per_batch"]
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> DecodeSettings:
        """Return what `to_plain` wrote."""
        return cls(**plain)


@dataclass(frozen=True)
class EverythingSettings:
    """Which points are asked, and which of the answers become objects.

    Parameters
    ----------
    points_per_side
        A window is asked at so many times so many points.
    points_per_batch
        Of these, so many at a time.
    pred_iou_thresh
        Masks have to be predicted a higher IoU. By default what the model's
        configuration recommends, for the released ones 0.88.
    stability_score_thresh
        Masks have to be at least so stable. By default as above, 0.95.
    stability_score_offset
        In logits: how far the cut is moved when stability is measured.
    box_nms_thresh
        Of two masks of a window whose boxes have a higher IoU the one with the lower
        predicted IoU is dropped.
    crop_nms_thresh
        The same between levels, where the finer one stays.
    min_mask_region_area
        Holes and islands with fewer pixels of the image are filled and removed.
    max_area_share
        Masks of a larger share of the image are dropped; the paper's data have 0.95.
    overlap
        Who owns a pixel of several masks: the `"smallest"`, the `"largest"` or the
        `"most_confident"`, by predicted IoU.
    min_visible_share
        An object that would own a smaller share of its pixels owns none: what would be
        seen of it is the rim of a second mask of the same thing.
    keep_cut
        Keep masks that an edge of a window cuts although another window shows what is
        beyond, and finds nothing there to join. Like those at the edges of the paper's
        crops they are dropped by default.

    Raises
    ------
    EverythingError
        If a value is out of its range.

    Notes
    -----
    Kirillov et al. 2023, "Segment Anything", section 5 and appendix B. Names and
    defaults are those of the released generator.
    """

    points_per_side: int = 32
    points_per_batch: int = 64
    pred_iou_thresh: float | None = None
    stability_score_thresh: float | None = None
    stability_score_offset: float = 1.0
    box_nms_thresh: float = 0.7
    crop_nms_thresh: float = 0.7
    min_mask_region_area: int = 0
    max_area_share: float = 1.0
    overlap: Overlap = "smallest"
    min_visible_share: float = 0.5
    keep_cut: bool = False

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise EverythingError(_out_of_range(name, value, low, high))
        for name in ("points_per_side", "points_per_batch", "min_mask_region_area"):
            if getattr(self, name) != int(getattr(self, name)):
                raise EverythingError(
                    f"{name} is {getattr(self, name)}; expected a whole number"
                )
        if self.overlap not in get_args(Overlap):
            raise EverythingError(
                f"overlap is {self.overlap!r}; expected one of "
                f"{', '.join(get_args(Overlap))}"
            )

    def resolved(self, config: SamConfig) -> EverythingSettings:
        """Return these settings with the thresholds that a model recommends filled in.

        Parameters
        ----------
        config
            Of the model.
        """
        iou, stability = self.pred_iou_thresh, self.stability_score_thresh
        return replace(
            self,
            pred_iou_thresh=config.pred_iou_thresh if iou is None else iou,
            stability_score_thresh=(
                config.stability_score_thresh if stability is None else stability
            ),
        )

    @property
    def thresholds(self) -> tuple[float, float]:
        """Of predicted IoU and stability.

        Raises
        ------
        EverythingError
            If they were left to the model, see `resolved`.
        """
        if self.pred_iou_thresh is None or self.stability_score_thresh is None:
            raise EverythingError(
                "the thresholds are left to the model; expected numbers; take "
                "settings.resolved(model.network.config)"
            )
        return self.pred_iou_thresh, self.stability_score_thresh

    def decoding(self, *, adjustable: bool = False) -> DecodeSettings:
        """Return what the decoder has to be asked.

        Parameters
        ----------
        adjustable
            Keep masks below the thresholds too, so that these can be moved without
            decoding again.

        Raises
        ------
        EverythingError
            If the thresholds were left to the model, see `resolved`.
        """
        iou, stability = self.thresholds
        margin = ADJUSTABLE_BY if adjustable else 0.0
        return DecodeSettings(
            self.points_per_side,
            self.points_per_batch,
            self.stability_score_offset,
            lowest_pred_iou=iou - margin,
            lowest_stability_score=max(stability - margin, 0.0),
        )

    def to_plain(self) -> dict[str, Any]:
        """Return all settings as plain values for JSON."""
        return asdict(self)


_RANGES = (
    ("points_per_side", 1, 1024),
    ("points_per_batch", 1, 2**20),
    # A network may predict more than 1 or less than 0: such thresholds make sense.
    ("pred_iou_thresh", -1.0, 2.0),
    ("stability_score_thresh", 0.0, 1.0),
    ("stability_score_offset", 1e-6, 1e6),
    ("box_nms_thresh", 0.0, 1.0),
    ("crop_nms_thresh", 0.0, 1.0),
    ("min_mask_region_area", 0, math.inf),
    ("max_area_share", 1e-12, 1.0),
    ("min_visible_share", 0.0, 1.0),
)


def _out_of_range(name: str, value: float, low: float, high: float) -> str:
    span = f"at least {low}" if math.isinf(high) else f"a number from {low} to {high}"
    return f"{name} is {value}; expected {span}"

"""Answers without a network."""

from __future__ import annotations

import numpy as np

from tilesam.types import MaskCandidate, TileKey, Window


def candidate(*, iou=0.9, offset_yx=(4, 4), mask_hw=(8, 8)) -> MaskCandidate:
    """Return a full rectangle."""
    return MaskCandidate(
        mask=np.ones(mask_hw, np.bool_),
        offset_yx=offset_yx,
        predicted_iou=iou,
        stability_score=0.97,
        low_res_logits=np.full((16, 16), 4, np.float32),
        tile=TileKey(0, 0, 0),
        window=Window(0, 0, 64, 64),
        token=0,
    )

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam.errors import EverythingError
from tilesam.everything.point_grid import build_point_grid
from tilesam.everything.settings import DecodeSettings, EverythingSettings
from tilesam.model.configs import CONFIGS


def test_defaults_are_those_of_the_paper() -> None:
    settings = EverythingSettings().resolved(CONFIGS["vit_h"])
    assert settings.thresholds == (0.88, 0.95)
    assert (settings.points_per_side, settings.points_per_batch) == (32, 64)
    assert settings.stability_score_offset == 1.0
    assert settings.box_nms_thresh == settings.crop_nms_thresh == 0.7
    assert settings.min_mask_region_area == 0


def test_what_was_given_is_not_replaced_by_what_a_model_recommends() -> None:
    own = EverythingSettings(pred_iou_thresh=0.0).resolved(CONFIGS["vit_b"])
    assert own.thresholds == (0.0, 0.95)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"points_per_side": 0}, "points_per_side is 0; expected a number from 1"),
        ({"points_per_side": 2.5}, "2.5; expected a whole number"),
        ({"points_per_batch": 0}, "points_per_batch is 0"),
        ({"pred_iou_thresh": 88.0}, "pred_iou_thresh is 88.0; expected a number"),
        ({"pred_iou_thresh": float("nan")}, "pred_iou_thresh is nan"),
        ({"stability_score_thresh": 1.5}, "stability_score_thresh is 1.5"),
        ({"stability_score_offset": 0.0}, "stability_score_offset is 0.0"),
        ({"box_nms_thresh": -0.1}, "box_nms_thresh is -0.1"),
        ({"min_mask_region_area": -1}, "is -1; expected at least 0"),
        ({"max_area_share": 0.0}, "max_area_share is 0.0"),
        ({"overlap": "first"}, "'first'; expected one of smallest, largest"),
    ],
)
def test_values_out_of_range(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(EverythingError) as caught:
        EverythingSettings(**wrong)
    assert message in str(caught.value)


def test_thresholds_left_to_the_model_cannot_be_decoded_with() -> None:
    with pytest.raises(EverythingError, match="left to the model"):
        EverythingSettings(pred_iou_thresh=0.5).decoding()


def test_adjustable_decoding_keeps_more() -> None:
    settings = EverythingSettings().resolved(CONFIGS["vit_b"])
    exact, loose = settings.decoding(), settings.decoding(adjustable=True)
    assert (exact.lowest_pred_iou, exact.lowest_stability_score) == (0.88, 0.95)
    assert loose.lowest_pred_iou == pytest.approx(0.58)
    assert loose.lowest_stability_score == pytest.approx(0.65)


def test_what_masks_depend_on_comes_back() -> None:
    settings = DecodeSettings(7, 3, 0.5, 0.1, 0.2)
    again = DecodeSettings.from_plain(settings.to_plain())
    # Batches make no difference to masks.
    assert again == DecodeSettings(7, 64, 0.5, 0.1, 0.2)


def test_the_grid_of_the_paper() -> None:
    points = build_point_grid((0, 0, 1024, 1024), 32)
    assert points.shape == (1024, 2)
    # The first is 1/64 of the side away from the edge.
    assert points[0].tolist() == [16.0, 16.0]
    assert points[1].tolist() == [16.0, 48.0]
    assert points[-1].tolist() == [1008.0, 1008.0]


@given(
    st.tuples(st.integers(0, 99), st.integers(0, 99)),
    st.tuples(st.integers(1, 99), st.integers(1, 99)),
    st.integers(1, 9),
)
def test_points_lie_inside(
    start: tuple[int, int], size: tuple[int, int], per_side: int
) -> None:
    extent = (*start, start[0] + size[0], start[1] + size[1])
    points = build_point_grid(extent, per_side)
    assert (points > np.array(start)).all()
    assert (points < np.array(extent[2:])).all()
    assert len(np.unique(points, axis=0)) == per_side**2

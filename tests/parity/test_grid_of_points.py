from __future__ import annotations

import numpy as np
import torch

import tilesam
from tests.parity.peer_decoder import build_peer_decoder


def test_masks_that_pass_are_those_of_the_peer() -> None:
    model = tilesam.load_model("tiny", device="cpu")
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (64, 64, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    embedding = model.embed([image])[0]
    points_xy = rng.uniform(0, 511, (12, 2))
    logits, iou = build_peer_decoder(model)(embedding, points_xy)
    lowest = float(iou.median())
    found = model.decode_points(embedding, points_xy, lowest_iou=lowest)
    torch.testing.assert_close(found.predicted_iou, iou, atol=1e-5, rtol=1e-5)
    assert len(found.points) == int((iou > lowest).sum()) > 0
    torch.testing.assert_close(
        found.low_res_logits, logits[found.points, found.tokens - 1],
        atol=1e-3, rtol=1e-4,
    )  # fmt: skip
    order = (found.points * 4 + found.tokens).diff()
    assert (order > 0).all()

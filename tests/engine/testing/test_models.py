from __future__ import annotations

import numpy as np
import torch
from numpy.testing import assert_array_equal

from tilesam.testing.models import bright_region_model, tiny_random_model


def test_equal_seeds_give_equal_weights_and_leave_the_global_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (tiny_random_model(seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    weights = [
        m.network.state_dict()["image_encoder.stem.weight"]
        for m in (first, again, other)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_bright_region_model_says_where_it_is_bright():
    model = bright_region_model()
    image = np.zeros((64, 64, 3), np.uint8)
    image[8:24, 40:48] = 255
    embedding = model.embed([image])[0]
    decoded = model.decode(
        embedding, points_xy=np.array([[[41.0, 9.0]]]), point_labels=np.array([[1]])
    )
    expected = np.full((16, 16), -4.0)
    expected[2:6, 10:12] = 4.0
    assert_array_equal(decoded.low_res_logits[0, 0], expected)

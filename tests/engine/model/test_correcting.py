from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from tests.engine.model.refining.scripted import bright, scripted_refiner
from tilesam.model.correcting import decode_prompts
from tilesam.model.runtime import SamModel
from tilesam.testing.models import tiny_random_model

RNG = np.random.default_rng(0)
POINTS = {
    "points_xy": RNG.uniform(5, 60, size=(2, 3, 2)).astype(np.float32),
    "point_labels": np.array([[1, 0, 1], [1, 1, -1]]),
}
EARLIER = {"mask_input": RNG.normal(scale=9, size=(2, 16, 16)).astype(np.float32)}
NEGATIVE = POINTS | {"point_labels": np.array([[1, 0, 1], [0, 0, -1]])}
BOXES = {"boxes_xyxy": np.array([[[5, 5, 30, 40]], [[9, 2, 50, 33]]], np.float32)}


@pytest.fixture(scope="module")
def refined() -> SamModel:
    model = tiny_random_model(1)
    model.refiner = scripted_refiner(bright)
    return model


@pytest.fixture(scope="module")
def embedding(refined):
    image = RNG.integers(0, 255, size=(64, 64, 3), dtype=np.uint8)
    return refined.embed([image])[0]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        assert_close(one, other)


def test_the_masks_of_a_correction_change_with_what_is_corrected(refined, embedding):
    """Or else the other tests would say nothing."""
    free = refined.decode(embedding, **POINTS)
    corrected = refined.decode(embedding, **POINTS, **EARLIER)
    assert (free.low_res_logits - corrected.low_res_logits).abs().amax() > 1e-3


def test_alternatives_to_a_correction_are_of_the_points_alone(refined, embedding):
    found = decode_prompts(refined, embedding, POINTS | EARLIER)
    corrected = refined.decode(embedding, **POINTS, **EARLIER)
    free = refined.decode(embedding, **POINTS)
    assert_same([part[:, :1] for part in found], [part[:, :1] for part in corrected])
    assert_same([part[:, 1:] for part in found], [part[:, 1:] for part in free])
    assert found.low_res_logits.dtype == torch.float32


@pytest.mark.parametrize(
    "prompts",
    [
        *(POINTS, BOXES, EARLIER, POINTS | BOXES),
        *(POINTS | BOXES | EARLIER, NEGATIVE | EARLIER),
    ],
)
def test_all_else_is_answered_as_by_the_model(prompts, refined, embedding):
    found = decode_prompts(refined, embedding, prompts)
    assert_same(found, refined.decode(embedding, **prompts))


def test_a_model_without_a_refiner_answers_as_ever(embedding):
    model = tiny_random_model(1)
    found = decode_prompts(model, embedding, POINTS | EARLIER)
    assert_same(found, model.decode(embedding, **POINTS, **EARLIER))

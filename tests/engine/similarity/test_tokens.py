"""The decoder's token, compared with what the whole decoder makes on its way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from tilesam import load_model
from tilesam.similarity.tokens import mask_tokens
from tilesam.testing.models import tiny_random_model

BOXES = np.array(
    [[3.0, 4, 20, 30], [10, 10, 60, 50], [0, 0, 63, 63], [40, 8, 41, 9], [5, 5, 5, 5]]
)


@pytest.fixture(scope="module", params=["random", "tiny"])
def model(request):
    # One draws boxes into the mask prompt, the other does not.
    return tiny_random_model(0) if request.param == "random" else load_model("tiny")


def tokens_of_decoder(model, embedding, boxes):
    """Return the single mask's token of a whole answer."""
    seen = []

    def keep(_module, _inputs, output):
        seen.append(output[0][0, :, 1])

    transformer = model.network.mask_decoder.transformer
    handle = transformer.register_forward_hook(keep)
    try:
        model.decode(embedding, boxes_xyxy=boxes[:, np.newaxis])
    finally:
        handle.remove()
    return torch.cat(seen).numpy()


def test_it_is_the_token_of_the_whole_decoder(model):
    rng = np.random.default_rng(1)
    side = model.input_size
    pixels = rng.integers(0, 255, (side, side, 3)).astype(np.uint8)
    embedding = model.embed([pixels])[0]
    found = mask_tokens(model, embedding, BOXES)
    assert found.shape == (len(BOXES), 256)
    assert_allclose(found, tokens_of_decoder(model, embedding, BOXES), atol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-3

from __future__ import annotations

import pytest
import torch

from tilesam.model.configs import CONFIGS, PyramidConfig, SamConfig, build_sam
from tilesam.model.encoders.pyramid import ConvPyramid

SMALL = PyramidConfig(dims=(8, 8, 8, 8), depths=(1, 1, 1, 1))


@pytest.mark.parametrize("side", [64, 128, 192])
def test_the_embedding_has_a_cell_for_sixteen_pixels(side: int) -> None:
    embedding = ConvPyramid(SMALL)(torch.randn(1, 3, side, side))
    assert embedding.shape == (1, 256, side // 16, side // 16)


def test_fine_detail_reaches_the_embedding_of_its_own_cell() -> None:
    torch.manual_seed(0)
    encoder = ConvPyramid(SMALL).eval()
    image = torch.randn(1, 3, 128, 128)
    changed = image.clone()
    changed[0, :, 83, 35] += 5.0  # in cell (5, 2)
    with torch.no_grad():
        difference = (encoder(changed) - encoder(image)).abs().sum(dim=1)[0]
    row, column = divmod(int(difference.argmax()), difference.shape[1])
    assert (row, column) == (5, 2)


def test_the_embedded_model_keeps_its_promise_of_size() -> None:
    encoder = build_sam(CONFIGS["tiny"]).image_encoder
    assert sum(p.numel() for p in encoder.parameters()) <= 10_000_000


@pytest.mark.parametrize("shape", [(1, 3, 100, 100), (1, 3, 64, 128)])
def test_an_input_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    network = build_sam(SamConfig("small", 64, SMALL))
    with pytest.raises(ValueError, match="multiple of 64"):
        network.encode(torch.zeros(shape))

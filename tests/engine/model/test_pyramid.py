from __future__ import annotations

import pytest
import torch

from tilesam.model.configs import CONFIGS, PyramidConfig, SamConfig, build_sam
from tilesam.model.encoders.pyramid import ConvPyramid
from tilesam.model.mask_decoder import to_image_order

SMALL = PyramidConfig(dims=(8, 8, 8, 8), depths=(1, 1, 1, 1))


@pytest.mark.parametrize("side", [64, 128, 192])
def test_the_embedding_has_a_cell_for_sixteen_pixels(side: int) -> None:
    embedding = ConvPyramid(SMALL)(torch.randn(1, 3, side, side))
    assert embedding.shape == (1, 256, side // 16, side // 16)


def test_a_change_in_a_quadrant_is_seen_in_that_quadrant() -> None:
    torch.manual_seed(0)
    encoder = ConvPyramid(SMALL).eval()
    image = torch.randn(1, 3, 128, 128)
    changed = image.clone()
    changed[0, :, 82:94, 34:46] += 3.0  # lower left
    with torch.no_grad():
        difference = (encoder(changed) - encoder(image)).abs().sum(dim=1)
    quadrants = torch.nn.functional.avg_pool2d(difference, 4)[0]
    assert quadrants.argmax() == 2
    assert quadrants[1, 0] > 3 * quadrants[0, 1]


@pytest.mark.parametrize(("y", "x"), [(0, 0), (9, 6), (14, 15)])
def test_a_fresh_fold_is_taken_apart_by_the_fresh_decoder(y: int, x: int) -> None:
    torch.manual_seed(0)
    network = build_sam(SamConfig("small", 64, SMALL))
    fold = network.image_encoder.fold4[1]
    fine = torch.randn(1, 8, 16, 16)
    changed = fine.clone()
    changed[0, :, y, x] += 3.0
    first, second = (
        network.mask_decoder.upscale_features(
            fold(level).flatten(2).transpose(1, 2).unsqueeze(1)
        )
        for level in (fine, changed)
    )
    difference = to_image_order((second - first).abs(), (4, 4)).sum(dim=(0, 1, 2))
    assert divmod(int(difference.argmax()), 16) == (y, x)


def test_the_embedded_model_keeps_its_promise_of_size() -> None:
    encoder = build_sam(CONFIGS["tiny"]).image_encoder
    assert sum(p.numel() for p in encoder.parameters()) <= 10_000_000


@pytest.mark.parametrize("shape", [(1, 3, 100, 100), (1, 3, 64, 128)])
def test_an_input_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    network = build_sam(SamConfig("small", 64, SMALL))
    with pytest.raises(ValueError, match="multiple of 64"):
        network.encode(torch.zeros(shape))

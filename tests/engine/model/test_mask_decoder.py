"""Upscaling by matrix products against transposed convolutions."""

from __future__ import annotations

import pytest
import torch

from tilesam.model import mask_decoder
from tilesam.model.layers import LayerNorm2d
from tilesam.model.mask_decoder import MaskDecoder, spread, to_image_order

GRID = (3, 5)


def test_spread_is_a_transposed_convolution() -> None:
    torch.manual_seed(0)
    layer = torch.nn.ConvTranspose2d(6, 4, 2, stride=2)
    image = torch.randn(1, 6, 2, 2)
    squares = spread(image.permute(0, 2, 3, 1), layer)  # (1, 2, 2, 4, 4)
    expected = layer(image)[0]
    for y in range(2):
        for x in range(2):
            block = expected[:, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
            torch.testing.assert_close(
                squares[0, y, x], block.permute(1, 2, 0).flatten(0, 1)
            )


def test_upscaled_features_are_those_of_the_layers_in_image_order() -> None:
    torch.manual_seed(0)
    decoder = MaskDecoder()
    image = torch.randn(2, 256, *GRID)
    positions = image.flatten(2).transpose(1, 2).unsqueeze(1)
    features = to_image_order(decoder.upscale_features(positions), GRID)
    expected = decoder.output_upscaling(image)
    torch.testing.assert_close(features.squeeze(1), expected, atol=1e-5, rtol=1e-5)


def test_layer_norm_2d_is_over_channels() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 8, 3, 4) * 5 + 2
    norm = LayerNorm2d(8)
    mean, std = x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True).sqrt()
    torch.testing.assert_close(norm(x), (x - mean) / std, atol=1e-4, rtol=1e-4)


def test_all_four_masks_of_all_prompts_come_back() -> None:
    torch.manual_seed(0)
    decoder = MaskDecoder()
    output = decoder(
        torch.randn(2, 256, *GRID),
        torch.randn(256, *GRID),
        torch.randn(2, 3, 2, 256),
        torch.randn(1, 1, 256, 1, 1),
    )
    assert output.low_res_logits.shape == (2, 3, 4, 12, 20)
    assert output.predicted_iou.shape == (2, 3, 4)


@pytest.mark.parametrize("prompt", ["points", "masks", "points and masks"])
@pytest.mark.parametrize("positions", [1, 2 * 2 * 15, 3 * 2 * 15])
def test_prompts_are_answered_alike_whichever_share_a_pass(
    monkeypatch: pytest.MonkeyPatch, prompt: str, positions: int
) -> None:
    torch.manual_seed(0)
    decoder = MaskDecoder()
    sparse = torch.randn(2, 5, 3, 256) if "points" in prompt else None
    dense = torch.randn(2, 5, 256, *GRID) if "masks" in prompt else None
    inputs = (
        torch.randn(2, 256, *GRID),
        torch.randn(256, *GRID),
        sparse,
        torch.randn(1, 1, 256, 1, 1) if dense is None else dense,
    )
    together = decoder(*inputs)  # with gradients: all at once
    monkeypatch.setattr(mask_decoder, "POSITIONS_AT_A_TIME", positions)
    with torch.inference_mode():
        apart = decoder(*inputs)
    assert apart.low_res_logits.shape == (2, 5, 4, 12, 20)
    for one, other in zip(apart, together, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)

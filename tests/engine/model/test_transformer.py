"""The folded attention against the plain formulation of the paper."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tilesam.model.transformer import (
    Attention,
    ImageToTokenAttention,
    TokenToImageAttention,
    TwoWayTransformer,
)

B, N, T, L, D, HEADS = 2, 3, 5, 16, 32, 4


def plain_attention(
    layer: Attention, query: Tensor, key: Tensor, value: Tensor
) -> Tensor:
    q, k, v = (
        layer.split_heads(projection(x))
        for projection, x in (
            (layer.q_proj, query),
            (layer.k_proj, key),
            (layer.v_proj, value),
        )
    )
    return layer.join_heads(F.scaled_dot_product_attention(q, k, v))


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def randomize_biases(layer: Attention) -> None:
    # Fresh layers have biases near zero, which would hide a forgotten one.
    for name, parameter in layer.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)


@pytest.mark.parametrize("prompts_of_image", [1, N])
def test_tokens_reading_the_image_equals_plain_attention(prompts_of_image: int) -> None:
    torch.manual_seed(0)
    layer = TokenToImageAttention(D, HEADS, 2)
    randomize_biases(layer)
    tokens, key, value = (
        random(B, N, T, D),
        random(B, prompts_of_image, L, D),
        random(B, prompts_of_image, L, D) + 1,
    )
    expected = plain_attention(
        layer, tokens, key.expand(B, N, L, D), value.expand(B, N, L, D)
    )
    torch.testing.assert_close(
        layer(tokens, key, value), expected, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("prompts_of_image", [1, N])
def test_image_reading_the_tokens_equals_plain_attention(prompts_of_image: int) -> None:
    torch.manual_seed(0)
    layer = ImageToTokenAttention(D, HEADS, 2)
    randomize_biases(layer)
    image = random(B, prompts_of_image, L, D)
    key, value = random(B, N, T, D), random(B, N, T, D) + 1
    expected = plain_attention(layer, image.expand(B, N, L, D), key, value)
    torch.testing.assert_close(layer(image, key, value), expected, atol=1e-5, rtol=1e-5)


def test_a_prompt_is_answered_alike_alone_and_in_a_batch() -> None:
    torch.manual_seed(0)
    transformer = TwoWayTransformer(depth=2, dim=D, num_heads=HEADS, mlp_dim=64)
    image, image_pe, tokens = random(1, 1, L, D), random(L, D), random(1, N, T, D)
    batched_tokens, batched_image = transformer(image, image_pe, tokens)
    for index in range(N):
        alone_tokens, alone_image = transformer(
            image, image_pe, tokens[:, index : index + 1]
        )
        torch.testing.assert_close(alone_tokens[0, 0], batched_tokens[0, index])
        torch.testing.assert_close(alone_image[0, 0], batched_image[0, index])

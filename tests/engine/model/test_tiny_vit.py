"""TinyViT: names as released, any size, and each shortcut against the long way."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tilesam.model.configs import TinyViTConfig
from tilesam.model.encoders.tiny_vit import (
    BiasedAttention,
    ConvNorm,
    TinyViT,
    drop_path_rates,
    pair_offsets,
)

SMALL = TinyViTConfig(
    embed_dims=(8, 16, 16, 24),
    depths=(1, 1, 2, 1),
    num_heads=(1, 2, 2, 3),
    window_sizes=(3, 3, 5, 3),
    mlp_ratio=2.0,
    out_channels=12,
)


def small_encoder(drop_path_rate: float = 0.0) -> TinyViT:
    torch.manual_seed(0)
    config = TinyViTConfig(**{**vars(SMALL), "drop_path_rate": drop_path_rate})
    encoder = TinyViT(config)
    # Fresh norms and biases are trivial and would hide that one is not used.
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.normal_(module.running_mean)
        elif isinstance(module, BiasedAttention):
            nn.init.normal_(module.attention_biases)
    return encoder


def test_parameters_are_those_of_the_released_weights() -> None:
    with torch.device("meta"):
        encoder = TinyViT(TinyViTConfig())
    assert len(encoder.state_dict()) == 298
    # 6,065,532 with the classifier that SAM has no use for: a norm and a 1000-way head.
    classifier = 2 * 320 + 320 * 1000 + 1000
    count = sum(parameter.numel() for parameter in encoder.parameters())
    assert count + classifier == 6_065_532


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("patch_embed.seq.0.c.weight", (32, 3, 3, 3)),
        ("patch_embed.seq.2.bn.running_var", (64,)),
        ("layers.0.blocks.1.conv2.c.weight", (256, 1, 3, 3)),
        ("layers.0.downsample.conv1.bn.weight", (128,)),
        ("layers.1.blocks.0.attn.attention_biases", (4, 49)),
        ("layers.2.blocks.5.attn.attention_biases", (5, 196)),
        ("layers.2.blocks.5.attn.qkv.bias", (480,)),
        ("layers.2.downsample.conv3.c.weight", (320, 320, 1, 1)),
        ("layers.3.blocks.1.mlp.fc1.weight", (1280, 320)),
        ("layers.3.blocks.1.mlp.norm.bias", (320,)),
        ("layers.3.blocks.0.local_conv.bn.num_batches_tracked", ()),
        ("neck.0.weight", (256, 320, 1, 1)),
        ("neck.3.bias", (256,)),
    ],
)
def test_names_and_shapes_are_as_released(name: str, shape: tuple[int, ...]) -> None:
    with torch.device("meta"):
        encoder = TinyViT(TinyViTConfig())
    assert encoder.state_dict()[name].shape == shape


@pytest.mark.parametrize("size", [(64, 64), (128, 128), (192, 64)])
def test_any_multiple_of_64_is_encoded_at_a_sixteenth(size: tuple[int, int]) -> None:
    encoder = small_encoder().eval()
    with torch.inference_mode():
        embedding = encoder(torch.randn(2, 3, *size))
    assert embedding.shape == (2, 12, size[0] // 16, size[1] // 16)


def test_offsets_of_a_window_made_by_hand() -> None:
    assert pair_offsets(2).tolist() == [
        [0, 1, 2, 3],
        [1, 0, 3, 2],
        [2, 3, 0, 1],
        [3, 2, 1, 0],
    ]


def test_biased_attention_is_the_formula() -> None:
    torch.manual_seed(0)
    layer = BiasedAttention(12, 3, 2)
    nn.init.normal_(layer.attention_biases)
    x = torch.randn(5, 4, 12)
    qkv = layer.qkv(layer.norm(x)).view(5, 4, 3, 12)  # a head's q, k, v side by side
    heads = []
    for head in range(3):
        q, k, v = qkv[:, :, head].split(4, dim=-1)
        scores = q @ k.transpose(1, 2) / 2.0
        scores = scores + layer.attention_biases[head][layer.attention_bias_idxs]
        heads.append(scores.softmax(-1) @ v)
    torch.testing.assert_close(layer(x), layer.proj(torch.cat(heads, -1)))


@pytest.mark.parametrize(("groups", "stride"), [(1, 1), (4, 2)])
def test_folded_norm_equals_norm_after_convolution(groups: int, stride: int) -> None:
    torch.manual_seed(0)
    layer = ConvNorm(4, 8, 3, groups=groups, stride=stride)
    nn.init.normal_(layer.bn.running_mean)
    nn.init.uniform_(layer.bn.running_var, 0.2, 2.0)
    nn.init.normal_(layer.bn.weight)
    nn.init.normal_(layer.bn.bias)
    layer.eval()
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(layer(x), layer.bn(layer.c(x)), atol=1e-5, rtol=1e-5)


def test_new_biases_are_used_without_leaving_eval_mode() -> None:
    encoder, images = small_encoder().eval(), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = encoder(images)
        encoder.layers[1].blocks[0].attn.attention_biases.add_(torch.randn(2, 9))
        assert not torch.allclose(encoder(images), before)


def test_images_of_a_batch_do_not_mix_in_eval_mode() -> None:
    encoder, images = small_encoder().eval(), torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        together = encoder(images)
        for index in range(3):
            alone = encoder(images[index : index + 1])[0]
            torch.testing.assert_close(alone, together[index], atol=1e-5, rtol=1e-5)


def test_every_parameter_learns() -> None:
    encoder = small_encoder()
    encoder(torch.randn(2, 3, 64, 64)).square().mean().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_drop_path_rates_rise_over_all_stages() -> None:
    config = TinyViTConfig(depths=(2, 1, 2, 1), drop_path_rate=0.5)
    rates = [drop_path_rates(config, index) for index in range(4)]
    expected = [[0.0, 0.1], [0.2], [0.3, 0.4], [0.5]]
    assert rates == [pytest.approx(stage) for stage in expected]


def test_paths_are_dropped_in_training_only() -> None:
    encoder, images = small_encoder(drop_path_rate=0.9), torch.randn(1, 3, 64, 64)
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()  # so that nothing but the dropped paths is random
    with torch.no_grad():
        assert len({encoder(images).sum().item() for _ in range(6)}) > 1
        encoder.eval()
        assert len({encoder(images).sum().item() for _ in range(2)}) == 1


def test_half_precision_stays_near() -> None:
    encoder, images = small_encoder().eval(), torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        exact = encoder(images)
        with torch.autocast("cpu", torch.bfloat16):
            rough = encoder(images)
    assert (rough.float() - exact).abs().mean() < 0.1


@pytest.mark.gpu
@pytest.mark.parametrize("size", [128, 192])
def test_gpu_agrees_with_cpu(size: int) -> None:
    encoder, images = small_encoder().eval(), torch.randn(2, 3, size, size)
    with torch.inference_mode():
        expected = encoder(images)
        result = encoder.cuda()(images.cuda())
    torch.testing.assert_close(result.cpu(), expected, atol=1e-2, rtol=1e-2)

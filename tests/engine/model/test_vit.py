"""SAM's ViT: names and sizes as released, windows that keep to themselves, any size."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tilesam.model import attention
from tilesam.model.configs import CONFIGS, ViTConfig, build_image_encoder
from tilesam.model.encoders.vit import ViT

SMALL = ViTConfig(
    embed_dim=16,
    depth=2,
    num_heads=2,
    global_blocks=(1,),
    window_size=3,
    image_grid=8,
    out_channels=12,
)


def small_encoder(config: ViTConfig = SMALL) -> ViT:
    torch.manual_seed(0)
    encoder = ViT(config).eval()
    with torch.no_grad():
        # Released weights have these far from zero, where they start.
        encoder.pos_embed.normal_()
        for name, parameter in encoder.named_parameters():
            if "rel_pos" in name:
                parameter.normal_()
    return encoder


@pytest.mark.parametrize(
    ("name", "parameters", "keys"),
    [
        ("vit_b", 89_670_912, 177),
        ("vit_l", 308_278_272, 345),
        ("vit_h", 637_026_048, 457),
    ],
)
def test_sizes_are_as_released(name: str, parameters: int, keys: int) -> None:
    with torch.device("meta"):
        encoder = build_image_encoder(CONFIGS[name].encoder)
    assert sum(p.numel() for p in encoder.parameters()) == parameters
    assert len(encoder.state_dict()) == keys


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("pos_embed", (1, 64, 64, 768)),
        ("patch_embed.proj.weight", (768, 3, 16, 16)),
        ("blocks.0.attn.rel_pos_h", (27, 64)),
        ("blocks.2.attn.rel_pos_w", (127, 64)),
        ("blocks.3.attn.qkv.weight", (2304, 768)),
        ("blocks.11.mlp.lin1.bias", (3072,)),
        ("blocks.11.norm2.weight", (768,)),
        ("neck.2.weight", (256, 256, 3, 3)),
        ("neck.3.bias", (256,)),
    ],
)
def test_names_and_shapes_are_as_released(name: str, shape: tuple[int, ...]) -> None:
    with torch.device("meta"):
        encoder = build_image_encoder(CONFIGS["vit_b"].encoder)
    assert encoder.state_dict()[name].shape == shape


@pytest.mark.parametrize("size", [(128, 128), (64, 64), (192, 192), (64, 128)])
def test_any_multiple_of_64_is_encoded_at_a_sixteenth(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        embedding = small_encoder()(torch.randn(2, 3, *size))
    assert embedding.shape == (2, 12, size[0] // 16, size[1] // 16)
    assert embedding.isfinite().all()


def test_positions_of_another_grid_are_between_those_of_the_table() -> None:
    encoder = small_encoder()
    with torch.no_grad():
        ramp = torch.arange(8.0)
        encoder.pos_embed.copy_(ramp[None, :, None, None].expand(1, 8, 8, 16))
        assert encoder._positions((8, 8)) is encoder.pos_embed
        finer = encoder._positions((16, 16))
    assert finer.shape == (1, 16, 16, 16)
    # Away from the border a ramp stays a ramp, its centre where it was.
    rows = finer[0, 4:12, 0, 0]
    torch.testing.assert_close(rows, torch.arange(4.0, 12.0) / 2 - 0.25)


def test_a_window_does_not_see_its_neighbours() -> None:
    encoder = small_encoder(ViTConfig(**{**vars(SMALL), "global_blocks": ()}))
    encoder.neck = nn.Identity()  # its 3x3 convolution looks across borders
    images = torch.randn(1, 3, 128, 128)
    changed = images.clone()
    changed[:, :, 20, 20] += 5.0  # cell (1, 1), so window (0, 0) of 3 x 3 cells
    with torch.inference_mode():
        difference = (encoder(images) - encoder(changed)).abs().amax(dim=(0, 1))
    assert difference[:3, :3].min() > 0
    assert difference.count_nonzero() == 3 * 3


def test_a_global_block_sees_everything() -> None:
    encoder = small_encoder()
    images = torch.randn(1, 3, 128, 128)
    changed = images.clone()
    changed[:, :, 0, 0] += 20.0
    with torch.inference_mode():
        difference = (encoder(images) - encoder(changed)).abs().amax(dim=(0, 1))
    assert difference.min() > 0


def test_the_memory_budget_does_not_change_the_embedding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder, images = small_encoder(), torch.randn(2, 3, 128, 128)
    with torch.inference_mode():
        expected = encoder(images)
        monkeypatch.setattr(attention, "CACHE_BYTES_PER_CORE", 1)
        torch.testing.assert_close(encoder(images), expected, atol=1e-5, rtol=1e-5)


def test_every_parameter_learns() -> None:
    encoder = small_encoder().train()
    encoder(torch.randn(1, 3, 128, 128)).square().mean().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gpu_agrees_with_cpu(dtype: torch.dtype) -> None:
    encoder, images = small_encoder(), torch.randn(2, 3, 192, 192)
    with torch.inference_mode():
        expected = encoder(images)
        with torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
            result = encoder.cuda()(images.cuda())
    difference = (result.float().cpu() - expected).abs()
    assert difference.mean() < (1e-3 if dtype == torch.float32 else 0.1)


def test_drop_path_skips_blocks_in_training_alone():
    torch.manual_seed(0)
    encoder = ViT(ViTConfig(32, 2, 2, (1,), image_grid=4, drop_path_rate=0.9))
    assert [block.drop_path.rate for block in encoder.blocks] == [0.0, 0.9]
    images = torch.randn(8, 3, 64, 64)
    trained = [encoder.train()(images) for _ in range(2)]
    assert not torch.equal(*trained)
    answered = [encoder.eval()(images) for _ in range(2)]
    assert torch.equal(*answered)

"""Our image encoders and those of `timm` agree at random weights.

`timm` imports torchvision, which does not load beside every build of torch; where it
does not, these tests are skipped.
"""

from __future__ import annotations

import re
import warnings

import pytest
import torch
from torch import nn

from tests.parity.peer import randomize
from tilesam.model.configs import TinyViTConfig, ViTConfig
from tilesam.model.encoders.tiny_vit import TinyViT
from tilesam.model.encoders.vit import ViT

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from timm.models.tiny_vit import TinyVit as TimmTinyViT
        from timm.models.vision_transformer_sam import VisionTransformerSAM as TimmViT
except (ImportError, RuntimeError) as error:  # operators missing: RuntimeError
    pytest.skip(f"timm does not load: {error}", allow_module_level=True)

TOLERANCE = {"atol": 1e-4, "rtol": 1e-4}

VIT = ViTConfig(48, 3, 3, (1,), window_size=7, image_grid=16)
TINY_VIT = TinyViTConfig(
    embed_dims=(16, 32, 40, 80), num_heads=(1, 2, 2, 4), depths=(1, 2, 2, 1)
)

# `timm` has the way to the next stage at the start of that, we at the end of this one.
TINY_VIT_RULES = [
    (r"patch_embed\.conv1", "patch_embed.seq.0"),
    (r"patch_embed\.conv2", "patch_embed.seq.2"),
    (r"\.conv\.weight", ".c.weight"),
    (r"stages\.1\.downsample", "layers.0.downsample"),
    (r"stages\.2\.downsample", "layers.1.downsample"),
    (r"stages\.3\.downsample", "layers.2.downsample"),
    (r"stages\.", "layers."),
]


def renamed(name: str, rules: list[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("size", [256, 384])
def test_vit_agrees(size: int) -> None:
    timm = TimmViT(
        img_size=256,
        num_classes=0,
        embed_dim=VIT.embed_dim,
        depth=VIT.depth,
        num_heads=VIT.num_heads,
        norm_layer=lambda *args, **kwargs: nn.LayerNorm(*args, eps=1e-6, **kwargs),
        use_rel_pos=True,
        use_abs_pos=size == 256,  # how other sizes are interpolated is a free choice
        window_size=VIT.window_size,
        global_attn_indexes=VIT.global_blocks,
    ).eval()
    randomize(timm, seed=0)
    ours = ViT(VIT).eval()
    rules = [(r"mlp\.fc", "mlp.lin")]
    state = {renamed(name, rules): x for name, x in timm.state_dict().items()}
    state.setdefault("pos_embed", torch.zeros_like(ours.pos_embed))
    ours.load_state_dict(state)
    images = random(2, 3, size, size)
    with torch.inference_mode():
        expected = timm.forward_features(images)
        assert expected.std() > 0.1
        torch.testing.assert_close(ours(images), expected, **TOLERANCE)


@pytest.mark.parametrize("size", [128, 192, 224])
def test_tiny_vit_agrees(size: int) -> None:
    timm = TimmTinyViT(
        num_classes=0,
        embed_dims=TINY_VIT.embed_dims,
        depths=TINY_VIT.depths,
        num_heads=TINY_VIT.num_heads,
        window_sizes=TINY_VIT.window_sizes,
    ).eval()
    randomize(timm, seed=0)
    # SAM's encoder stays at a sixteenth where the classifier goes to a thirty-second.
    timm.stages[3].downsample.conv2.conv.stride = (1, 1)
    ours = TinyViT(TINY_VIT).eval()
    ours.neck = nn.Identity()
    ours.load_state_dict(
        {
            renamed(name, TINY_VIT_RULES): x
            for name, x in timm.state_dict().items()
            if not name.startswith("head.")
        }
    )
    images = random(2, 3, size, size)
    with torch.inference_mode():
        expected = timm.forward_features(images)
        assert expected.std() > 0.1
        torch.testing.assert_close(ours(images), expected, **TOLERANCE)

"""Every number of every architecture, and the one function that builds from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from tilesam.model.sam import Sam

PATCH_SIZE = 16
"""Side in pixels of the square that one cell of the image embedding stands for."""

EMBED_DIM = 256
"""Channels of the image embedding and of every token of the decoder."""


@dataclass(frozen=True)
class ViTConfig:
    """A plain vision transformer with windowed and a few global blocks.

    `image_grid` is the side of the absolute position table, in patches; other
    grids are served by interpolation.
    """

    embed_dim: int
    depth: int
    num_heads: int
    global_blocks: tuple[int, ...]
    window_size: int = 14
    image_grid: int = 64
    out_channels: int = EMBED_DIM
    drop_path_rate: float = 0.0


@dataclass(frozen=True)
class TinyViTConfig:
    """MobileSAM's TinyViT: one convolutional and three windowed stages."""

    embed_dims: tuple[int, ...] = (64, 128, 160, 320)
    depths: tuple[int, ...] = (2, 2, 6, 2)
    num_heads: tuple[int, ...] = (2, 4, 5, 10)
    window_sizes: tuple[int, ...] = (7, 7, 14, 7)
    mlp_ratio: float = 4.0
    out_channels: int = EMBED_DIM
    drop_path_rate: float = 0.0


@dataclass(frozen=True)
class PyramidConfig:
    """A residual convolutional network whose stages meet at stride 16.

    `dims` and `depths` are those of the stages at strides 4, 8, 16 and 32.
    """

    dims: tuple[int, int, int, int] = (48, 96, 192, 256)
    depths: tuple[int, int, int, int] = (1, 2, 4, 2)
    out_channels: int = EMBED_DIM
    drop_path_rate: float = 0.0


EncoderConfig = ViTConfig | TinyViTConfig | PyramidConfig


@dataclass(frozen=True)
class SamConfig:
    """A whole network: its name, the side of its square input and its encoder.

    `input_size` is what the weights were trained for, in pixels, a multiple of 64.
    `draws_prompts` says that they know points and boxes as a mask prompt as well, see
    `tilesam.model.drawn_prompts`.

    `pred_iou_thresh` and `stability_score_thresh` are what masks have to reach when
    everything is segmented; the defaults are the paper's, for the released weights.
    """

    name: str
    input_size: int
    encoder: EncoderConfig
    draws_prompts: bool = False
    pred_iou_thresh: float = 0.88
    stability_score_thresh: float = 0.95


CONFIGS: dict[str, SamConfig] = {
    config.name: config
    for config in (
        SamConfig("vit_b", 1024, ViTConfig(768, 12, 12, (2, 5, 8, 11))),
        SamConfig("vit_l", 1024, ViTConfig(1024, 24, 16, (5, 11, 17, 23))),
        SamConfig("vit_h", 1024, ViTConfig(1280, 32, 16, (7, 15, 23, 31))),
        SamConfig("vit_t", 1024, TinyViTConfig()),
        SamConfig(
            *("tiny", 512, PyramidConfig()),
            draws_prompts=True,
            pred_iou_thresh=0.5,
            stability_score_thresh=0.9,
        ),
    )
}
"""The architectures by name; `vit_t` is that of MobileSAM."""


def build_sam(config: SamConfig) -> Sam:
    """Return the network of `config` with random weights, on the CPU.

    Parameters
    ----------
    config
        One of `CONFIGS`, or any other combination of sizes.

    Returns
    -------
    Sam
        In training mode, float32.
    """
    from tilesam.model.sam import Sam

    return Sam(config, build_image_encoder(config.encoder))


def build_image_encoder(config: EncoderConfig) -> nn.Module:
    """Return the image encoder of `config` with random weights."""
    if isinstance(config, ViTConfig):
        from tilesam.model.encoders.vit import ViT

        return ViT(config)
    if isinstance(config, TinyViTConfig):
        from tilesam.model.encoders.tiny_vit import TinyViT

        return TinyViT(config)
    from tilesam.model.encoders.pyramid import ConvPyramid

    return ConvPyramid(config)

"""`transformers`' SAM with random weights, and ours with the very same ones."""

from __future__ import annotations

import torch
import transformers
from torch import nn

from tests.parity.hf_names import to_released
from tilesam.model.configs import SamConfig, ViTConfig, build_sam
from tilesam.model.sam import Sam

REDUCED = SamConfig(
    "reduced",
    256,
    ViTConfig(
        embed_dim=48,
        depth=3,
        num_heads=3,
        global_blocks=(1,),
        window_size=7,  # 16 cells are no multiple of it: windows are padded
        image_grid=16,
    ),
)
"""Everything that ViT-B has, in a thousandth of the arithmetic."""


def build_peer(config: SamConfig, seed: int) -> transformers.SamModel:
    """Return the peer in eval mode, float32, with weights that all matter."""
    encoder = config.encoder
    assert isinstance(encoder, ViTConfig)
    peer = transformers.SamModel(
        transformers.SamConfig(
            vision_config=transformers.SamVisionConfig(
                hidden_size=encoder.embed_dim,
                num_hidden_layers=encoder.depth,
                num_attention_heads=encoder.num_heads,
                image_size=config.input_size,
                window_size=encoder.window_size,
                global_attn_indexes=list(encoder.global_blocks),
                mlp_dim=4 * encoder.embed_dim,
            ),
            prompt_encoder_config=transformers.SamPromptEncoderConfig(
                image_size=config.input_size
            ),
            # The released network has 1e-5 in its decoder; the peer's default is 1e-6.
            mask_decoder_config=transformers.SamMaskDecoderConfig(layer_norm_eps=1e-5),
        )
    )
    randomize(peer, seed)
    return peer.eval()


def build_ours(config: SamConfig, peer: nn.Module) -> Sam:
    """Return our network in eval mode, with the weights of the peer."""
    network = build_sam(config)
    network.load_state_dict(to_released(peer.state_dict()), strict=True)
    return network.eval()


NORMS = (nn.LayerNorm, nn.BatchNorm2d)


@torch.no_grad()
def randomize(network: nn.Module, seed: int) -> None:
    """Fill all parameters so that every layer passes its input on and adds to it.

    As built, norms are trivial, biases and tables of positions are zero and projections
    so small that a prompt hardly changes the masks: much could be wrong unseen.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            noise = torch.randn(parameter.shape, generator=generator)
            if name == "positional_embedding":
                # The peer starts hundreds of times as wide, and its phases then have
                # no correct digits after the point in float32.
                parameter.copy_(noise)
            elif isinstance(module, NORMS) and name == "weight":
                parameter.copy_(1 + 0.2 * noise)
            elif isinstance(module, nn.Linear | nn.Conv2d) and name == "weight":
                parameter.copy_(noise * parameter[0].numel() ** -0.5)
            elif isinstance(module, nn.ConvTranspose2d) and name == "weight":
                # Its stride is its kernel: one tap of each channel reaches a pixel.
                parameter.copy_(noise * parameter.shape[0] ** -0.5)
            else:
                parameter.copy_(0.3 * noise)

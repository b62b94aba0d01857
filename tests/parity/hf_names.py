"""What `transformers.SamModel` calls its parameters, and what the released files do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

# Applied in this order; the first two name a layer of a small MLP by its place in it.
RULES = [
    (r"((hypernetworks_mlps\.\d|prediction_head)\.)layers\.0", r"\1layers.1"),
    (r"((hypernetworks_mlps\.\d|prediction_head)\.)proj_in", r"\1layers.0"),
    (r"((hypernetworks_mlps\.\d|prediction_head)\.)proj_out", r"\1layers.2"),
    (r"^vision_encoder\.", "image_encoder."),
    (r"patch_embed\.projection", "patch_embed.proj"),
    (r"^image_encoder\.layers", "image_encoder.blocks"),
    (r"neck\.conv1", "neck.0"),
    (r"neck\.layer_norm1", "neck.1"),
    (r"neck\.conv2", "neck.2"),
    (r"neck\.layer_norm2", "neck.3"),
    (
        r"shared_embedding\.positional_embedding",
        "pe_layer.positional_encoding_gaussian_matrix",
    ),
    (r"\.point_embed\.", ".point_embeddings."),
    (r"mask_embed\.conv1", "mask_downscaling.0"),
    (r"mask_embed\.layer_norm1", "mask_downscaling.1"),
    (r"mask_embed\.conv2", "mask_downscaling.3"),
    (r"mask_embed\.layer_norm2", "mask_downscaling.4"),
    (r"mask_embed\.conv3", "mask_downscaling.6"),
    (r"upscale_conv1", "output_upscaling.0"),
    (r"upscale_layer_norm", "output_upscaling.1"),
    (r"upscale_conv2", "output_upscaling.3"),
    (r"layer_norm_final_attn", "norm_final_attn"),
    (r"layer_norm(\d)", r"norm\1"),
]


def to_released(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename all parameters of a `SamModel`; its second copy of the PE is left out."""
    renamed = {}
    for name, tensor in state.items():
        if name.startswith("shared_image_embedding."):
            continue
        for pattern, replacement in RULES:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor
    return renamed

"""Dense targets: what warms the encoder up before the first prompt.

From random weights prompts alone take hundreds of steps before any mask is non-empty.
Foreground, boundary and closeness to the centre are seen by every pixel at once, and
reach the encoder through the decoder's own upscaling layers.
"""

from __future__ import annotations

from torch import Tensor, nn

from tilesam.model.configs import EMBED_DIM
from tilesam.model.mask_decoder import MaskDecoder, to_image_order


class DenseHead(nn.Module):
    """A linear map on the decoder's upscaled features; thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(EMBED_DIM // 8, 3)

    def forward(self, decoder: MaskDecoder, image_embedding: Tensor) -> Tensor:
        """Return (B, 3, 4h, 4w) logits for a (B, 256, h, w) embedding."""
        grid_hw = image_embedding.shape[-2:]
        image = image_embedding.flatten(2).transpose(1, 2).unsqueeze(1)
        maps = self.project(decoder.upscale_features(image))
        return to_image_order(maps, (grid_hw[0], grid_hw[1])).squeeze(1)

"""Tokens and image to masks: four logits maps and how good each is thought to be.

Kirillov et al. 2023, "Segment Anything", section 3 and appendix A.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tilesam.model.configs import EMBED_DIM
from tilesam.model.layers import MLP, LayerNorm2d, linear
from tilesam.model.transformer import TwoWayTransformer

if TYPE_CHECKING:
    from collections.abc import Iterator

NUM_MASKS = 4
"""Token 0 is the single mask; 1 to 3 are the answers to an ambiguous prompt."""


POSITIONS_AT_A_TIME = 4096
"""Positions of image embeddings that a CPU works on at once.

What is computed of them then stays in the cache and within the sizes that the allocator
of the C library keeps for reuse; a whole batch of prompts takes twice as long.
"""


UpscalingLayers = tuple[
    nn.ConvTranspose2d, LayerNorm2d, nn.Module, nn.ConvTranspose2d, nn.Module
]
"""What `MaskDecoder.output_upscaling` consists of."""


class MaskDecoderOutput(NamedTuple):
    """All four answers to each prompt.

    Parameters
    ----------
    low_res_logits
        (B, N, 4, 4h, 4w) float, unthresholded.
    predicted_iou
        (B, N, 4) float, not clipped.
    """

    low_res_logits: Tensor
    predicted_iou: Tensor


class PassingMasks(NamedTuple):
    """Those of the masks of N ambiguous prompts that are predicted to be good.

    Parameters
    ----------
    low_res_logits
        (M, 4h, 4w) float, unthresholded, in the order of prompts and tokens.
    prompts
        (M,) int64, which of the N prompts each answers.
    tokens
        (M,) int64: 1 the whole, 2 the part, 3 the subpart.
    predicted_iou
        (N, 3) float, not clipped, of all masks that were asked for.
    """

    low_res_logits: Tensor
    prompts: Tensor
    tokens: Tensor
    predicted_iou: Tensor


class MaskDecoder(nn.Module):
    """Decode all masks of all prompts of a batch of images in one pass."""

    def __init__(self, dim: int = EMBED_DIM) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(
            depth=2, dim=dim, num_heads=8, mlp_dim=2048
        )
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(NUM_MASKS, dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, 2, stride=2),
            LayerNorm2d(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, 2, stride=2),
            nn.GELU(),
        )
        for index in (0, 3):
            start_as_unfolding(cast("nn.ConvTranspose2d", self.output_upscaling[index]))
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLP(dim, dim, dim // 8, 3) for _ in range(NUM_MASKS)
        )
        self.iou_prediction_head = MLP(dim, 256, NUM_MASKS, 3)

    def forward(
        self,
        image_embedding: Tensor,
        image_pe: Tensor,
        sparse_prompt_embeddings: Tensor | None,
        dense_prompt_embeddings: Tensor,
    ) -> MaskDecoderOutput:
        """Answer N prompts on each of B images.

        Parameters
        ----------
        image_embedding
            (B, D, h, w).
        image_pe
            (D, h, w) position encoding of the same grid.
        sparse_prompt_embeddings
            (B, N, T, D) tokens, or None when the prompt is a mask alone.
        dense_prompt_embeddings
            (B, N, D, h, w), or (1, 1, D, 1, 1), which all prompts then share.

        Returns
        -------
        MaskDecoderOutput
            All four masks; whoever asked chooses among them.
        """
        sparse, dense = sparse_prompt_embeddings, dense_prompt_embeddings
        parts = [
            self._decode(image_embedding, image_pe, *prompts)
            for prompts in _few_at_a_time(image_embedding, sparse, dense)
        ]
        if len(parts) == 1:
            return parts[0]
        return MaskDecoderOutput(
            torch.cat([part.low_res_logits for part in parts], dim=1),
            torch.cat([part.predicted_iou for part in parts], dim=1),
        )

    def decode_passing(
        self,
        image_embedding: Tensor,
        image_pe: Tensor,
        sparse_prompt_embeddings: Tensor | None,
        dense_prompt_embeddings: Tensor,
        *,
        lowest_iou: float,
    ) -> PassingMasks:
        """Answer N ambiguous prompts about one image, as far as it is worth it.

        Logits are made only for prompts of which a mask passes, and kept only of those
        masks; everything else is as in `forward`.

        Parameters
        ----------
        image_embedding, image_pe, sparse_prompt_embeddings, dense_prompt_embeddings
            As above with B = 1.
        lowest_iou
            Masks with a higher predicted IoU pass.
        """
        parts, begin = [], 0
        few = _few_at_a_time(
            image_embedding, sparse_prompt_embeddings, dense_prompt_embeddings
        )
        for prompts in few:
            part = self._decode_passing(
                image_embedding, image_pe, *prompts, lowest_iou=lowest_iou
            )
            parts.append(part._replace(prompts=part.prompts + begin))
            begin += len(part.predicted_iou)
        return PassingMasks(*(torch.cat(x) for x in zip(*parts, strict=True)))

    def _decode(
        self,
        image_embedding: Tensor,
        image_pe: Tensor,
        sparse: Tensor | None,
        dense: Tensor,
    ) -> MaskDecoderOutput:
        tokens, image = self._read(image_embedding, image_pe, sparse, dense)
        logits = self._upscale(image, self._weigh(tokens), _grid_of(image_embedding))
        return MaskDecoderOutput(logits, self.iou_prediction_head(tokens[:, :, 0]))

    def _decode_passing(
        self,
        image_embedding: Tensor,
        image_pe: Tensor,
        sparse: Tensor | None,
        dense: Tensor,
        *,
        lowest_iou: float,
    ) -> PassingMasks:
        tokens, image = self._read(image_embedding, image_pe, sparse, dense)
        iou = self.iou_prediction_head(tokens[:, :, 0])[0, :, 1:]  # (N, 3)
        passes = iou > lowest_iou
        chosen = passes.any(dim=1).nonzero().squeeze(1)
        hyper = self._weigh(tokens[:, chosen])[:, :, 1:]
        logits = self._upscale(image[:, chosen], hyper, _grid_of(image_embedding))[0]
        prompts, tokens_passing = passes.nonzero(as_tuple=True)
        return PassingMasks(logits[passes[chosen]], prompts, tokens_passing + 1, iou)

    def _read(
        self,
        image_embedding: Tensor,
        image_pe: Tensor,
        sparse: Tensor | None,
        dense: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return (B, N, T, D) tokens and (B, N, L, D) positions, both updated."""
        image = image_embedding.unsqueeze(1) + dense
        tokens, image = self.transformer(
            image.flatten(-2).transpose(-2, -1).contiguous(),  # (B, 1 or N, L, D)
            image_pe.flatten(-2).transpose(-2, -1),
            self._build_tokens(image, sparse),
        )
        return tokens, image

    def _weigh(self, tokens: Tensor) -> Tensor:
        """Return (B, N, 4, D/8) what each mask takes of each feature."""
        hyper = [
            mlp(tokens[:, :, 1 + index])
            for index, mlp in enumerate(self.output_hypernetworks_mlps)
        ]
        return torch.stack(hyper, dim=2)

    def _build_tokens(self, image: Tensor, sparse: Tensor | None) -> Tensor:
        output = torch.cat([self.iou_token.weight, self.mask_tokens.weight])
        b, n = image.shape[:2] if sparse is None else sparse.shape[:2]
        output = output.expand(b, n, -1, -1)
        return output if sparse is None else torch.cat([output, sparse], dim=2)

    def _upscale(
        self, image: Tensor, hyper: Tensor, grid_hw: tuple[int, int]
    ) -> Tensor:
        """Return (B, N, 4, 4h, 4w) logits from (B, N, L, D) positions."""
        masks = self.upscale_features(image) @ hyper.transpose(-2, -1)
        return to_image_order(masks, grid_hw)

    def upscale_features(self, image: Tensor) -> Tensor:
        """Return (B, N, 16 L, D/8) features at a quarter of the input's resolution.

        A transposed convolution whose stride is its kernel is a linear map of each
        position to a square of its own. Kept channels-last, the whole chain is matrix
        products; `to_image_order` puts what is left of the channels in place.
        """
        up1, norm, _, up2, _ = cast("UpscalingLayers", tuple(self.output_upscaling))
        x = spread(image, up1)  # (B, N, L, 4, D/4)
        x = F.gelu(F.layer_norm(x, x.shape[-1:], norm.weight, norm.bias, norm.eps))
        return F.gelu(spread(x, up2)).flatten(2, 4)  # (B, N, L, 4, 4, D/8)


def _grid_of(image_embedding: Tensor) -> tuple[int, int]:
    return image_embedding.shape[-2], image_embedding.shape[-1]


def _few_at_a_time(
    image_embedding: Tensor, sparse: Tensor | None, dense: Tensor
) -> Iterator[tuple[Tensor | None, Tensor]]:
    """Yield sparse and dense embeddings of as many prompts as are decoded together."""
    total = dense.shape[1] if sparse is None else sparse.shape[1]
    step = _prompts_at_a_time(image_embedding, total)
    for start in range(0, total, step):
        few = slice(start, start + step)
        yield (
            None if sparse is None else sparse[:, few],
            dense[:, few] if dense.shape[1] > 1 else dense,
        )


def _prompts_at_a_time(image_embedding: Tensor, total: int) -> int:
    if image_embedding.device.type != "cpu" or torch.is_grad_enabled():
        return max(1, total)
    positions = image_embedding[:, 0].numel()
    return max(1, POSITIONS_AT_A_TIME // positions)


def start_as_unfolding(layer: nn.ConvTranspose2d) -> None:
    """Let a fresh 2x2 stride-2 layer give each quadrant a quarter of the channels.

    An encoder that folds fine detail into channels in this order is then read back
    from the first step on; see `tilesam.model.encoders.pyramid`. Small random weights
    stay on everything else.
    """
    share = layer.in_channels // 4
    with torch.no_grad():
        layer.weight.mul_(0.2)
        for quadrant in range(4):
            for channel in range(share):
                row, column = divmod(quadrant, 2)
                layer.weight[quadrant * share + channel, channel, row, column] += 1.0


def to_image_order(x: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """Arrange (B, N, 16 L, C) upscaled positions as (B, N, C, 4h, 4w)."""
    h, w = grid_hw
    x = x.unflatten(2, (h, w, 2, 2, 2, 2))
    # A row is found by h, then by the row inside the first and the second square.
    x = x.permute(0, 1, 8, 2, 4, 6, 3, 5, 7)
    return x.flatten(6, 8).flatten(3, 5)


def spread(x: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """Apply a 2x2 stride-2 transposed convolution to (..., C) as (..., 4, C')."""
    weight = layer.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (4 C', C)
    bias = None if layer.bias is None else layer.bias.repeat(4)
    return linear(x, weight, bias).unflatten(-1, (4, -1))

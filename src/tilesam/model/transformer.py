"""The two-way transformer: tokens read the image, the image reads the tokens.

There are few tokens and many image positions, so every projection that the released
formulation applies to image positions is folded into the tokens here: with `x` an image
position and `t` a token, ``(W_q x) . k_t = x . (W_q^T k_t)``. The result is the same to
rounding; the cost per prompt falls several times and a batch of prompts shares one copy
of the image embedding until the first layer has written to it.

Shapes: B images, N prompts an image, T tokens a prompt, L = h w image positions,
D channels, H heads of d channels. Image tensors have N = 1 while prompts share them.

Kirillov et al. 2023, "Segment Anything", appendix A.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tilesam.model.layers import MLPBlock

LOCALITY_GAIN = 2.0
"""How much larger fresh query and key projections of `CrossAttention` are than usual.

A prompt then scores about 2.7 logits a head at its own place; see `CrossAttention`.
"""


class Attention(nn.Module):
    """Multi-head attention whose heads work in `dim // downsample_rate` channels."""

    def __init__(self, dim: int, num_heads: int, downsample_rate: int = 1) -> None:
        super().__init__()
        inner = dim // downsample_rate
        self.num_heads = num_heads
        self.scale = 1.0 / math.sqrt(inner // num_heads)
        self.q_proj = nn.Linear(dim, inner)
        self.k_proj = nn.Linear(dim, inner)
        self.v_proj = nn.Linear(dim, inner)
        self.out_proj = nn.Linear(inner, dim)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend among tokens: all (B, N, T, D), returns (B, N, T, D)."""
        q = self.split_heads(self.q_proj(query))
        k = self.split_heads(self.k_proj(key))
        v = self.split_heads(self.v_proj(value))
        return self.join_heads(F.scaled_dot_product_attention(q, k, v))

    def split_heads(self, x: Tensor) -> Tensor:
        """(B, N, T, H d) to (B, N, H, T, d)."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)

    def join_heads(self, x: Tensor) -> Tensor:
        """(B, N, H, T, d) to (B, N, T, D), projected."""
        output: Tensor = self.out_proj(x.transpose(-3, -2).flatten(-2))
        return output

    def fold(self, x: Tensor, projection: nn.Linear) -> Tensor:
        """Take per-head (B, N, H, T, d) back through `projection`: (B, N, H, T, D)."""
        weight = projection.weight.unflatten(0, (self.num_heads, -1))  # (H, d, D)
        return x @ weight


class CrossAttention(Attention):
    """Attention between tokens and image, which begins by looking at its own place.

    Queries and keys carry their positions. With equal projections a random position
    encoding makes near pairs score high, so that a fresh network reads and writes
    where the prompt is, instead of having to learn that first. Loading weights
    replaces all of it.
    """

    def __init__(self, dim: int, num_heads: int, downsample_rate: int) -> None:
        super().__init__(dim, num_heads, downsample_rate)
        with torch.no_grad():
            self.q_proj.weight.mul_(LOCALITY_GAIN)
            self.k_proj.weight.copy_(self.q_proj.weight)


class TokenToImageAttention(CrossAttention):
    """Tokens gather from the image; the image is never projected."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend from (B, N, T, D) tokens to (B, 1 or N, L, D) positions."""
        heads = self.split_heads(self.q_proj(query) * self.scale)
        folded = self.fold(heads, self.k_proj)  # (B, N, H, T, D)
        # The bias of k_proj adds the same to all positions: softmax does not see it.
        scores = folded.flatten(2, 3) @ key.transpose(-2, -1)  # (B, N, H T, L)
        gathered = scores.softmax(dim=-1) @ value  # (B, N, H T, D)
        gathered = gathered.unflatten(2, (self.num_heads, -1))
        weight = self.v_proj.weight.unflatten(0, (self.num_heads, -1))  # (H, d, D)
        bias = self.v_proj.bias.unflatten(0, (self.num_heads, 1, -1))
        return self.join_heads(gathered @ weight.transpose(-2, -1) + bias)


class ImageToTokenAttention(CrossAttention):
    """Image positions gather from the tokens; the image is never projected."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend from (B, 1 or N, L, D) positions to (B, N, T, D) tokens."""
        k = self.split_heads(self.k_proj(key) * self.scale)  # (B, N, H, T, d)
        folded = self.fold(k, self.q_proj).flatten(2, 3)  # (B, N, H T, D)
        bias = self.q_proj.bias.unflatten(0, (self.num_heads, -1, 1))  # (H, d, 1)
        offset = (k @ bias).flatten(2)  # (B, N, H T)
        # Positions stay innermost: a softmax along the seven or so tokens is then
        # vectorised over positions, twenty times as fast as along the last axis.
        scores = folded @ query.transpose(-2, -1) + offset.unsqueeze(-1)
        scores = scores.unflatten(2, (self.num_heads, -1))  # (B, N, H, T, L)
        weights = scores.softmax(dim=-2).flatten(2, 3).transpose(-2, -1)
        return weights @ self._outgoing(value) + self.out_proj.bias  # (B, N, L, D)

    def _outgoing(self, value: Tensor) -> Tensor:
        """Return what each head of each token adds to a position: (B, N, H T, D)."""
        v = self.split_heads(self.v_proj(value))  # (B, N, H, T, d)
        weight = self.out_proj.weight.unflatten(1, (self.num_heads, -1))  # (D, H, d)
        return (v @ weight.permute(1, 2, 0)).flatten(2, 3)


class TwoWayAttentionBlock(nn.Module):
    """Self-attention of tokens, tokens to image, MLP, image to tokens."""

    def __init__(
        self, dim: int, num_heads: int, mlp_dim: int, *, is_first: bool
    ) -> None:
        super().__init__()
        self.self_attn = Attention(dim, num_heads)
        self.norm1 = nn.LayerNorm(dim)
        self.cross_attn_token_to_image = TokenToImageAttention(dim, num_heads, 2)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLPBlock(dim, mlp_dim, F.relu)
        self.norm3 = nn.LayerNorm(dim)
        self.norm4 = nn.LayerNorm(dim)
        self.cross_attn_image_to_token = ImageToTokenAttention(dim, num_heads, 2)
        self.is_first = is_first

    def forward(
        self, tokens: Tensor, image: Tensor, token_pe: Tensor, image_pe: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the updated (B, N, T, D) tokens and (B, N, L, D) image."""
        tokens = self.norm1(self._attend_to_tokens(tokens, token_pe))
        placed = image + image_pe
        read = self.cross_attn_token_to_image(tokens + token_pe, placed, image)
        tokens = self.norm2(tokens + read)
        tokens = self.norm3(tokens + self.mlp(tokens))
        written = self.cross_attn_image_to_token(placed, tokens + token_pe, tokens)
        return tokens, self.norm4(image + written)

    def _attend_to_tokens(self, tokens: Tensor, token_pe: Tensor) -> Tensor:
        if self.is_first:  # the tokens are their own positions here: nothing to add
            first: Tensor = self.self_attn(tokens, tokens, tokens)
            return first
        q = tokens + token_pe
        later: Tensor = tokens + self.self_attn(q, q, tokens)
        return later


class TwoWayTransformer(nn.Module):
    """A stack of two-way blocks and one last reading of the image by the tokens."""

    def __init__(self, depth: int, dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TwoWayAttentionBlock(dim, num_heads, mlp_dim, is_first=index == 0)
            for index in range(depth)
        )
        self.final_attn_token_to_image = TokenToImageAttention(dim, num_heads, 2)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(
        self, image: Tensor, image_pe: Tensor, tokens: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Let tokens and image read each other.

        Parameters
        ----------
        image
            (B, 1 or N, L, D) embedding, dense prompt included.
        image_pe
            (L, D) position encoding of the grid.
        tokens
            (B, N, T, D) output tokens and sparse prompts.

        Returns
        -------
        tuple of Tensor
            (B, N, T, D) tokens and (B, N, L, D) image.
        """
        token_pe = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, token_pe, image_pe)
        read = self.final_attn_token_to_image(
            tokens + token_pe, image + image_pe, image
        )
        return self.norm_final_attn(tokens + read), image

"""Attention over windows, and attention with decomposed relative position.

Both go through `scaled_dot_product_attention`, which never holds the whole matrix of
weights where its additive bias is small; the bias of a relative position is as large
as that matrix, so it is made, used and dropped for a few rows of queries at a time.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

Size = tuple[int, int]

CACHE_BYTES_PER_CORE = 2 * 2**20
"""Bias that is made at a time on a CPU: what a core reads back before it is evicted."""

ACCELERATOR_BYTES = 256 * 2**20
"""Bias that is made at a time on a GPU: few launches, and little beside the weights."""


def partition_windows(x: Tensor, size: int) -> Tensor:
    """Cut a feature map into square windows, zero-padded at the right and bottom.

    Parameters
    ----------
    x
        (B, H, W, D).
    size
        Side of a window in cells.

    Returns
    -------
    Tensor
        (B * windows, size, size, D), row by row of windows.
    """
    h, w = x.shape[1:3]
    x = F.pad(x, (0, 0, 0, -w % size, 0, -h % size))
    x = x.unflatten(2, (-1, size)).unflatten(1, (-1, size))  # B nh size nw size D
    return x.transpose(2, 3).flatten(0, 2)


def merge_windows(windows: Tensor, hw: Size) -> Tensor:
    """Put windows of `partition_windows` together again and cut the padding off.

    Parameters
    ----------
    windows
        (B * windows, size, size, D).
    hw
        Height and width of the map before padding.

    Returns
    -------
    Tensor
        (B, H, W, D); a view where there was no padding to cut.
    """
    size = windows.shape[1]
    rows, columns = (-(-side // size) for side in hw)
    x = windows.unflatten(0, (-1, rows, columns)).transpose(2, 3)
    return x.flatten(3, 4).flatten(1, 2)[:, : hw[0], : hw[1]]


def attend_with_relative_position(
    q: Tensor, k: Tensor, v: Tensor, *, rel_pos_h: Tensor, rel_pos_w: Tensor
) -> Tensor:
    """Attend among the cells of a map, biased by their relative position.

    The score of a query at (y, x) and a key at (y', x') is ``q . k / sqrt(d)`` plus
    ``q . rel_pos_h[y - y']`` plus ``q . rel_pos_w[x - x']``; `q` is scaled only in the
    first of the three, as in the released networks.

    Parameters
    ----------
    q, k, v
        (N, H, W, d); N counts batch and heads.
    rel_pos_h, rel_pos_w
        (L, d) embedding of each offset, from the most negative to the most positive.
        Resampled where L is not ``2 * H - 1`` or ``2 * W - 1``.

    Returns
    -------
    Tensor
        (N, H, W, d).

    Notes
    -----
    Li et al. 2022, "MViTv2", section 4.1.
    """
    h, w = q.shape[1:3]
    bias_h = torch.einsum("nyxd,ykd->nyxk", q, pair_embeddings(rel_pos_h, h))
    bias_w = torch.einsum("nyxd,xkd->nyxk", q, pair_embeddings(rel_pos_w, w))
    keys, values = k.flatten(1, 2), v.flatten(1, 2)
    heads, rows = _chunk_shape(q)
    parts = [
        torch.cat(
            [
                _attend(
                    q[n : n + heads, y : y + rows],
                    keys[n : n + heads],
                    values[n : n + heads],
                    bias_h=bias_h[n : n + heads, y : y + rows],
                    bias_w=bias_w[n : n + heads, y : y + rows],
                )
                for y in range(0, h, rows)
            ],
            dim=1,
        )
        for n in range(0, len(q), heads)
    ]
    return torch.cat(parts)


def pair_embeddings(rel_pos: Tensor, side: int) -> Tensor:
    """Look up the embedding of the offset between any two positions along one axis.

    Parameters
    ----------
    rel_pos
        (L, d) one embedding per offset.
    side
        Number of positions along the axis.

    Returns
    -------
    Tensor
        (side, side, d), indexed by the query's position, then the key's.
    """
    offsets = 2 * side - 1
    if len(rel_pos) != offsets:
        rel_pos = F.interpolate(rel_pos.T[None], size=offsets, mode="linear")[0].T
    position = torch.arange(side, device=rel_pos.device)
    return rel_pos[position[:, None] - position[None, :] + (side - 1)]


def _attend(
    q: Tensor, keys: Tensor, values: Tensor, *, bias_h: Tensor, bias_w: Tensor
) -> Tensor:
    """Attend from (N, rows, W, d) to (N, H W, d), biases (N, rows, W, H or W)."""
    bias = (bias_h.unsqueeze(-1) + bias_w.unsqueeze(-2)).flatten(3)  # N rows W (H W)
    attended = F.scaled_dot_product_attention(
        q.flatten(1, 2)[None],
        keys[None],
        values[None],
        attn_mask=bias.flatten(1, 2)[None],
    )
    return attended[0].unflatten(1, q.shape[1:3])


def _chunk_shape(q: Tensor) -> Size:
    """Return how many heads, and how many rows of queries, are attended at a time."""
    n, h, w = q.shape[:3]
    row_bytes = w * h * w * q.element_size()
    budget = _bias_budget(q.device)
    rows = max(1, min(h, budget // row_bytes))
    heads = max(1, min(n, budget // (row_bytes * h)))
    return heads, rows


def _bias_budget(device: torch.device) -> int:
    if device.type == "cpu":
        return CACHE_BYTES_PER_CORE * torch.get_num_threads()
    return ACCELERATOR_BYTES

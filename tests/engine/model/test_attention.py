"""Windows by hand, and chunked attention against the formula written out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from tilesam.model import attention
from tilesam.model.attention import (
    attend_with_relative_position,
    merge_windows,
    pair_embeddings,
    partition_windows,
)

HEADS, H, W, D = 3, 5, 4, 8


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def attend_by_the_formula(
    q: Tensor, k: Tensor, v: Tensor, rel_pos_h: Tensor, rel_pos_w: Tensor
) -> Tensor:
    _, h, w, d = q.shape
    cells = [(y, x) for y in range(h) for x in range(w)]
    out = torch.empty_like(q)
    for y, x in cells:
        query = q[:, y, x]
        scores = torch.stack(
            [
                (query * k[:, ky, kx]).sum(-1) / d**0.5
                + query @ rel_pos_h[y - ky + h - 1]
                + query @ rel_pos_w[x - kx + w - 1]
                for ky, kx in cells
            ],
            dim=-1,
        )
        out[:, y, x] = torch.einsum("nk,nkd->nd", scores.softmax(-1), v.flatten(1, 2))
    return out


def operands() -> dict[str, Tensor]:
    return {
        "q": random(HEADS, H, W, D),
        "k": random(HEADS, H, W, D).flip(0),
        "v": random(HEADS, H, W, D).flip(1),
        "rel_pos_h": random(2 * H - 1, D),
        "rel_pos_w": random(2 * W - 1, D),
    }


def test_windows_of_a_map_made_by_hand() -> None:
    x = torch.arange(1.0, 7.0).reshape(1, 2, 3, 1)  # rows 1 2 3 and 4 5 6
    windows = partition_windows(x, 2)
    assert windows.squeeze(-1).tolist() == [[[1, 2], [4, 5]], [[3, 0], [6, 0]]]


@given(
    batch=st.integers(1, 2),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    size=st.integers(1, 5),
)
def test_merging_undoes_partition(
    batch: int, height: int, width: int, size: int
) -> None:
    x = torch.arange(batch * height * width * 2.0).reshape(batch, height, width, 2)
    windows = partition_windows(x, size)
    assert windows.shape[1:] == (size, size, 2)
    assert torch.equal(merge_windows(windows, (height, width)), x)


# One head and one row at a time; two rows; a head; two heads; everything.
ROW_BYTES = W * H * W * 4


@pytest.mark.parametrize(
    "budget", [1, 2 * ROW_BYTES, H * ROW_BYTES, 2 * H * ROW_BYTES, 2**20]
)
def test_chunks_equal_the_formula(monkeypatch: pytest.MonkeyPatch, budget: int) -> None:
    monkeypatch.setattr(attention, "CACHE_BYTES_PER_CORE", budget)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    given = operands()
    expected = attend_by_the_formula(*given.values())
    result = attend_with_relative_position(
        given["q"],
        given["k"],
        given["v"],
        rel_pos_h=given["rel_pos_h"],
        rel_pos_w=given["rel_pos_w"],
    )
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("budget", [ROW_BYTES, 3 * ROW_BYTES, 2 * H * ROW_BYTES])
def test_no_bias_is_larger_than_the_budget(
    monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    biases: list[int] = []

    def attend(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor) -> Tensor:
        biases.append(attn_mask.nbytes)
        return F.softmax(attn_mask, dim=-1) @ v

    monkeypatch.setattr(F, "scaled_dot_product_attention", attend)
    monkeypatch.setattr(attention, "CACHE_BYTES_PER_CORE", budget)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    attend_with_relative_position(**operands())
    assert max(biases) <= budget
    assert sum(biases) == HEADS * H * ROW_BYTES  # every query once


def test_gradients_do_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = []
    for budget in (1, 2**20):
        monkeypatch.setattr(attention, "CACHE_BYTES_PER_CORE", budget)
        leaves = {name: x.requires_grad_() for name, x in operands().items()}
        attend_with_relative_position(**leaves).square().sum().backward()
        gradients.append([leaf.grad for leaf in leaves.values()])
    for one, other in zip(*gradients, strict=True):
        assert one is not None
        assert other is not None
        assert other.abs().max() > 0
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_pairs_look_up_query_minus_key() -> None:
    rel_pos = torch.tensor([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    assert pair_embeddings(rel_pos, 3).squeeze(-1).tolist() == [
        [0, -1, -2],
        [1, 0, -1],
        [2, 1, 0],
    ]


def test_a_table_for_another_size_is_resampled() -> None:
    rel_pos = torch.arange(-3.0, 4.0).unsqueeze(-1)  # for 4 positions
    pairs = pair_embeddings(rel_pos, 2).squeeze(-1)
    # Seven offsets become three; their centres lie at a sixth, a half, five sixths.
    torch.testing.assert_close(pairs, torch.tensor([[0.0, -7 / 3], [7 / 3, 0.0]]))

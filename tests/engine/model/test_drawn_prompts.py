from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tilesam.model.configs import PyramidConfig, SamConfig, build_sam
from tilesam.model.drawn_prompts import (
    STRENGTH,
    draw_prompts,
    encode_drawn_points,
)

GRID = (4, 4)  # 64 input pixels, 16 low-resolution pixels of 4 a side
NOTHING = torch.zeros(1, 1, 1, 2)


def point(x: float, y: float, label: int) -> tuple[Tensor, Tensor]:
    return torch.tensor([[[[x, y]]]]), torch.tensor([[[label]]])


def box(x0: float, y0: float, x1: float, y1: float) -> Tensor:
    return torch.tensor([[[[x0, y0, x1, y1]]]])


def draw(*prompts: Tensor | None) -> Tensor:
    drawing = draw_prompts(*prompts, GRID)
    assert drawing is not None
    assert drawing.shape == (1, 1, 16, 16)
    return drawing[0, 0]


def test_a_box_is_positive_inside_by_the_depth() -> None:
    # Low-resolution pixel i has its centre at 4 i + 1.5. The box's edges are on the
    # centres of columns 2 and 12, and of rows 4 and 6.
    drawing = draw(None, None, box(9.5, 17.5, 49.5, 25.5))
    assert drawing[5, 2:13].tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]
    assert drawing[4, 7] == 0
    assert drawing[3, 7] == -1
    assert drawing[5, 0] == -2
    assert drawing[15, 15] == -STRENGTH


def test_of_several_boxes_the_nearest_counts() -> None:
    boxes = torch.cat([box(9.5, 9.5, 17.5, 17.5), box(41.5, 41.5, 49.5, 49.5)], dim=2)
    drawing = draw(None, None, boxes)
    assert drawing[3, 3] == drawing[11, 11] == 1
    assert drawing[7, 7] < 0


def test_a_foreground_point_fades_with_the_distance() -> None:
    drawing = draw(*point(25.5, 25.5, 1), None)  # the centre of pixel (6, 6)
    assert drawing[6, 6] == STRENGTH
    assert drawing[6, 8] == 0  # 8 pixels away: half of a quarter of 64
    assert drawing[6, 10] == -STRENGTH
    assert drawing[0, 15] == -STRENGTH


def test_a_background_point_makes_a_hole_in_a_box() -> None:
    edges = box(-100.0, -100.0, 200.0, 200.0)
    hole = draw(*point(25.5, 25.5, 0), edges)
    assert hole[6, 6] == -STRENGTH
    assert hole[6, 8] == STRENGTH
    assert draw(*point(25.5, 25.5, 1), edges).min() == STRENGTH


def test_a_padding_point_draws_nothing() -> None:
    points, labels = point(25.5, 25.5, 1)
    padded = torch.cat([points, NOTHING], dim=2), torch.tensor([[[1, -1]]])
    assert torch.equal(draw(*padded, None), draw(points, labels, None))


def test_nothing_to_draw() -> None:
    assert draw_prompts(None, None, None, GRID) is None


@pytest.mark.parametrize("draws_prompts", [False, True])
def test_only_networks_that_know_drawings_are_shown_them(draws_prompts: bool) -> None:
    torch.manual_seed(0)
    small = PyramidConfig(dims=(8, 8, 8, 8), depths=(1, 1, 1, 1))
    network = build_sam(SamConfig("small", 64, small, draws_prompts=draws_prompts))
    embedding, edges = torch.randn(1, 256, *GRID), box(9.5, 17.5, 49.5, 25.5)
    with torch.no_grad():
        plain = network.decode(embedding, boxes_xyxy=edges)
        drawn = network.decode(
            embedding,
            boxes_xyxy=edges,
            mask_input=draw_prompts(None, None, edges, GRID),
        )
    is_alike = torch.allclose(plain.low_res_logits, drawn.low_res_logits)
    assert is_alike == draws_prompts


@pytest.mark.parametrize("grid_hw", [(4, 4), (24, 24), (32, 20)])
def test_encoding_only_what_a_drawing_reaches(grid_hw: tuple[int, int]) -> None:
    network = build_sam(SamConfig("drawn", 64, PyramidConfig(), draws_prompts=True))
    encode = network.eval().prompt_encoder.encode_masks
    h, w = (16 * side for side in grid_hw)
    corners = [(0, 0), (w - 1, h - 1), (-0.5, h - 0.5), (w / 2, h / 2), (15.5, 16.0)]
    points = torch.tensor(corners)[None, :, None].float()
    labels = torch.ones(points.shape[:-1], dtype=torch.int64)
    drawn = draw_prompts(points, labels, None, grid_hw)
    assert drawn is not None
    with torch.inference_mode():
        expected = encode(drawn)
        found = encode_drawn_points(points, grid_hw, encode)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)

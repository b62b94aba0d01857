from __future__ import annotations

import pytest
import torch

from tilesam.model.prompt_encoder import PromptEncoder

GRID = (4, 4)
SIDE = 64.0


@pytest.fixture
def encoder() -> PromptEncoder:
    torch.manual_seed(0)
    return PromptEncoder()


def test_grid_encoding_is_that_of_points_at_the_cells_centres(
    encoder: PromptEncoder,
) -> None:
    grid = encoder.pe_layer.encode_grid((2, 4))
    # Cell (row 1, column 2) of 2 x 4 has its centre at x 5/8, y 3/4.
    expected = encoder.pe_layer(torch.tensor([5 / 8, 3 / 4]))
    torch.testing.assert_close(grid[:, 1, 2], expected)


def test_half_a_pixel_is_added(encoder: PromptEncoder) -> None:
    token = encoder.encode_points(
        torch.tensor([[[[31.5, 7.5]]]]), torch.tensor([[[1]]]), GRID
    )
    expected = encoder.pe_layer(torch.tensor([32 / SIDE, 8 / SIDE]))
    torch.testing.assert_close(
        token[0, 0, 0], expected + encoder.point_embeddings[1].weight[0]
    )


def test_points_without_a_box_are_padded_and_with_a_box_are_not(
    encoder: PromptEncoder,
) -> None:
    points, labels = torch.rand(1, 2, 3, 2) * SIDE, torch.ones(1, 2, 3)
    boxes = torch.tensor([4.0, 4.0, 30.0, 30.0]).expand(1, 2, 1, 4)
    alone = encoder.encode_sparse(points, labels, None, GRID)
    both = encoder.encode_sparse(points, labels, boxes, GRID)
    assert alone is not None
    assert both is not None
    assert alone.shape == (1, 2, 4, 256)
    torch.testing.assert_close(
        alone[0, 0, 3], encoder.not_a_point_embed.weight[0], rtol=0, atol=0
    )
    assert both.shape == (1, 2, 5, 256)


def test_a_padding_token_knows_no_place(encoder: PromptEncoder) -> None:
    labels = torch.full((1, 1, 1), -1)
    here = encoder.encode_points(torch.zeros(1, 1, 1, 2), labels, GRID)
    there = encoder.encode_points(torch.full((1, 1, 1, 2), 50.0), labels, GRID)
    torch.testing.assert_close(here, there, rtol=0, atol=0)


def test_corners_of_a_box_differ_in_kind(encoder: PromptEncoder) -> None:
    same = torch.full((1, 1, 1, 4), 9.0)
    first, second = encoder.encode_boxes(same, GRID)[0, 0]
    kinds = [encoder.point_embeddings[index].weight[0] for index in (2, 3)]
    torch.testing.assert_close(second - first, kinds[1] - kinds[0])


def test_nothing_sparse_is_none_and_masks_have_the_grid(encoder: PromptEncoder) -> None:
    assert encoder.encode_sparse(None, None, None, GRID) is None
    masks = torch.randn(2, 3, 16, 16)
    assert encoder.encode_dense(masks).shape == (2, 3, 256, *GRID)
    assert encoder.encode_dense(None).shape == (1, 1, 256, 1, 1)

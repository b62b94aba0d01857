from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam import MaskInput, PromptError, TileKey
from tilesam.predictor import bounds_beyond, choose_tile
from tilesam.prompts import build_prompts
from tilesam.tiling import Grid
from tilesam.types import MaskCandidate

SIZE = 64
ONE_TILE = Grid((SIZE, SIZE), SIZE)


@st.composite
def images_with_prompts(draw):
    """Draw an image size with points and boxes inside of it."""
    height, width = draw(st.integers(1, 500)), draw(st.integers(1, 500))
    y = st.floats(-0.5, height - 0.5, width=32)
    x = st.floats(-0.5, width - 0.5, width=32)
    points = draw(st.lists(st.tuples(y, x), min_size=1, max_size=5))
    corners = draw(st.lists(st.tuples(y, x, y, x), max_size=3))
    boxes = [box for box in corners if box[0] != box[2] and box[1] != box[3]]
    return (height, width), points, boxes


@given(images_with_prompts(), st.randoms(use_true_random=False))
def test_the_tile_does_not_depend_on_the_order_of_prompts(drawn, random):
    image_hw, points, boxes = drawn
    grid = Grid(image_hw, SIZE)
    tile = choose_tile(grid, build_prompts(points, None, boxes, image_hw=image_hw))
    random.shuffle(points)
    random.shuffle(boxes)
    shuffled = build_prompts(points, None, boxes, image_hw=image_hw)
    assert choose_tile(grid, shuffled) == tile


@given(images_with_prompts())
def test_no_prompt_lies_outside_of_the_chosen_tile(drawn):
    image_hw, points, boxes = drawn
    grid = Grid(image_hw, SIZE)
    prompts = build_prompts(points, None, boxes, image_hw=image_hw)
    window = grid.window(choose_tile(grid, prompts))
    assert window.contains(prompts.bounds_yxyx)
    # Whatever part of the mask had been cut off: the wider tile still shows them all.
    logits = np.full((16, 16), 4.0, np.float32)
    candidate = candidate_of(grid, choose_tile(grid, prompts), logits)
    wider = bounds_beyond(grid, candidate, prompts)
    if wider is not None:
        assert grid.window(grid.choose(wider)).contains(prompts.bounds_yxyx)


def candidate_of(grid, tile, logits, mask=None, offset_yx=None):
    """Return a candidate; by default its mask fills the visible window."""
    window = grid.window(tile)
    if mask is None:
        height = min(window.height, grid.image_hw[0] - window.y0)
        width = min(window.width, grid.image_hw[1] - window.x0)
        mask, offset_yx = np.ones((height, width), bool), (window.y0, window.x0)
    return MaskCandidate(mask, offset_yx, 0.9, 0.9, logits, tile, window, 0)


@pytest.mark.parametrize(
    ("offset_yx", "expected"),
    [
        ((250, 300), None),  # touches nothing
        ((240, 300), (232, 300, 259, 319)),  # the window's upper edge
        ((284, 332), (284, 332, 311, 359)),  # both lower edges
    ],
)
def test_a_mask_at_the_windows_edge_is_looked_for_beyond_it(offset_yx, expected):
    grid = Grid((1000, 1000), SIZE)
    tile = TileKey(0, 15, 18)  # begins at (240, 288)
    candidate = candidate_of(
        grid, tile, np.zeros((16, 16), np.float32), np.ones((20, 20), bool), offset_yx
    )
    prompts = build_prompts((260, 310), image_hw=grid.image_hw)
    found = bounds_beyond(grid, candidate, prompts)
    if expected is None:
        assert found is None
    else:
        y0, x0, y1, x1 = expected
        assert found == (min(y0, 260), min(x0, 310), max(y1, 260), max(x1, 310))


def test_a_mask_at_the_images_edge_is_not_cut():
    grid = Grid((64, 1000), SIZE)
    candidate = candidate_of(
        *(grid, TileKey(0, 0, 3), np.zeros((16, 16), np.float32)),
        *(np.ones((64, 20), bool), (0, 60)),
    )
    prompts = build_prompts((30, 70), image_hw=grid.image_hw)
    assert bounds_beyond(grid, candidate, prompts) is None


def test_a_mask_of_another_image_is_refused():
    other = MaskInput(np.zeros((16, 16), np.float32), TileKey(0, 3, 0))
    prompts = build_prompts(mask_input=other, image_hw=(SIZE, SIZE))
    with pytest.raises(PromptError, match="expected an answer of this session"):
        choose_tile(ONE_TILE, prompts)

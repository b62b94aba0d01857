"""Prompts to masks: which tile to ask, and whether another one shows more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from torch import Tensor

from tilesam.tile_answers import (
    build_candidate,
    look_again,
    predict,
    window_of,
)
from tilesam.types import TileKey

if TYPE_CHECKING:
    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.tiling import Grid
    from tilesam.tiling.grid import Bounds
    from tilesam.types import MaskCandidate, MaskInput, Prompts, Window

EmbeddingOf: TypeAlias = Callable[[TileKey], Tensor]
"""Returns the (256, g, g) embedding of a tile."""

MAX_WIDENINGS = 3
"""How often a prompt is asked again because the mask was cut by its window's edge."""

BEYOND = 1 / 8
"""Of a window: how much more to look at beyond an edge that cuts a mask."""


def answer_prompts(
    model: SamModel,
    grid: Grid,
    embedding_of: EmbeddingOf,
    prompts: Prompts,
    *,
    finest_level: int = 0,
    source: ImageSource | None = None,
) -> list[MaskCandidate]:
    """Return the three answers to what was asked about one object.

    Which tiles are asked follows from the prompts alone, never from what was asked
    before or is stored already.

    Parameters
    ----------
    model
        The network that makes the embeddings.
    grid
        The lattice over the image.
    embedding_of
        Where embeddings come from.
    prompts
        Checked by `tilesam.prompts.build_prompts`.
    finest_level
        The finest level to look at.
    source
        The image, for a model with a refiner; without it nothing is refined.

    Returns
    -------
    list of MaskCandidate
        See `predict`. Where the best mask is cut by an edge of its window that is not
        the image's, it is asked for again in a window that shows more beyond that
        edge, so that objects come out whole wherever the tiles lie.

    Raises
    ------
    PromptError
        If the mask prompt is of another model or image.
    """
    tile = choose_tile(grid, prompts, finest_level=finest_level)
    candidates = predict(model, grid, embedding_of(tile), prompts, tile)
    for _ in range(MAX_WIDENINGS):
        bounds = bounds_beyond(grid, candidates[0], prompts)
        if bounds is None:
            break
        tile = grid.choose(bounds, finest_level=tile.level)
        candidates = predict(model, grid, embedding_of(tile), prompts, tile)
    # The refiner looks beyond the window by itself, and once is dear enough.
    return look_again(model, grid, candidates, prompts, source)


def choose_tile(grid: Grid, prompts: Prompts, *, finest_level: int = 0) -> TileKey:
    """Return the tile that is asked first.

    A refinement stays in the tile of the mask that it refines as long as all points and
    boxes lie in it, and else moves to one that shows them and that mask.

    Raises
    ------
    PromptError
        If the mask prompt belongs to no tile of this image.
    """
    earlier = prompts.mask_input
    if earlier is None:
        return grid.choose(prompts.bounds_yxyx, finest_level=finest_level)
    window = window_of(grid, earlier)
    if not prompts.has_place or window.contains(prompts.bounds_yxyx):
        return earlier.tile
    bounds = _joined(prompts.bounds_yxyx, _bounds_of_mask(grid, earlier, window))
    return grid.choose(bounds, finest_level=finest_level)


def bounds_beyond(
    grid: Grid, candidate: MaskCandidate, prompts: Prompts
) -> Bounds | None:
    """Return what a window should show instead, if it cuts a mask off.

    Returns
    -------
    Bounds or None
        Around the prompts and the mask, and some more beyond each edge of the window
        that the mask touches, inside the image. None if it touches none but the
        image's own.
    """
    bounds = candidate.bounds_yxyx
    if bounds is None:
        return None
    window, image_hw = candidate.window, grid.image_hw
    reach = max(window.height, window.width) * BEYOND
    starts, sides = (window.y0, window.x0), (window.height, window.width)
    low, high = list(bounds[:2]), list(bounds[2:])
    is_cut = False
    for axis in (0, 1):
        end = min(starts[axis] + sides[axis], image_hw[axis]) - 1
        if low[axis] <= starts[axis] and starts[axis] > 0:
            low[axis], is_cut = max(low[axis] - reach, 0), True
        if high[axis] >= end and end < image_hw[axis] - 1:
            high[axis], is_cut = min(high[axis] + reach, image_hw[axis] - 1), True
    if not is_cut:
        return None
    wider = (low[0], low[1], high[0], high[1])
    return _joined(prompts.bounds_yxyx, wider) if prompts.has_place else wider


def _bounds_of_mask(grid: Grid, mask_input: MaskInput, window: Window) -> Bounds | None:
    """Return the box around an earlier mask, or None if it is empty."""
    candidate = build_candidate(
        *(mask_input.low_res_logits, 0.0, 0),
        grid=grid,
        tile=mask_input.tile,
        window=window,
    )
    return candidate.bounds_yxyx


def _joined(first: Bounds, second: Bounds | None) -> Bounds:
    if second is None:
        return first
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )

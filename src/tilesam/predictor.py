"""Prompts to masks: which tile to look at, and what the decoder says about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from torch import Tensor

from tilesam.errors import PromptError, TilingError
from tilesam.model.preprocessing import (
    boxes_yxyx_to_input_xyxy,
    points_yx_to_input_xy,
)
from tilesam.model.reprojection import CELL, project_logits
from tilesam.model.upsampling import crop_mask
from tilesam.types import MaskCandidate, TileKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.model.runtime import SamModel
    from tilesam.tiling import Grid
    from tilesam.tiling.grid import Bounds
    from tilesam.types import Float32Array, MaskInput, Prompts, Window

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
    return candidates


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
    window = _window_of(grid, earlier)
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


def predict(
    model: SamModel, grid: Grid, embedding: Tensor, prompts: Prompts, tile: TileKey
) -> list[MaskCandidate]:
    """Return the three answers of one tile.

    Parameters
    ----------
    model
        The network that made the embedding.
    grid
        The lattice over the image.
    embedding
        (256, g, g) of the tile.
    prompts
        All within the tile's window.
    tile
        The embedded tile.

    Returns
    -------
    list of MaskCandidate
        One point alone is ambiguous: the whole, the part and the subpart, the highest
        predicted IoU first. Anything more is not: the decoder's single mask first, then
        the two best of the others.

    Raises
    ------
    PromptError
        If a point or box is not in the window, or the mask prompt is of another model.
    """
    window = grid.window(tile)
    arrays = _to_model_prompts(model, grid, prompts, tile)
    decoded = model.decode(embedding, **arrays)
    logits = decoded.low_res_logits[0].cpu().numpy()  # (4, 4g, 4g)
    predicted_iou = decoded.predicted_iou[0].cpu().numpy()  # (4,)
    return [
        _build_candidate(
            *(logits[token], float(predicted_iou[token]), token),
            grid=grid,
            tile=tile,
            window=window,
        )
        for token in order_of_tokens(predicted_iou, is_ambiguous=_is_ambiguous(prompts))
    ]


def order_of_tokens(
    predicted_iou: NDArray[np.floating], *, is_ambiguous: bool
) -> list[int]:
    """Return the three of the decoder's four outputs that are shown, best first.

    Parameters
    ----------
    predicted_iou
        (4,), of the single mask and of whole, part and subpart.
    is_ambiguous
        Whether the prompt is one point alone.
    """
    by_score = [
        int(token) + 1 for token in np.argsort(-predicted_iou[1:], kind="stable")
    ]
    return by_score if is_ambiguous else [0, *by_score[:2]]


def _is_ambiguous(prompts: Prompts) -> bool:
    is_one_point = len(prompts.points_yx) == 1 and len(prompts.boxes_yxyx) == 0
    return is_one_point and prompts.mask_input is None


def _to_model_prompts(
    model: SamModel, grid: Grid, prompts: Prompts, tile: TileKey
) -> dict[str, NDArray[np.generic]]:
    """Return what `SamModel.decode` takes for one prompt, in the input frame."""
    window = grid.window(tile)
    arrays: dict[str, NDArray[np.generic]] = {}
    if len(prompts.points_yx):
        points_xy = points_yx_to_input_xy(prompts.points_yx, window, model.input_size)
        arrays["points_xy"] = points_xy[np.newaxis]
        arrays["point_labels"] = prompts.point_labels[np.newaxis]
    if len(prompts.boxes_yxyx):
        boxes = boxes_yxyx_to_input_xyxy(prompts.boxes_yxyx, window, model.input_size)
        arrays["boxes_xyxy"] = boxes[np.newaxis]
    if arrays and not window.contains(prompts.bounds_yxyx):
        raise PromptError(
            f"the prompts span (y0, x0, y1, x1) = {prompts.bounds_yxyx}, which is not "
            f"within {window}; choose the tile with choose_tile"
        )
    if prompts.mask_input is not None:
        logits = _mask_prompt(prompts.mask_input, grid, tile)
        arrays["mask_input"] = logits[np.newaxis]
    return arrays


def _mask_prompt(mask_input: MaskInput, grid: Grid, tile: TileKey) -> Float32Array:
    logits = mask_input.low_res_logits
    size = grid.input_size // CELL
    if logits.shape != (size, size):
        raise PromptError(
            f"mask_input has logits of shape {logits.shape}; this model's have "
            f"({size}, {size}); refine a mask with the model that made it"
        )
    return project_logits(
        logits,
        source=_window_of(grid, mask_input),
        target=grid.window(tile),
        input_size=grid.input_size,
    )


def _window_of(grid: Grid, mask_input: MaskInput) -> Window:
    try:
        return grid.window(mask_input.tile)
    except TilingError as error:
        raise PromptError(
            f"mask_input belongs to {mask_input.tile}, and {error}; expected an answer "
            "of this session"
        ) from error


def _build_candidate(
    low_res_logits: Float32Array,
    predicted_iou: float,
    token: int,
    *,
    grid: Grid,
    tile: TileKey,
    window: Window,
) -> MaskCandidate:
    height, width = grid.image_hw
    crop = crop_mask(
        low_res_logits,
        window_hw=(window.height, window.width),
        input_size=grid.input_size,
        visible_hw=(height - window.y0, width - window.x0),
    )
    y, x = crop.offset_yx
    return MaskCandidate(
        mask=crop.mask,
        offset_yx=(window.y0 + y, window.x0 + x),
        predicted_iou=predicted_iou,
        stability_score=crop.stability_score,
        low_res_logits=low_res_logits,
        tile=tile,
        window=window,
        token=token,
    )


def _bounds_of_mask(grid: Grid, mask_input: MaskInput, window: Window) -> Bounds | None:
    """Return the box around an earlier mask, or None if it is empty."""
    candidate = _build_candidate(
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

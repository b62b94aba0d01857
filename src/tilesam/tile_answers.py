"""One tile to masks: what the decoder says of prompts, and the refiner after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.errors import PromptError, TilingError
from tilesam.model.correcting import decode_prompts
from tilesam.model.preprocessing import (
    boxes_yxyx_to_input_xyxy,
    points_yx_to_input_xy,
)
from tilesam.model.reprojection import CELL, project_logits
from tilesam.model.upsampling import crop_mask
from tilesam.refined_answers import refine_candidates
from tilesam.types import MaskCandidate

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.tiling import Grid
    from tilesam.types import Float32Array, MaskInput, Prompts, TileKey, Window


def predict(
    model: SamModel,
    grid: Grid,
    embedding: Tensor,
    prompts: Prompts,
    tile: TileKey,
    *,
    source: ImageSource | None = None,
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
    source
        The image, for a model with a refiner; without it nothing is refined.

    Returns
    -------
    list of MaskCandidate
        One point alone is ambiguous: the whole, the part and the subpart, the highest
        predicted IoU first. Anything more is not: the decoder's single mask first, then
        the two best of the others. With a refiner these are of the points alone where
        a mask is corrected, and may come first, see `order_refined`.

    Raises
    ------
    PromptError
        If a point or box is not in the window, or the mask prompt is of another model.
    """
    window = grid.window(tile)
    arrays = _to_model_prompts(model, grid, prompts, tile)
    decoded = decode_prompts(model, embedding, arrays)
    logits = decoded.low_res_logits[0].cpu().numpy()  # (4, 4g, 4g)
    predicted_iou = decoded.predicted_iou[0].cpu().numpy()  # (4,)
    is_ambiguous = _is_ambiguous(prompts)
    candidates = [
        build_candidate(
            *(logits[token], float(predicted_iou[token]), token),
            grid=grid,
            tile=tile,
            window=window,
        )
        for token in order_of_tokens(predicted_iou, is_ambiguous=is_ambiguous)
    ]
    return look_again(model, grid, candidates, prompts, source)


def look_again(
    model: SamModel,
    grid: Grid,
    candidates: list[MaskCandidate],
    prompts: Prompts,
    source: ImageSource | None,
) -> list[MaskCandidate]:
    """Return candidates of one tile as the model's refiner leaves them.

    Parameters
    ----------
    source
        The image; without it, or without a refiner, they stay as they are.

    Raises
    ------
    ImageReadError
        If the image cannot be read there.
    """
    if model.refiner is None or source is None:
        return candidates
    earlier = prompts.mask_input
    return refine_candidates(
        *(model.refiner, candidates, prompts, source),
        earlier=None
        if earlier is None
        else _mask_prompt(earlier, grid, candidates[0].tile),
        is_ambiguous=_is_ambiguous(prompts),
    )


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
        source=window_of(grid, mask_input),
        target=grid.window(tile),
        input_size=grid.input_size,
    )


def window_of(grid: Grid, mask_input: MaskInput) -> Window:
    """Return the window that an earlier mask is of.

    Raises
    ------
    PromptError
        If it is of no tile of this image.
    """
    try:
        return grid.window(mask_input.tile)
    except TilingError as error:
        raise PromptError(
            f"mask_input belongs to {mask_input.tile}, and {error}; expected an answer "
            "of this session"
        ) from error


def build_candidate(
    low_res_logits: Float32Array,
    predicted_iou: float,
    token: int,
    *,
    grid: Grid,
    tile: TileKey,
    window: Window,
) -> MaskCandidate:
    """Return the mask of some logits in pixels of the image.

    Parameters
    ----------
    low_res_logits
        (4g, 4g) of the window of a tile.
    predicted_iou, token, tile, window
        See `MaskCandidate`.
    """
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

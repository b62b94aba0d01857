"""Prompts as they are kept: with an object, in a session's file and in its journal."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.types import MaskInput, Prompts, TileKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tilesam.types import Float32Array


def kind_of(prompts: Prompts | None) -> str:
    """Return in a word what was asked: "points", "box", "points+box", "mask"."""
    if prompts is None:
        return "unknown"
    boxes = len(prompts.boxes_yxyx)
    parts = ["points"] if len(prompts.points_yx) else []
    parts += ["box" if boxes == 1 else "boxes"] if boxes else []
    return "+".join(parts) or "mask"


def prompts_of(prompts: Prompts | None) -> dict[str, Any]:
    """Return the fields of an `ObjectRow` that come from prompts."""
    if prompts is None:
        return {}
    return {
        "points_yx": tuple(map(tuple, prompts.points_yx.tolist())),
        "point_labels": tuple(prompts.point_labels.tolist()),
        "boxes_yxyx": tuple(map(tuple, prompts.boxes_yxyx.tolist())),
    }


def prompts_to_plain(prompts: Prompts) -> dict[str, Any]:
    """Return prompts as plain JSON, with the mask to refine."""
    mask_input = prompts.mask_input
    return {
        "points_yx": prompts.points_yx.tolist(),
        "point_labels": prompts.point_labels.tolist(),
        "boxes_yxyx": prompts.boxes_yxyx.tolist(),
        "mask_input": None if mask_input is None else _mask_to_plain(mask_input),
    }


def prompts_from_plain(plain: Mapping[str, Any]) -> Prompts:
    """Return what `prompts_to_plain` made plain.

    Raises
    ------
    KeyError, TypeError, ValueError
        If something is missing or of another kind.
    """
    mask_input = plain["mask_input"]
    return Prompts(
        points_yx=np.array(plain["points_yx"], np.float64).reshape(-1, 2),
        point_labels=np.array(plain["point_labels"], np.int64),
        boxes_yxyx=np.array(plain["boxes_yxyx"], np.float64).reshape(-1, 4),
        mask_input=None if mask_input is None else _mask_from_plain(mask_input),
    )


def _mask_to_plain(mask_input: MaskInput) -> dict[str, Any]:
    logits = np.ascontiguousarray(mask_input.low_res_logits, "<f4")
    tile = mask_input.tile
    return {
        "tile": [tile.level, tile.iy, tile.ix],
        "shape": list(logits.shape),
        # Every bit of them, so that a refinement goes on as if nothing had happened.
        "float32_zlib_base64": base64.b64encode(
            zlib.compress(logits.tobytes())
        ).decode(),
    }


def _mask_from_plain(plain: Mapping[str, Any]) -> MaskInput:
    try:
        content = zlib.decompress(base64.b64decode(plain["float32_zlib_base64"]))
    except zlib.error as error:
        raise ValueError(f"the logits cannot be unpacked: {error}") from error
    logits: Float32Array = np.frombuffer(content, "<f4").astype(np.float32)
    level, iy, ix = (int(number) for number in plain["tile"])
    height, width = plain["shape"]
    return MaskInput(logits.reshape(height, width), TileKey(level, iy, ix))

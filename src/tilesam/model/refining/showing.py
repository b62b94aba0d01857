"""From a question to what the network is shown of it: pixels, masks and prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from tilesam.model.refining.frames import covered_hw
from tilesam.model.refining.inputs import RegionInputs
from tilesam.model.refining.region import read_region, sources, to_region
from tilesam.model.refining.sampling import sample_map

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.image import ImageSource
    from tilesam.model.refining.questions import Question
    from tilesam.types import Float32Array, Window


def show(
    question: Question,
    region: Window,
    size: int,
    source: ImageSource,
    *,
    input_size: int,
) -> RegionInputs:
    """Return what the network is shown of one question.

    Parameters
    ----------
    region
        Where to look.
    size
        Side of the result in pixels.
    input_size
        Of the model whose logits the question has, in pixels.

    Returns
    -------
    RegionInputs
        Of one region, with as many points and boxes as were asked.

    Raises
    ------
    ImageReadError
        If the image cannot be read there.
    """
    pixels, inside = read_region(source, region, size)
    corners = to_region(question.boxes_yxyx.reshape(-1, 2, 2), region, size)
    # Where there is something to correct, that counts; see `CorrectionDraw`.
    answer = question.answer if question.earlier is None else None
    return RegionInputs(
        torch.from_numpy(pixels).permute(2, 0, 1)[None],
        torch.from_numpy(inside)[None],
        _seen(answer, question.window, region, size, input_size),
        _seen(question.earlier, question.window, region, size, input_size),
        torch.from_numpy(to_region(question.points_yx, region, size))[None],
        torch.from_numpy(np.array(question.point_labels, np.int64))[None],
        torch.from_numpy(corners.reshape(-1, 4))[None],
    )


def _seen(
    logits: Float32Array | None,
    window: Window,
    region: Window,
    size: int,
    input_size: int,
) -> Tensor:
    """Return (1, S, S) of a window's logits in the region; zeros for none."""
    if logits is None:
        return torch.zeros(1, size, size)
    y, x = sources(region, size)
    return sample_map(
        torch.from_numpy(np.array(logits, np.float32))[None],
        *(y - window.y0, x - window.x0),
        covered_hw(window, input_size),
    )

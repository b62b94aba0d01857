"""Networks for tests: one with random weights, one whose answers can be foretold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tilesam.model.configs import PATCH_SIZE, PyramidConfig, SamConfig, build_sam
from tilesam.model.mask_decoder import NUM_MASKS, MaskDecoderOutput, PassingMasks
from tilesam.model.runtime import SamModel
from tilesam.model.sam import Sam

if TYPE_CHECKING:
    from tilesam.types import BoolArray

SMALLEST_ENCODER = PyramidConfig(dims=(8, 8, 8, 8), depths=(1, 1, 1, 1))
"""Runs in milliseconds."""

BRIGHT_REGION_IOU = (0.9, 0.7, 0.95, 0.8)
"""What `BrightRegionNetwork` predicts for tokens 0 to 3."""


def tiny_random_model(seed: int, *, input_size: int = 64) -> SamModel:
    """Return a complete SAM with random weights and a minimal image encoder.

    Parameters
    ----------
    seed
        Equal seeds give equal weights; torch's global state is left alone.
    input_size
        Side of the input in pixels, a multiple of 64.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_sam(SamConfig("tiny_random", input_size, SMALLEST_ENCODER))
    return SamModel(
        network, name="tiny_random", weights_sha256=f"{seed:064x}", device="cpu"
    )


def bright_region_model(*, input_size: int = 64) -> SamModel:
    """Return a model that finds bright objects exactly; see `BrightRegionNetwork`."""
    network = BrightRegionNetwork(input_size)
    return SamModel(
        network, name="bright_region", weights_sha256="0" * 64, device="cpu"
    )


class BrightRegionNetwork(Sam):
    """Answers as a perfect SAM would that knows one rule: bright things are objects.

    The embedding holds the brightness of every pixel. A point selects the connected
    region of equal kind (bright or dark) around it, a box the bright pixels inside of
    it, a mask prompt its positive cells; regions with a background point are taken
    away. Tokens 0 and 2 give this mask, token 1 a wider and token 3 a narrower one, by
    one cell of 4 input pixels. Logits are +4 and -4.

    Parameters
    ----------
    input_size
        Side of the input in pixels, a multiple of 64.
    """

    def __init__(self, input_size: int) -> None:
        nn.Module.__init__(self)
        self.config = SamConfig("bright_region", input_size, SMALLEST_ENCODER)

    def encode(self, images: Tensor) -> Tensor:
        """Return the brightness of (B, 3, S, S), each patch as 256 channels."""
        brightness = images.mean(dim=1, keepdim=True)
        return F.pixel_unshuffle(brightness, PATCH_SIZE)

    def decode(
        self,
        image_embedding: Tensor,
        *,
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xyxy: Tensor | None = None,
        mask_input: Tensor | None = None,
    ) -> MaskDecoderOutput:
        """Answer as the real network does, see `Sam.decode`; for one image."""
        brightness = F.pixel_shuffle(image_embedding[:1], PATCH_SIZE)
        is_bright = F.avg_pool2d(brightness, 4)[0, 0].numpy() > 0
        given = [points_xy, point_labels, boxes_xyxy, mask_input]
        count = next(tensor.shape[1] for tensor in given if tensor is not None)
        answers = [
            _select(is_bright, *(None if t is None else t[0, n] for t in given))
            for n in range(count)
        ]
        logits = torch.stack([_to_logits(mask) for mask in answers])
        iou = torch.tensor(BRIGHT_REGION_IOU).expand(1, count, NUM_MASKS)
        return MaskDecoderOutput(logits.unsqueeze(0), iou)

    def decode_points(
        self, image_embedding: Tensor, points_xy: Tensor, *, lowest_iou: float
    ) -> PassingMasks:
        """Answer as the real network does, see `Sam.decode_points`."""
        labels = torch.ones(points_xy.shape[:-1], dtype=torch.int64)
        answers = self.decode(image_embedding, points_xy=points_xy, point_labels=labels)
        iou = answers.predicted_iou[0, :, 1:]
        passes = iou > lowest_iou
        prompts, tokens = passes.nonzero(as_tuple=True)
        logits = answers.low_res_logits[0, :, 1:][passes]
        return PassingMasks(logits, prompts, tokens + 1, iou)


def _select(
    is_bright: BoolArray,
    points_xy: Tensor | None,
    point_labels: Tensor | None,
    boxes_xyxy: Tensor | None,
    mask_input: Tensor | None,
) -> BoolArray:
    """Return the cells that the prompts of one object ask for."""
    mask = is_bright & False
    if mask_input is not None:
        mask |= mask_input.numpy() > 0
    if boxes_xyxy is not None:
        for x0, y0, x1, y1 in ((boxes_xyxy + 0.5) / 4).round().int().tolist():
            mask[y0:y1, x0:x1] |= is_bright[y0:y1, x0:x1]
    if points_xy is None or point_labels is None:
        return mask
    cells = ((points_xy + 0.5) / 4).floor().int().tolist()
    last = is_bright.shape[0] - 1
    for wanted in (1, 0):
        for (x, y), label in zip(cells, point_labels.tolist(), strict=True):
            if label == wanted:
                region = _region_around(is_bright, min(y, last), min(x, last))
                mask = mask | region if wanted else mask & ~region
    return mask


def _region_around(is_bright: BoolArray, y: int, x: int) -> BoolArray:
    from scipy import ndimage

    regions, _ = ndimage.label(is_bright == is_bright[y, x])
    found: BoolArray = regions == regions[y, x]
    return found


def _to_logits(mask: BoolArray) -> Tensor:
    """Return (4, 4g, 4g) logits: the mask, wider, the mask, narrower."""
    from scipy import ndimage

    wider = ndimage.binary_dilation(mask)
    narrower = ndimage.binary_erosion(mask)
    stack = torch.stack([torch.from_numpy(m) for m in (mask, wider, mask, narrower)])
    return stack * 8.0 - 4.0

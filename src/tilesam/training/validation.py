"""A quick look at the validation images while training.

The figures that are reported come from `tilesam.evaluation`, on all images and objects;
this one takes a few of each domain so that it costs seconds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from tilesam.errors import DatasetError
from tilesam.training.augmentation import SMALLEST_PROMPTABLE_AREA, evaluation_view
from tilesam.training.batches import Batch, draw_masks, to_tensors
from tilesam.training.losses import mask_iou, soften
from tilesam.training.prompt_simulation import tight_boxes

if TYPE_CHECKING:
    from tilesam.model.mask_decoder import MaskDecoderOutput
    from tilesam.model.sam import Sam
    from tilesam.training.manifest import ManifestDataset


@dataclass(frozen=True)
class QuickScore:
    """Mean IoU over domains, by protocol.

    Parameters
    ----------
    box
        The single mask for a tight box.
    point
        The most confident of three masks for the point deepest inside.
    point_oracle
        The best of the three.
    """

    box: float
    point: float
    point_oracle: float


class QuickValidation:
    """The same few views of the validation split, every time.

    Parameters
    ----------
    images
        The validation split.
    size
        Side of the views in pixels.
    images_per_domain, objects_per_image
        Upper bounds.

    Raises
    ------
    DatasetError
        If no image has an object that is large enough to ask for.
    """

    def __init__(
        self,
        images: ManifestDataset,
        *,
        size: int,
        images_per_domain: int = 4,
        objects_per_image: int = 12,
    ) -> None:
        rng = np.random.default_rng(0)
        self.views: dict[str, list[Batch]] = defaultdict(list)
        for index in rng.permutation(len(images)):
            domain = images.domains[index]
            if len(self.views[domain]) == images_per_domain:
                continue
            view = evaluation_view(images[int(index)], size)
            masks = draw_masks(view.label_layers, objects_per_image, rng)
            if masks is not None:
                self.views[domain].append(to_tensors(view, masks))
        if not any(self.views.values()):
            raise DatasetError(
                f"none of the {len(images)} validation images has an object of at "
                f"least {SMALLEST_PROMPTABLE_AREA} pixels at a size of {size}; "
                "expected labelled objects; check the label images of split val"
            )

    @torch.no_grad()
    def score(self, network: Sam, device: torch.device) -> QuickScore:
        """Return the scores of a network; it is left in evaluation mode."""
        network.eval()
        by_domain = [
            np.mean([_score_view(network, view, device) for view in views], axis=0)
            for views in self.views.values()
            if views
        ]
        box, point, oracle = np.mean(by_domain, axis=0)
        return QuickScore(float(box), float(point), float(oracle))


def _score_view(
    network: Sam, view: Batch, device: torch.device
) -> tuple[float, float, float]:
    images, masks, _ = (part[None].to(device) for part in view)
    embedding = network.encode(images)
    boxed = network.decode(embedding, boxes_xyxy=tight_boxes(masks))
    points_xy = torch.stack([_deepest_pixel(mask) for mask in view.masks])
    pointed = network.decode(
        embedding,
        points_xy=points_xy[None, :, None].to(device),
        point_labels=torch.ones(masks.shape[:2], device=device)[:, :, None],
    )
    box_iou = _all_iou(boxed, masks)[..., 0]
    point_iou = _all_iou(pointed, masks)[..., 1:]
    confident = pointed.predicted_iou[..., 1:].argmax(dim=-1, keepdim=True)
    return (
        float(box_iou.mean()),
        float(point_iou.gather(-1, confident).mean()),
        float(point_iou.amax(dim=-1).mean()),
    )


def _all_iou(output: MaskDecoderOutput, masks: torch.Tensor) -> torch.Tensor:
    logits = output.low_res_logits
    return mask_iou(logits, soften(masks, logits.shape[-1]).unsqueeze(2))


def _deepest_pixel(mask: torch.Tensor) -> torch.Tensor:
    padded = np.pad(mask.numpy(), 1)
    depth = distance_transform_edt(padded)[1:-1, 1:-1]
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return torch.tensor([float(x), float(y)])

"""Crops to tensors: which objects are asked for, and what the dense targets are.

An item is determined by the seed and its index alone, so a run that was killed goes on
with the very crops it would have seen, whatever the number of loading processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from tilesam.errors import DatasetError
from tilesam.model.preprocessing import normalize_pixels
from tilesam.model.reprojection import CELL
from tilesam.training.augmentation import augment, promptable_ids
from tilesam.training.datasets import LabelLayers, Sample, sampling_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.training.manifest import ManifestDataset
    from tilesam.training.recipes import Phase

_ATTEMPTS = 20


class Batch(NamedTuple):
    """B crops of S pixels with N objects each.

    Parameters
    ----------
    images
        (B, 3, S, S) float32, normalised.
    masks
        (B, N, S, S) bool.
    dense
        (B, 3, S/4, S/4) float32 in [0, 1]: foreground, boundary and closeness to the
        centre of the object.
    """

    images: Tensor
    masks: Tensor
    dense: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(*(part.to(device, non_blocking=True) for part in self))


class CropDataset(Dataset[Batch]):
    """The crops of one phase, by index.

    Parameters
    ----------
    images
        Real images; a share of the crops is rendered instead.
    phase
        Sizes and zoom.
    seed
        Together with the index it determines a crop.
    """

    def __init__(self, images: ManifestDataset, phase: Phase, seed: int) -> None:
        self.images = images
        self.phase = phase
        self.seed = seed
        self.weights = sampling_weights(images.domains, images.object_counts)

    def __getitem__(self, index: int) -> Batch:
        """Return crop `index` of an endless sequence, without the batch axis."""
        rng = np.random.default_rng((self.seed, index))
        for _ in range(_ATTEMPTS):
            sample = augment(
                self._draw(rng), size=self.phase.size, rng=rng, zoom=self.phase.zoom
            )
            masks = draw_masks(
                sample.label_layers, max(self.phase.prompts_per_image, 1), rng
            )
            if masks is not None:
                return to_tensors(sample, masks)
        raise DatasetError(
            f"no object of at least 16 pixels in {_ATTEMPTS} crops in a row; check the "
            "label images"
        )

    def _draw(self, rng: np.random.Generator) -> Sample:
        if rng.random() < self.phase.scene_share:
            from tilesam.training.scenes import SCENES, render_scene

            kind = sorted(SCENES)[rng.integers(len(SCENES))]
            return render_scene(kind, size=self.phase.size, rng=rng)
        return self.images[int(rng.choice(len(self.images), p=self.weights))]


def draw_masks(
    layers: LabelLayers, count: int, rng: np.random.Generator
) -> NDArray[np.bool_] | None:
    """Return `count` objects as (count, H, W) bool, or None if there are none.

    Objects come without repetition while there are enough.

    Parameters
    ----------
    layers
        (L, H, W) int32; only ids that are worth a prompt are drawn.
    """
    objects = [
        (index, object_id)
        for index, layer in enumerate(layers)
        for object_id in promptable_ids(layer)
    ]
    if not objects:
        return None
    chosen = rng.choice(len(objects), size=count, replace=len(objects) < count)
    return np.stack([layers[objects[i][0]] == objects[i][1] for i in chosen])


def to_tensors(sample: Sample, masks: NDArray[np.bool_]) -> Batch:
    """Return an item of a batch: the sample's pixels, masks and dense targets.

    Parameters
    ----------
    masks
        (N, H, W) bool, of objects in the sample.
    """
    image = torch.from_numpy(sample.image).permute(2, 0, 1)
    return Batch(
        normalize_pixels(image.float()),
        torch.from_numpy(masks),
        torch.from_numpy(build_dense_targets(sample.label_layers[0])),
    )


def build_dense_targets(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return foreground, boundary and closeness to the centre.

    Parameters
    ----------
    labels
        (H, W) int32.

    Returns
    -------
    NDArray[np.float32]
        (3, H/4, W/4) in [0, 1]. Closeness is 1 at an object's centroid and falls to 0
        at its pixel farthest from there.
    """
    small = labels[CELL // 2 :: CELL, CELL // 2 :: CELL]
    foreground = small > 0
    boundary = np.zeros_like(foreground)
    for axis in (0, 1):
        differs = np.diff(small, axis=axis) != 0
        before = [slice(None)] * 2
        after = [slice(None)] * 2
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        boundary[tuple(before)] |= differs
        boundary[tuple(after)] |= differs
    closeness = _closeness_to_centre(small)
    return np.stack([foreground, boundary & foreground, closeness]).astype(np.float32)


def _closeness_to_centre(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    _, compact = np.unique(labels, return_inverse=True)
    compact = compact.reshape(labels.shape)
    y, x = np.indices(labels.shape, dtype=np.float64)
    areas = np.maximum(np.bincount(compact.ravel()), 1)
    mean_y = np.bincount(compact.ravel(), y.ravel()) / areas
    mean_x = np.bincount(compact.ravel(), x.ravel()) / areas
    distance = np.hypot(y - mean_y[compact], x - mean_x[compact])
    farthest = np.zeros(len(areas))
    np.maximum.at(farthest, compact.ravel(), distance.ravel())
    closeness = 1 - distance / np.maximum(farthest[compact], 1.0)
    return np.asarray(np.where(labels > 0, closeness, 0.0))

"""The weights that are part of the package: small, complete, and able to segment."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors
from scipy.ndimage import gaussian_filter
from skimage.draw import ellipse

from tilesam import Session
from tilesam.evaluation.asking import Asked, ask_with_boxes, ask_with_points
from tilesam.model.checkpoints.loading import load_model
from tilesam.model.checkpoints.locations import find_local
from tilesam.model.checkpoints.registry import REGISTRY
from tilesam.model.runtime import SamModel

LARGEST_FILE = 30_000_000
LARGEST_ENCODER = 10_000_000


@pytest.fixture(scope="module")
def model() -> SamModel:
    return load_model(device="cpu")


@pytest.fixture(scope="module")
def nuclei(model: SamModel) -> Asked:
    """Return nine bright, soft, noisy ellipses on dark ground."""
    rng = np.random.default_rng(0)
    truth = []
    for index in range(9):
        y, x = (np.array(divmod(index, 3)) + 0.5) * 85 + rng.uniform(-8, 8, 2)
        radii = rng.uniform(12, 26, 2)
        rows, columns = ellipse(y, x, *radii, (256, 256), rotation=rng.uniform(0, 3))
        mask = np.zeros((256, 256), dtype=bool)
        mask[rows, columns] = True
        truth.append(mask)
    light = 15 + gaussian_filter(150.0 * np.any(truth, axis=0), 1.5)
    image = rng.poisson(light).clip(0, 255).astype(np.uint8)
    pixels = np.repeat(image[..., None], 3, axis=-1)
    return Asked(model, model.embed([pixels])[0], np.stack(truth))


def test_the_file_is_small_and_in_half_precision() -> None:
    path = find_local(REGISTRY["tiny"])
    assert path is not None
    assert path.stat().st_size < LARGEST_FILE
    with safetensors.safe_open(path, framework="pt") as file:
        types = {str(file.get_tensor(name).dtype) for name in file.keys()}  # noqa: SIM118
    assert types - {"torch.int64"} == {"torch.float16"}


def test_the_encoder_is_small(model: SamModel) -> None:
    parameters = model.network.image_encoder.parameters()
    assert sum(p.numel() for p in parameters) <= LARGEST_ENCODER
    assert model.input_size == 512


def test_a_box_gives_the_nucleus_in_it(nuclei: Asked) -> None:
    # More than the share of a box that an ellipse fills, which is pi / 4.
    assert ask_with_boxes(nuclei)["box"].mean() > 0.82


def test_a_point_gives_the_nucleus_under_it(nuclei: Asked) -> None:
    assert ask_with_points(nuclei)["oracle"].mean() > 0.6


def test_it_is_what_a_session_uses_when_nothing_is_said() -> None:
    session = Session.open(np.zeros((40, 40), np.uint8))
    assert session.model.name == "tiny"
    assert len(session.prompt(points_yx=(20, 20))) == 3

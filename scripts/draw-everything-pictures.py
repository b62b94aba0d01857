"""Draw the pictures of the pages on segmenting everything, anew.

    python scripts/draw-everything-pictures.py

One is a micrograph that ships with scikit-image, one an aerial scene that training
generates. Both are segmented by the embedded model.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from skimage import data

from tilesam import Session
from tilesam.everything.settings import EverythingSettings
from tilesam.export.label_picture import draw_segmentation
from tilesam.training.scenes import render_scene

if TYPE_CHECKING:
    from tilesam.types import UInt8Array

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "how-to"
AERIAL_SIDE, AERIAL_SEED = 1024, 5

logger = logging.getLogger(__name__)


def draw(
    name: str,
    image: UInt8Array,
    settings: EverythingSettings,
    *,
    object_diameter: float | None = None,
) -> None:
    """Segment an image and write the picture."""
    session = Session.open(image, object_diameter=object_diameter)
    found = session.everything(settings=settings)
    path = FOLDER / f"everything-{name}.jpg"
    draw_segmentation(found, session.source).save(path, quality=85)
    logger.info("%s: %d objects", path.name, len(found))


def main() -> None:
    """Draw both."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # The model does not know this stain, and is less sure of what it finds.
    lenient = EverythingSettings(pred_iou_thresh=0.45, stability_score_thresh=0.85)
    draw("tissue", data.immunohistochemistry(), lenient, object_diameter=16)
    rng = np.random.default_rng(AERIAL_SEED)
    scene = render_scene("roofs", size=AERIAL_SIDE, rng=rng)
    draw("aerial", scene.image, EverythingSettings())


if __name__ == "__main__":
    main()

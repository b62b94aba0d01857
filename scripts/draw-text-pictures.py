"""Draw the pictures of the pages on text prompts, anew.

    python scripts/draw-text-pictures.py DATA

DATA is the folder of labelled images that the embedded weights were trained on; the
pictures show images of its split `val`, each with its source and licence in the page.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from PIL import Image

from tilesam import Session
from tilesam.export.label_picture import draw_segmentation
from tilesam.training.manifest import ManifestDataset

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "how-to"

PICTURES = (
    ("nuclei", "nuclei", "nuclei_fluo/6bd18a218d25_0"),
    ("lesion", "leaf lesion", "leaf_lesion/348_les0"),
    ("building", "building", "aerial_buildings/a5_315893-264047-19"),
)
"""Name of the file, phrase, and the image of the data that it is asked about."""

LONGEST_SIDE = 768

logger = logging.getLogger(__name__)


def draw(name: str, phrase: str, sample_name: str, images: ManifestDataset) -> None:
    """Ask an image, and write it beside itself with what was found."""
    sample = next(sample for sample in images if sample.name == sample_name)
    session = Session.open(sample.image)
    found = session.text(phrase)
    drawn = draw_segmentation(found, session.source)
    height, width = sample.image.shape[:2]
    scale = LONGEST_SIDE / (2 * width)
    size = round(width * scale), round(height * scale)
    both = Image.new("RGB", (2 * size[0], size[1]))
    both.paste(Image.fromarray(sample.image).resize(size), (0, 0))
    both.paste(drawn.convert("RGB").resize(size), (size[0], 0))
    path = FOLDER / f"text-{name}.jpg"
    both.save(path, quality=88)
    logger.info("%s: %d objects for '%s'", path.name, len(found), phrase)


def main() -> None:
    """Draw all of them."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    images = ManifestDataset(Path(sys.argv[1]), "val")
    for picture in PICTURES:
        draw(*picture, images)


if __name__ == "__main__":
    main()

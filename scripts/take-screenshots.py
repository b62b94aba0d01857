"""Take the screenshots of the documentation from the running program, anew.

    scripts/with-display.sh python scripts/take-screenshots.py

What the pictures show is what the program does: prompts are put into its layers, and
the embedded model answers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_sam.demo import DemoWindow, take_pictures
from napari_sam.views.records import TextChoices

DOCS = Path(__file__).resolve().parents[1] / "docs"

NUCLEUS, OTHER_NUCLEUS = (15473.0, 20835.0), (15514.0, 20847.0)
NUCLEUS_WIDTH = 24.0
ROOFS = ((16993, 3896, 17050, 3974), (17156, 3749, 17214, 3841))
"""Places in the large samples, found by looking at them."""


def show_place(window: DemoWindow, yx: tuple[float, float], magnified: float) -> None:
    """Bring a pixel of the image into the middle of the canvas."""
    scale = np.array(window.annotator.image.scale)
    camera = window.viewer.scene.camera
    camera.center = tuple(np.array(yx) * scale)
    camera.zoom = magnified / scale[0]
    window.rest(3.0)


def shoot_slide() -> None:
    """Nuclei of the large slide, by points."""
    window = DemoWindow(sample="large_slide")
    show_place(window, NUCLEUS, magnified=2.5)
    window.dock.prompts.diameter.setValue(NUCLEUS_WIDTH)
    window.wait(lambda: window.annotator.session is not None)
    window.point(NUCLEUS)
    window.annotator.accept()
    window.point(OTHER_NUCLEUS)
    window.shoot(DOCS / "how-to" / "slide-candidates.png")
    window.close()


def shoot_aerial() -> None:
    """Roofs of the large aerial scene, by boxes."""
    window = DemoWindow(sample="large_aerial_scene", dock="Box prompts")
    show_place(window, (17050.0, 3900.0), magnified=1.6)
    for box in ROOFS:
        window.box(box)
        window.annotator.accept()
    window.box((16996, 4020, 17046, 4096))
    window.shoot(DOCS / "how-to" / "aerial-boxes.png")
    window.close()


def shoot_words() -> None:
    """Look for buildings in a view of the large aerial scene, by that word."""
    window = DemoWindow(sample="large_aerial_scene", dock="Text prompts")
    show_place(window, (17050.0, 3900.0), magnified=1.6)
    window.dock.text.set_ask(TextChoices("buildings", where="view"))
    window.dock.text.find.click()
    window.wait(lambda: window.annotator.text.found is not None, seconds=900)
    window.shoot(DOCS / "how-to" / "text-napari.png")
    window.close()


def main() -> None:
    """Take all of them."""
    window = DemoWindow()
    take_pictures(window, DOCS / "tutorials")
    window.close()
    shoot_slide()
    shoot_aerial()
    shoot_words()


if __name__ == "__main__":
    main()

"""Take the screenshots of the tutorial from the running program, anew.

    scripts/with-display.sh python scripts/take-screenshots.py

What the pictures show is what the program does: prompts are put into its layers, and
the embedded model answers.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
from qtpy.QtWidgets import QApplication
from skimage import data

from napari_sam.annotators import close_all
from napari_sam.menu import show_dock
from napari_sam.views.records import AskChoices

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
SIZE = (1280, 860)
COIN, OTHER_COIN = (45.0, 60.0), (120.0, 45.0)


class Photographer:
    """A viewer with the coins of scikit-image, and pictures of it."""

    def __init__(self) -> None:
        self.viewer = napari.Viewer()
        self.viewer.window.resize(*SIZE)
        self.viewer.add_image(data.coins(), name="coins")
        self.dock: Any = show_dock(self.viewer, "Point prompts")
        self.wait(lambda: self.annotator.session is not None)
        self.rest()
        self.viewer.reset_view()

    @property
    def annotator(self) -> Any:
        """What stands behind the dock."""
        return self.dock.annotator

    def wait(self, condition: Callable[[], object], seconds: float = 120.0) -> None:
        """Let the program go on until something holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("what was waited for did not come")
            QApplication.processEvents()
            time.sleep(0.01)

    def rest(self, seconds: float = 0.5) -> None:
        """Let the program go on for a moment."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)

    def point(self, place_yx: tuple[float, float]) -> None:
        """Put a point onto an object, and wait for the answer."""
        self.annotator.prompt_layers.points.add([place_yx])
        state = self.annotator.annotation
        self.wait(lambda: state.candidates and not state.is_busy)

    def shoot(self, name: str) -> None:
        """Save what the window shows."""
        self.rest()
        path = FOLDER / f"napari-{name}.png"
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)

    def close(self) -> None:
        """End the program."""
        close_all(self.viewer)
        self.viewer.close()


def main() -> None:
    """Take all of them."""
    photographer = Photographer()
    photographer.point(COIN)
    photographer.shoot("candidates")
    photographer.annotator.accept()
    photographer.point(OTHER_COIN)
    photographer.annotator.cycle()
    photographer.shoot("second")
    photographer.annotator.accept()
    dock: Any = show_dock(photographer.viewer, "Segment everything")
    dock.everything.set_ask(AskChoices(where="image", points_per_side=16))
    photographer.rest()
    dock.everything.run.click()
    photographer.wait(lambda: photographer.annotator.everything.found is not None)
    photographer.shoot("everything")
    photographer.close()


if __name__ == "__main__":
    main()

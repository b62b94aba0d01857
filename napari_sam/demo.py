"""The plugin at work on a real image: `python -m napari_sam.demo FOLDER [--headless]`.

A viewer with coins and the docks, in which a prompt is answered. It stays open to go on
with; headless, it writes pictures of itself into the folder and ends.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilesam.errors import OutputError, TilesamError

if TYPE_CHECKING:
    from napari_sam.annotator import Annotator

SIZE = (1280, 860)
COIN, OTHER_COIN = (45.0, 60.0), (120.0, 45.0)
PATIENCE = 120.0
"""Seconds after which an answer is taken not to come."""


class DemoWindow:
    """A viewer with an image, the docks, and somebody who clicks.

    Parameters
    ----------
    title
        Of the window.
    sample
        Of the manifest, by its key.
    dock
        That is opened, as the manifest calls it.
    """

    def __init__(
        self,
        title: str = "napari",
        *,
        sample: str = "coins",
        dock: str = "Point prompts",
    ) -> None:
        import napari

        from napari_sam.annotators import open_session
        from napari_sam.menu import PLUGIN, show_dock
        from napari_sam.preferences import Preferences

        self.viewer = napari.Viewer(title=title)
        self.viewer.window.resize(*SIZE)
        (image,) = self.viewer.open_sample(PLUGIN, sample)
        # A demonstration leaves nothing behind that somebody would be offered later.
        unsaved = Preferences(cache_bytes=0, autosaves=False)
        open_session(self.viewer, image, preferences=unsaved)
        self.dock: Any = show_dock(self.viewer, dock)
        self.wait(lambda: self.annotator.session is not None)
        self.rest()
        self.viewer.reset_view()

    @property
    def annotator(self) -> Annotator:
        """What stands behind the dock."""
        return self.dock.annotator

    def point(self, place_yx: tuple[float, float]) -> None:
        """Put a point onto an object, and wait for the answer."""
        self.annotator.prompt_layers.points.add([place_yx])
        self._wait_for_answer()

    def box(self, box_yxyx: tuple[float, float, float, float]) -> None:
        """Draw a box around an object, and wait for the answer."""
        y0, x0, y1, x1 = box_yxyx
        corners = [(y0, x0), (y0, x1), (y1, x1), (y1, x0)]
        self.annotator.prompt_layers.boxes.add_rectangles([corners])
        self._wait_for_answer()

    def _wait_for_answer(self) -> None:
        state = self.annotator.annotation
        self.wait(lambda: state.message or (state.candidates and not state.is_busy))

    def segment_everything(self, points_per_side: int = 16) -> None:
        """Segment the whole image, in the dock for that."""
        from napari_sam.menu import show_dock
        from napari_sam.views.records import AskChoices

        dock: Any = show_dock(self.viewer, "Segment everything")
        dock.everything.set_ask(
            AskChoices(where="image", points_per_side=points_per_side)
        )
        self.rest()
        dock.everything.run.click()
        self.wait(lambda: self.annotator.everything.found is not None)

    def shoot(self, path: Path) -> None:
        """Save what the window shows as a PNG.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        self.rest()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        except OSError as error:
            raise OutputError(
                f"cannot write {path}: {error.strerror or error}; choose another folder"
            ) from error

    def wait(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Let the program go on until something holds.

        Raises
        ------
        TilesamError
            If that takes too long.
        """
        from qtpy.QtWidgets import QApplication

        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TilesamError(
                    f"nothing came for {seconds:.0f} s; {self.annotator.annotation}"
                )
            QApplication.processEvents()
            time.sleep(0.01)

    def rest(self, seconds: float = 0.5) -> None:
        """Let the program go on for a moment."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)

    def close(self) -> None:
        """End the program."""
        from napari_sam.annotators import close_all

        close_all(self.viewer)
        self.viewer.close()


def take_pictures(window: DemoWindow, folder: Path) -> list[Path]:
    """Do what somebody does first, and return pictures of it.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    pictures = []

    def shoot(name: str) -> None:
        pictures.append(folder / f"napari-{name}.png")
        window.shoot(pictures[-1])

    window.point(COIN)
    shoot("candidates")
    window.annotator.accept()
    window.point(OTHER_COIN)
    window.annotator.cycle()
    shoot("second")
    window.annotator.accept()
    window.segment_everything()
    shoot("everything")
    return pictures


def main(arguments: Sequence[str]) -> None:
    """Open the viewer; wait until it is closed, or take pictures of it.

    Raises
    ------
    SystemExit
        With one line that says what is wrong.
    """
    names = [text for text in arguments if text != "--headless"]
    if len(names) != 1:
        raise SystemExit("Usage: python -m napari_sam.demo FOLDER [--headless]")
    _require_qt()
    try:
        _run(Path(names[0]), is_headless="--headless" in arguments)
    except TilesamError as error:
        raise SystemExit(f"Error: {error}") from error


def _run(folder: Path, *, is_headless: bool) -> None:
    import napari

    window = DemoWindow("napari-sam demo")
    try:
        if is_headless:
            take_pictures(window, folder)
        else:
            window.point(COIN)
            napari.run()
    finally:
        if is_headless:
            window.close()


def _require_qt() -> None:
    try:
        import_module("qtpy")
    except ImportError as error:
        raise SystemExit(
            "Error: napari finds no Qt binding for its window; expected PyQt6 or "
            'PySide6; run `pip install "napari-sam-tiles[all]"`'
        ) from error


if __name__ == "__main__":
    main(sys.argv[1:])

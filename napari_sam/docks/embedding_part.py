"""The upper part of the panel for tiles: what embedding takes, and the run itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.views.tiles_panel import TilesPanel

if TYPE_CHECKING:
    from napari.components import Camera

    from napari_sam.annotator import Annotator
    from napari_sam.docks.image_dock import ImageDock
    from tilesam.types import Window

REST = 300
"""Milliseconds for which a view has to rest before it is estimated."""

_NOTHING = {
    "view": "The view shows nothing of the image.",
    "image": "",
    "region": "Draw a region first.",
}


class EmbeddingPart:
    """Joins estimate and run of the panel to the annotator of the dock.

    Parameters
    ----------
    dock
        It is a part of.
    panel
        For tiles.
    """

    def __init__(self, dock: ImageDock, panel: TilesPanel) -> None:
        self._dock, self.panel = dock, panel
        self._moves: tuple[Any, ...] = ()
        self._resting = single_shot(panel, REST, self._estimate_again)
        panel.where_changed.connect(self.estimate)
        panel.draw_region_requested.connect(self._draw_region)
        panel.embed_requested.connect(self._embed)
        panel.cancel_requested.connect(self._cancel)

    @property
    def _annotator(self) -> Annotator | None:
        return self._dock.annotator

    def wire(self, annotator: Annotator) -> None:
        """Show what an annotator does."""
        listen, events = self._dock.listen, annotator.embedding.events
        listen(events.estimate, self._show_estimate)
        listen(events.progress, self._show_progress)
        listen(events.is_running, self._show_run)
        listen(annotator.region.changed, self._show_region)
        listen(annotator.opened, self.show_session)
        if annotator.embedding.is_running:
            self.panel.start()
        else:
            self.panel.stop()
        self.show_session()

    def watch(self, camera: Camera) -> None:
        """Estimate the view again when it was moved."""
        self._moves = (camera.events.center, camera.events.zoom)
        for move in self._moves:
            move.connect(self.on_view_moved)

    def close(self) -> None:
        """Let go of the viewer."""
        for move in self._moves:
            move.disconnect(self.on_view_moved)
        self._moves = ()

    def on_view_moved(self, _event: object = None) -> None:
        """Estimate a view anew when it has come to rest."""
        if self.panel.isVisible():
            self._resting.start()

    def show_session(self) -> None:
        """Estimate anew, as another session or none is open."""
        self._show_region()
        if self._annotator is None or self._annotator.session is None:
            self.panel.set_estimate(None, why_not="Not known yet.")
        self.estimate()

    def estimate(self, *_: object) -> None:
        """Find out what it takes to embed what is chosen."""
        controller = self._controller()
        if self._annotator is None or controller is None:
            return
        if self._annotator.embedding.is_running:
            return
        window = self._window()
        if window is None:
            self.panel.set_estimate(None, why_not=_NOTHING[self.panel.where])
        else:
            controller.estimate(window, near_yx=_middle(window))
            self._show_estimate()

    def _estimate_again(self) -> None:
        # It would take back what somebody has to read first.
        annotator = self._annotator
        if annotator is not None and not annotator.embedding.message:
            self.estimate()

    def _window(self) -> Window | None:
        if self._annotator is None:
            return None
        return self._annotator.window(self.panel.where)

    def _controller(self) -> EmbeddingController | None:
        if self._annotator is None:
            return None
        return self._annotator.controller(EmbeddingController)

    def _embed(self, _where: str) -> None:
        controller, window = self._controller(), self._window()
        if controller is not None and window is not None:
            controller.start(window, near_yx=_middle(window))

    def _cancel(self) -> None:
        controller = self._controller()
        if controller is not None:
            controller.cancel()

    def _draw_region(self) -> None:
        if self._annotator is not None:
            self._annotator.region.draw()

    def _show_region(self) -> None:
        annotator = self._annotator
        if annotator is None or annotator.session is None:
            self.panel.set_region(None)
            return
        window = annotator.window("region")
        hw = None if window is None else (window.height, window.width)
        self.panel.set_region(hw)
        if self.panel.where == "region":
            self.estimate()

    def _show_estimate(self, *_: object) -> None:
        if self._annotator is not None:
            estimate = self._annotator.embedding.estimate
            self.panel.set_estimate(estimate, why_not="Estimating ...")

    def _show_run(self, is_running: bool) -> None:
        if is_running:
            self.panel.start()
        else:
            self.panel.stop()
            self._resting.start()

    def _show_progress(self, *_: object) -> None:
        if self._annotator is not None:
            state = self._annotator.embedding
            if state.is_running and state.progress is not None:
                self.panel.set_progress(state.progress)


def single_shot(
    parent: QObject, milliseconds: int, act: Callable[..., object]
) -> QTimer:
    """Return a timer that fires once after each start."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(act)
    return timer


def _middle(window: Window) -> tuple[float, float]:
    return window.y0 + window.height / 2, window.x0 + window.width / 2

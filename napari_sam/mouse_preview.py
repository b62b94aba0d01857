"""The mouse over an image -> what a click there would find, as an outline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels, Layer
from psygnal import Signal

from napari_sam.controllers.previewing import PreviewController
from napari_sam.layers.coordinates import Plane
from napari_sam.layers.outline import Outline
from napari_sam.layers.polarity import MODIFIER
from napari_sam.layers.preview_layer import PreviewLayer
from napari_sam.layers.prompt_layers import PromptLayers
from napari_sam.state.annotation import AnnotationState
from napari_sam.threads.engine_thread import EngineThread

if TYPE_CHECKING:
    from napari import Viewer

    from napari_sam.controllers.prompting import Later
    from tilesam.session import Session


class MousePreview:
    """Shows an outline where a click would be a point; on the GUI thread.

    Only while it is switched on, the layer of points is active with its tool for adding
    in hand, and the point would be positive. It changes nothing but its own layer.

    Parameters
    ----------
    viewer, image
        The layer and where it is shown.
    prompts
        Its prompt layers.
    state, thread, later
        See `PreviewController`.

    Attributes
    ----------
    switched
        Emitted with whether it is on, also when somebody has deleted its layer.
    """

    switched = Signal(bool)

    def __init__(
        self,
        viewer: Viewer,
        image: Image,
        prompts: PromptLayers,
        state: AnnotationState,
        thread: EngineThread,
        *,
        later: Later,
    ) -> None:
        self._viewer, self._prompts = viewer, prompts
        self._state, self._thread, self._later = state, thread, later
        self._points = prompts.points
        self._controller: PreviewController | None = None
        self._plane: Plane = ()
        self._is_on = False
        self._outline = PreviewLayer(viewer.layers, image, below=self._prompts_shown)
        self._outline.removed.connect(self._turn_off)

    @property
    def layer(self) -> Labels | None:
        """The layer of the outline; None while it is off."""
        return self._outline.layer

    @property
    def is_on(self) -> bool:
        """Whether outlines are shown."""
        return self._is_on

    @is_on.setter
    def is_on(self, is_on: bool) -> None:
        if is_on == self._is_on:
            return
        if is_on:
            self._turn_on()
        else:
            self._turn_off()

    def follow(self, session: Session | None, plane: Plane = ()) -> None:
        """Ask another session, or none while one is being opened."""
        if self._controller is not None:
            self._controller.close()
            self._controller = None
        self._plane = plane
        if session is not None:
            self._controller = PreviewController(
                *(session, self._state, self._thread), later=self._later
            )
            self._controller.found.connect(self._show)

    def close(self) -> None:
        """Take the layer away and let go of the mouse."""
        self.is_on = False
        self.follow(None)
        self._outline.close()

    def _turn_on(self) -> None:
        self._is_on = True
        self._outline.prepare()
        self._points.mouse_move_callbacks.append(self._on_move)
        self._points.mouse_drag_callbacks.append(self._on_press)
        for event in self._ends():
            event.connect(self._look_away)
        self.switched.emit(True)

    def _turn_off(self) -> None:
        self._is_on = False
        self._look_away()
        self._points.mouse_move_callbacks.remove(self._on_move)
        self._points.mouse_drag_callbacks.remove(self._on_press)
        for event in self._ends():
            event.disconnect(self._look_away)
        self._outline.remove()
        self.switched.emit(False)

    def _ends(self) -> list[Any]:
        """Return the events after which the mouse has to move before there is more."""
        viewer = self._viewer
        return [
            viewer.layers.selection.events.active,
            viewer.events.mouse_over_canvas,
            self._points.events.mode,
            self._prompts.polarity.changed,
        ]

    def _on_move(self, _points: Layer, event: Any) -> None:
        if self._controller is None:
            return
        if self._is_click_positive(event):
            # Of the points, whose units are those of the position, unlike the image's.
            y, x = self._points.world_to_data(event.position)[-2:]
            self._controller.look_at((y, x))
        else:
            self._controller.look_away()

    def _is_click_positive(self, event: Any) -> bool:
        is_turned = MODIFIER in event.modifiers
        wanted = "negative" if is_turned else "positive"
        adds = self._points.mode == "add"
        return adds and self._prompts.polarity.current == wanted

    def _on_press(self, _points: Layer, _event: Any) -> None:
        self._look_away()

    def _look_away(self, _event: Any = None) -> None:
        if self._controller is not None:
            self._controller.look_away()

    def _show(self, outline: Outline | None) -> None:
        if outline is None or not self._is_on:
            self._outline.hide()
        else:
            self._outline.show(outline, self._plane)

    def _prompts_shown(self) -> list[Layer]:
        return [self._prompts.points, self._prompts.boxes]

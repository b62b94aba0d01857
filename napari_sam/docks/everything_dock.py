"""The dock that segments everything, with thresholds that act at once."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from napari_sam.controllers.everything import EverythingController
from napari_sam.controllers.messages import message_of
from napari_sam.docks.image_dock import ImageDock, build_scroll_area
from napari_sam.layers.found_layer import FoundLayer
from napari_sam.views.everything_panel import EverythingPanel
from napari_sam.views.questions import ask_overlap
from napari_sam.views.records import AskChoices, KeepChoices
from tilesam.annotation.overlaps import OverlapQuestion, Policy
from tilesam.errors import TilesamError

if TYPE_CHECKING:
    from napari import Viewer

    from napari_sam.annotator import Annotator
    from napari_sam.state.everything import FoundObjects
    from tilesam.everything.settings import EverythingSettings

NOWHERE = {
    "view": "Nothing of the image is on the screen; move it back into view.",
    "image": "The image is not open yet.",
    "region": "Draw a region first.",
}

NAMES = {"pred_iou_thresh": "Predicted IoU", "stability_score_thresh": "Stability"}

POINTS_PER_SIDE = 16
"""A quarter of the paper's points: on a processor a view is segmented in seconds."""


class SegmentEverything(ImageDock):
    """Dock widget: all objects of the view or the whole image.

    Parameters
    ----------
    napari_viewer
        The dock is in; napari knows the parameter by this name.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        self.everything = EverythingPanel()
        self.everything.set_ask(AskChoices(points_per_side=POINTS_PER_SIDE))
        self._found: FoundLayer | None = None
        super().__init__(napari_viewer, build_scroll_area(self.everything))
        self.everything.run_requested.connect(self._run)
        self.everything.cancel_requested.connect(self._cancel)
        self.everything.draw_region_requested.connect(self._draw_region)
        self.everything.keep_changed.connect(self._keep)
        self.everything.accept_requested.connect(self._accept)
        self.everything.diameter.changed.connect(self._set_diameter)

    def wire(self, annotator: Annotator) -> None:
        """Show what an annotator does."""
        prompts = annotator.prompt_layers
        self._found = FoundLayer(
            *(self.viewer.layers, annotator.image),
            below=(prompts.points, prompts.boxes),
            is_taken=annotator.objects.is_chosen,
        )
        events = annotator.everything.events
        self.listen(events.is_running, self._show_run)
        self.listen(events.progress, self._show_progress)
        self.listen(events.found, self._show_found)
        self.listen(events.message, self._show_message)
        self.listen(annotator.opened, self._show_session)
        self.listen(annotator.region.changed, self._show_region)
        self._show_session()

    def show_nothing(self) -> None:
        """Say that an image is needed."""
        self.everything.set_ready(False)
        self.everything.set_message("Open or choose an image first.")

    def _show_session(self) -> None:
        annotator = self.annotator
        is_ready = annotator is not None and annotator.session is not None
        self.everything.set_ready(is_ready)
        self._show_message()
        self._show_region()
        if annotator is not None and is_ready:
            settings = annotator.everything.settings
            self.everything.set_lowest(*self._controller().lowest_thresholds)
            self.everything.set_keep(_to_choices(settings))
            self.everything.diameter.set_diameter(annotator.object_diameter)

    def _run(self, ask: AskChoices) -> None:
        annotator, controller = self.annotator, self._controller()
        if annotator is None or annotator.session is None or controller is None:
            return
        state = annotator.everything
        state.settings = replace(
            _with_choices(state.settings, self.everything.keep),
            points_per_side=ask.points_per_side,
        )
        window = annotator.window(ask.where)
        if window is None:
            self.everything.set_message(NOWHERE[ask.where], "warning")
            return
        controller.run(
            None if ask.where == "image" else window,
            object_diameter=ask.object_diameter,
        )

    def _set_diameter(self, diameter: float | None) -> None:
        if self.annotator is not None:
            self.annotator.use_object_diameter(diameter)

    def _draw_region(self) -> None:
        if self.annotator is not None:
            self.annotator.region.draw()

    def _show_region(self) -> None:
        window = None if self.annotator is None else self.annotator.window("region")
        hw = None if window is None else (window.height, window.width)
        self.everything.set_region(hw)

    def _cancel(self) -> None:
        controller = self._controller()
        progress = (
            None if self.annotator is None else self.annotator.everything.progress
        )
        if controller is not None:
            controller.cancel()
        if progress is not None and progress.done < progress.total:
            self.everything.set_message(
                f"Stopped after {progress.done} of {progress.total} tiles. Press 'Find "
                "everything' to go on: those are not asked again."
            )

    def _keep(self, choices: KeepChoices) -> None:
        if self.annotator is not None:
            state = self.annotator.everything
            state.settings = _with_choices(state.settings, choices)

    def _accept(self, policy: Policy | None = None) -> None:
        if self.annotator is None:
            return
        try:
            self.annotator.accept_found(policy)
        except OverlapQuestion as question:
            answer = ask_overlap(self, question.labels, question.pixels)
            if answer is not None:
                self._accept(answer)
        except TilesamError as error:
            self.everything.set_message(message_of(error), "error")
        else:
            self._show_accepted()

    def _show_accepted(self) -> None:
        """Say where the objects are now; what was found would only cover them."""
        objects = self.annotator.objects.current
        self._found.hide()
        self.everything.set_message(f"They are in '{objects.layer.name}' now.")

    def _controller(self) -> EverythingController | None:
        if self.annotator is None:
            return None
        return self.annotator.controller(EverythingController)

    def _show_run(self, is_running: bool) -> None:
        if is_running:
            self.everything.start()
        else:
            self.everything.stop()

    def _show_progress(self, progress: object) -> None:
        if self.annotator is None or progress is None:
            return
        if self.annotator.everything.is_running:
            self.everything.set_progress(self.annotator.everything.progress)

    def _show_found(self, found: FoundObjects | None) -> None:
        if found is None or self.annotator is None or self._found is None:
            return
        self._found.show(found, self.annotator.plane)
        masks = found.segmentation.funnel.kept_by_decoder
        self.everything.set_counts(found.count, masks)
        controller = self._controller()
        if controller is not None:
            self.everything.set_lowest(*controller.lowest_thresholds)

    def _show_message(self, *_: object) -> None:
        annotator = self.annotator
        if annotator is None:
            return
        if annotator.session is None:
            text = annotator.annotation.message
            self.everything.set_message(text or "Opening the image and the model ...")
        else:
            text = in_words_of_the_panel(annotator.everything.message)
            self.everything.set_message(text, "warning")


def in_words_of_the_panel(text: str) -> str:
    """Return what the engine says with the names that the sliders have."""
    for setting, name in NAMES.items():
        text = text.replace(setting, name)
    return text


def _to_choices(settings: EverythingSettings) -> KeepChoices:
    iou, stability = settings.thresholds
    return KeepChoices(iou, stability, settings.min_mask_region_area, settings.overlap)


def _with_choices(
    settings: EverythingSettings, choices: KeepChoices
) -> EverythingSettings:
    return replace(settings, **asdict(choices))

"""The dock for text prompts: a phrase becomes objects, chosen by their scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam.controllers.messages import message_of
from napari_sam.controllers.texting import TextingController
from napari_sam.docks.everything_dock import NOWHERE
from napari_sam.docks.image_dock import ImageDock, build_scroll_area
from napari_sam.layers.found_layer import FoundLayer
from napari_sam.state.prompts import PromptSet
from napari_sam.state.text import TextQuestion
from napari_sam.views.questions import ask_overlap
from napari_sam.views.records import PromptCounts, TextChoices
from napari_sam.views.text_panel import TextPanel
from tilesam.annotation.overlaps import OverlapQuestion, Policy
from tilesam.errors import TilesamError
from tilesam.text.vocabulary import concepts
from tilesam.types import FOREGROUND

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Labels

    from napari_sam.annotator import Annotator
    from napari_sam.state.everything import FoundObjects


class TextPrompts(ImageDock):
    """Dock widget: all objects that a phrase means, of the view or the whole image.

    Parameters
    ----------
    napari_viewer
        The dock is in; napari knows the parameter by this name.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        self.text = TextPanel()
        self.text.set_nouns(concepts())
        self._found: FoundLayer | None = None
        self._followed: Labels | None = None
        super().__init__(napari_viewer, build_scroll_area(self.text))
        self.text.find_requested.connect(self._run)
        self.text.cancel_requested.connect(self._cancel)
        self.text.draw_region_requested.connect(self._draw_region)
        self.text.threshold_changed.connect(self._set_threshold)
        self.text.corrects_changed.connect(self._set_corrects)
        self.text.ask_box.diameter.changed.connect(self._set_diameter)
        self.text.accept_requested.connect(self._accept)
        self.text.accept_picked_requested.connect(self._accept_picked)
        self.listen_always(napari_viewer.layers.events.removed, self._show_picked)

    def wire(self, annotator: Annotator) -> None:
        """Show what an annotator does."""
        prompts = annotator.prompt_layers
        self._found = FoundLayer(
            *(self.viewer.layers, annotator.image),
            below=(prompts.points, prompts.boxes),
            is_taken=annotator.objects.is_chosen,
        )
        self._followed = None
        events = annotator.text.events
        self.listen(events.is_running, self._show_run)
        self.listen(events.progress, self._show_progress)
        self.listen(events.threshold, self.text.set_threshold)
        self.listen(events.count, self._show_count)
        self.listen(events.masks, self._show_count)
        self.listen(events.found, self._show_found)
        self.listen(events.notice, self._show_message)
        self.listen(events.error, self._show_message)
        self.listen(annotator.annotation.events.prompts, self._show_prompts)
        self.listen(annotator.opened, self._show_session)
        self.listen(annotator.region.changed, self._show_region)
        self._show_question()
        self._show_session()

    def show_nothing(self) -> None:
        """Say that an image is needed."""
        self.text.set_ready(False)
        self.text.stop()
        self.text.set_counts(None)
        self.text.set_picked(None)
        self.text.set_message("Open or choose an image first.")

    def _run(self, ask: TextChoices) -> None:
        annotator, controller = self.annotator, self._controller()
        if annotator is None or controller is None:
            return
        window = annotator.window(ask.where)
        if window is None:
            self.text.set_message(NOWHERE[ask.where], "warning")
            return
        question = TextQuestion(
            ask.phrase,
            ask.negative_phrases,
            ask.backend,
            annotator.annotation.prompts if ask.corrects else PromptSet(),
        )
        controller.run(question, None if ask.where == "image" else window)

    def _cancel(self) -> None:
        controller = self._controller()
        if controller is not None:
            controller.cancel()
            self.text.set_message("Stopped; what was found before is still there.")

    def _draw_region(self) -> None:
        if self.annotator is not None:
            self.annotator.region.draw()

    def _set_diameter(self, diameter: float | None) -> None:
        if self.annotator is not None:
            self.annotator.use_object_diameter(diameter)

    def _set_threshold(self, threshold: float) -> None:
        if self.annotator is not None:
            self.annotator.text.threshold = threshold

    def _set_corrects(self, corrects: bool) -> None:
        if self.annotator is None:
            return
        if corrects:  # there has to be something to click with
            self.annotator.prompt_layers.use_points()
        self._correct()

    def _correct(self) -> None:
        """Ask again with the points and boxes there are, or without them."""
        annotator, controller = self.annotator, self._controller()
        if annotator is not None and controller is not None:
            is_on = self.text.ask.corrects
            controller.correct(annotator.annotation.prompts if is_on else PromptSet())

    def _accept(self, policy: Policy | None = None, label: int | None = None) -> None:
        if self.annotator is None:
            return
        try:
            self.annotator.accept_text(policy, label=label)
        except OverlapQuestion as question:
            answer = ask_overlap(self, question.labels, question.pixels)
            if answer is not None:
                self._accept(answer, label)
        except TilesamError as error:
            self.text.set_message(message_of(error), "error")
        else:
            self._show_accepted(label)

    def _accept_picked(self) -> None:
        label = self._picked_label()
        if label is not None:
            self._accept(label=label)

    def _show_accepted(self, label: int | None) -> None:
        """Say where the objects are now; what was found would only cover them."""
        name = self.annotator.objects.current.layer.name
        if label is None:
            self._found.hide()
            self.text.set_message(f"They are in '{name}' now.")
        else:
            self.text.set_message(f"Object {label} is in '{name}' now.")

    def _controller(self) -> TextingController | None:
        if self.annotator is None:
            return None
        return self.annotator.controller(TextingController)

    def _show_session(self) -> None:
        annotator = self.annotator
        is_ready = annotator is not None and annotator.session is not None
        self.text.set_ready(is_ready)
        if is_ready:
            self.text.ask_box.diameter.set_diameter(annotator.object_diameter)
        self._show_run()
        self._show_message()
        self._show_region()

    def _show_question(self) -> None:
        """Show what was asked and answered before the dock was about the image."""
        state = self.annotator.text
        if state.question is not None:
            asked, where = state.question, self.text.ask.where
            self.text.set_ask(
                TextChoices(
                    *(asked.phrase, asked.negative_phrases, asked.backend, where),
                    corrects=len(asked.corrections) > 0,
                )
            )
        self.text.set_threshold(state.threshold)
        self._show_count()
        self._show_prompts()
        self._show_picked()

    def _show_region(self) -> None:
        window = None if self.annotator is None else self.annotator.window("region")
        self.text.set_region(None if window is None else (window.height, window.width))

    def _show_run(self, _is_running: object = None) -> None:
        if self.annotator is not None and self.annotator.text.is_running:
            self.text.start()
        else:
            self.text.stop()

    def _show_progress(self, progress: object) -> None:
        if self.annotator is None or progress is None:
            return
        if self.annotator.text.is_running:
            self.text.set_progress(self.annotator.text.progress)

    def _show_count(self, _number: object = None) -> None:
        if self.annotator is not None:
            state = self.annotator.text
            self.text.set_counts(state.count, state.masks)

    def _show_prompts(self, _prompts: object = None) -> None:
        if self.annotator is None:
            return
        prompts = self.annotator.annotation.prompts
        positive = sum(label == FOREGROUND for label in prompts.point_labels)
        negative = len(prompts.point_labels) - positive
        self.text.set_prompts(PromptCounts(positive, negative, len(prompts.boxes_yxyx)))
        if self.text.ask.corrects:
            self._correct()

    def _show_found(self, found: FoundObjects | None) -> None:
        if found is None or self.annotator is None or self._found is None:
            return
        # An empty layer is of use only where it takes away what it has shown.
        if found.count or self._found.layer is not None:
            self._found.show(found, self.annotator.text.plane)
        self._follow_picks()
        self._show_picked()

    def _follow_picks(self) -> None:
        layer = self._found.layer
        if layer is not None and layer is not self._followed:
            self._followed = layer
            self.listen(layer.events.selected_label, self._show_picked)

    def _picked_label(self) -> int | None:
        """Return the label that is selected in the layer of results, if it is one."""
        found = None if self.annotator is None else self.annotator.text.found
        layer = None if self._found is None else self._found.layer
        if found is None or layer is None or layer not in self.viewer.layers:
            return None
        label = int(layer.selected_label)
        return label if label in found.text_scores() else None

    def _show_picked(self, _event: object = None) -> None:
        label = self._picked_label()
        if label is None:
            self.text.set_picked(None)
        else:
            score = self.annotator.text.found.text_scores()[label]
            self.text.set_picked(label, score)

    def _show_message(self, *_: object) -> None:
        annotator = self.annotator
        if annotator is None:
            return
        if annotator.session is None:
            text = annotator.annotation.message
            self.text.set_message(text or "Opening the image and the model ...")
        elif annotator.text.error:
            self.text.set_message(annotator.text.error, "error")
        else:
            self.text.set_message(annotator.text.notice, "warning")

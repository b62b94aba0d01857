"""The docks for points and for boxes: prompts in, candidates and objects out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from napari.layers import Labels
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_sam.annotator import KEYS, NEW
from napari_sam.docks.candidate_rows import (
    ThumbnailPlace,
    candidate_rows,
    thumbnail_place,
)
from napari_sam.docks.image_dock import ImageDock, build_scroll_area
from napari_sam.views.objects_panel import ObjectsPanel
from napari_sam.views.prompt_panel import PromptPanel
from napari_sam.views.questions import ask_overlap
from napari_sam.views.records import PromptCounts
from tilesam.types import FOREGROUND, MaskCandidate, UInt8Array

if TYPE_CHECKING:
    from napari import Viewer

    from napari_sam.annotator import Annotator
    from tilesam.annotation.overlaps import OverlapQuestion, Policy


class PromptDock(ImageDock):
    """Prompts, candidates and objects of one image.

    Parameters
    ----------
    viewer
        The dock is in.
    kind
        Which tool is taken up when an image is chosen.
    """

    def __init__(self, viewer: Viewer, kind: Literal["points", "boxes"]) -> None:
        self.kind = kind
        self.prompts = PromptPanel(kind, keys=KEYS)
        self.objects = ObjectsPanel(keys=KEYS)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.prompts)
        column.addWidget(self.objects)
        column.addStretch(1)
        super().__init__(viewer, build_scroll_area(content))
        self._connect_panels()
        events = viewer.layers.events
        for event in (events.inserted, events.removed):
            self.listen_always(event, self._show_objects)

    def wire(self, annotator: Annotator) -> None:
        """Show what an annotator does; take up the tool of this dock."""
        state = annotator.annotation.events
        self.listen(state.candidates, self._show_candidates)
        self.listen(state.chosen, self.prompts.set_chosen)
        self.listen(state.prompts, self._show_prompts)
        self.listen(state.question, self._ask)
        self.listen(state.message, self._show_message)
        self.listen(state.is_busy, self._show_message)
        self.listen(annotator.objects.changed, self._show_objects)
        self.listen(annotator.opened, self._show_message)
        self.listen(annotator.prompt_layers.polarity.changed, self.prompts.set_polarity)
        self.prompts.set_polarity(annotator.prompt_layers.polarity.current)
        # Later: napari makes a layer that is just being added the active one.
        QTimer.singleShot(0, self._take_tool)
        self._show_prompts()
        self._show_candidates()
        self._show_objects()
        self._show_message()

    def _take_tool(self) -> None:
        if self.annotator is None:
            return
        if self.kind == "points":
            self.annotator.prompt_layers.use_points()
        else:
            self.annotator.prompt_layers.use_boxes()

    def show_nothing(self) -> None:
        """Say that an image is needed."""
        self.prompts.set_candidates(())
        self.prompts.set_prompts(PromptCounts())
        self.prompts.set_message("Open or choose an image, then click on an object.")

    def _connect_panels(self) -> None:
        panel = self.prompts
        for signal, action in (
            (panel.accept_requested, "accept"),
            (panel.reject_requested, "reject"),
            (panel.next_object_requested, "next_object"),
            (panel.clear_requested, "next_object"),
        ):
            signal.connect(lambda *_, name=action: self._act(name))
        panel.candidate_chosen.connect(lambda rank: self._act("choose", rank))
        panel.polarity_changed.connect(self._set_polarity)
        panel.refine_changed.connect(self._set_refine)
        panel.set_refine(True)
        # Neither is there yet; see "Planned" in the explanation of the architecture.
        panel.preview.hide()
        self.objects.export.hide()
        self.objects.layer_chosen.connect(lambda x: self._act("choose_objects", x))
        self.objects.new_layer_requested.connect(
            lambda: self._act("choose_objects", NEW)
        )
        self.objects.undo_requested.connect(self._undo)
        self.objects.redo_requested.connect(self._redo)
        self.objects.policy_changed.connect(self._set_policy)

    def _ask(self, question: OverlapQuestion | None) -> None:
        # Later: the state is still in the midst of telling everybody.
        if question is not None:
            QTimer.singleShot(0, partial(self._answer, question))

    def _answer(self, question: OverlapQuestion) -> None:
        annotator = self.annotator
        if annotator is None or annotator.annotation.question is not question:
            return
        policy = ask_overlap(self, question.labels, question.pixels)
        if policy is None:
            annotator.leave_question()
        else:
            annotator.accept(policy)

    def _act(self, name: str, *arguments: object) -> None:
        if self.annotator is not None:
            getattr(self.annotator, name)(*arguments)

    def _set_polarity(self, polarity: str) -> None:
        if self.annotator is not None:
            self.annotator.prompt_layers.polarity.current = polarity

    def _set_refine(self, refine: bool) -> None:
        if self.annotator is not None:
            self.annotator.annotation.refines = refine

    def _set_policy(self, policy: Policy) -> None:
        if self.annotator is not None:
            self.annotator.objects.policy = policy

    def _undo(self) -> None:
        if self.annotator is not None:
            self.annotator.objects.undo()

    def _redo(self) -> None:
        if self.annotator is not None:
            self.annotator.objects.redo()

    def _show_candidates(self, _candidates: object = None) -> None:
        """Show scores at once, and thumbnails when their pixels were read."""
        annotator = self.annotator
        candidates = () if annotator is None else annotator.annotation.candidates
        if annotator is None or annotator.session is None or not candidates:
            self.prompts.set_candidates(())
            return
        chosen = annotator.annotation.chosen
        self.prompts.set_candidates(candidate_rows(candidates, annotator.image), chosen)
        place = thumbnail_place(candidates, annotator.session.image_hw)
        if place is not None:
            annotator.read_pixels(
                *place, partial(self._show_thumbnails, candidates, place)
            )

    def _show_thumbnails(
        self,
        candidates: tuple[MaskCandidate, ...],
        place: ThumbnailPlace,
        pixels: UInt8Array,
    ) -> None:
        annotator = self.annotator
        if annotator is None or annotator.annotation.candidates is not candidates:
            return
        rows = candidate_rows(candidates, annotator.image, place, pixels)
        self.prompts.set_candidates(rows, annotator.annotation.chosen)

    def _show_prompts(self, _prompts: object = None) -> None:
        if self.annotator is None:
            return
        prompts = self.annotator.annotation.prompts
        positive = sum(label == FOREGROUND for label in prompts.point_labels)
        negative = len(prompts.point_labels) - positive
        boxes = len(prompts.boxes_yxyx)
        self.prompts.set_prompts(PromptCounts(positive, negative, boxes))

    def _show_message(self, *_: object) -> None:
        annotator = self.annotator
        if annotator is None:
            return
        state = annotator.annotation
        if state.message:
            self.prompts.set_message(state.message, "error")
        elif annotator.session is None:
            self.prompts.set_message("Opening the image and the model ...", "busy")
        elif state.is_busy:
            self.prompts.set_message("Looking ...", "busy")
        else:
            self.prompts.set_message("")

    def _show_objects(self, _event: object = None) -> None:
        annotator = self.annotator
        if annotator is None:
            return
        layers = [
            (layer.name, layer)
            for layer in reversed(self.viewer.layers)
            if isinstance(layer, Labels) and not annotator.is_candidate(layer)
        ]
        chosen = annotator.objects.current
        self.objects.set_policy(annotator.objects.policy)
        self.objects.set_layers(layers, None if chosen is None else chosen.layer)
        self.objects.set_count(0 if chosen is None else len(chosen))
        if chosen is None:
            self.objects.set_steps(None, None)
            return
        undo, redo = chosen.history.undo_names, chosen.history.redo_names
        self.objects.set_steps(next(iter(undo), None), next(iter(redo), None))


class PointPrompts(PromptDock):
    """Dock widget: click on an object."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, "points")


class BoxPrompts(PromptDock):
    """Dock widget: drag a box around an object."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, "boxes")

"""The docks for points and for boxes: prompts in, candidates and objects out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_sam.annotator_actions import KEYS
from napari_sam.docks.candidate_rows import (
    ThumbnailPlace,
    candidate_rows,
    thumbnail_place,
)
from napari_sam.docks.image_dock import ImageDock, build_scroll_area
from napari_sam.docks.objects_part import ObjectsPart
from napari_sam.docks.session_part import SessionPart
from napari_sam.docks.similar_part import SimilarPart
from napari_sam.views.prompt_panel import PromptPanel
from napari_sam.views.questions import ask_overlap
from napari_sam.views.records import PromptCounts
from tilesam.types import FOREGROUND, MaskCandidate, UInt8Array

if TYPE_CHECKING:
    from napari import Viewer

    from napari_sam.annotator import Annotator
    from tilesam.annotation.overlaps import OverlapQuestion


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
        self.objects, self.session = ObjectsPart(self), SessionPart(self)
        self.similar = SimilarPart(self)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        parts = (self.objects, self.similar, self.session)
        for widget in (self.prompts, *(part.panel for part in parts)):
            column.addWidget(widget)
        column.addStretch(1)
        super().__init__(viewer, build_scroll_area(content))
        self._connect_panel()
        events = viewer.layers.events
        for event in (events.inserted, events.removed):
            self.listen_always(event, self.objects.show)

    def wire(self, annotator: Annotator) -> None:
        """Show what an annotator does; take up the tool of this dock."""
        state = annotator.annotation.events
        self.listen(state.candidates, self._show_candidates)
        self.listen(state.chosen, self.prompts.set_chosen)
        self.listen(state.prompts, self._show_prompts)
        self.listen(state.question, self._ask)
        self.listen(state.message, self._show_message)
        self.listen(state.is_busy, self._show_message)
        self.listen(annotator.opened, self._show_session)
        self.listen(annotator.prompt_layers.polarity.changed, self.prompts.set_polarity)
        self.prompts.set_polarity(annotator.prompt_layers.polarity.current)
        self.listen(state.refines, self.prompts.set_refine)
        self.prompts.set_refine(annotator.annotation.refines)
        self.listen(annotator.preview.switched, self.prompts.set_preview)
        self.prompts.set_preview(annotator.preview.is_on)
        self.objects.wire(annotator)
        self.similar.wire(annotator)
        self.session.wire(annotator)
        # Later: napari makes a layer that is just being added the active one.
        QTimer.singleShot(0, self._take_tool)
        self._show_prompts()
        self._show_candidates()
        self._show_session()

    def on_renamed(self) -> None:
        """Show the names of layers anew."""
        super().on_renamed()
        self.objects.show()

    def _take_tool(self) -> None:
        if self.annotator is None:
            return
        if self.kind == "points":
            self.annotator.prompt_layers.use_points()
        else:
            self.annotator.prompt_layers.use_boxes()
        # Making layers takes longer than an answer: not when somebody waits for it.
        self.annotator.candidate_layers.prepare()

    def show_nothing(self) -> None:
        """Say that an image is needed."""
        self.prompts.set_candidates(())
        self.prompts.set_prompts(PromptCounts())
        self.prompts.set_message(
            "Choose the image to begin again; its layer of points or boxes is gone."
            if self.was_left
            else "Open or choose an image, then click on an object."
        )
        self.objects.show_nothing()
        self.similar.show_nothing()
        self.session.show_nothing()

    def _connect_panel(self) -> None:
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
        panel.preview_changed.connect(self._set_preview)
        panel.diameter_changed.connect(lambda x: self._act("use_object_diameter", x))
        # Under a box that is being drawn there is nothing to preview.
        panel.preview.setVisible(self.kind == "points")

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

    def _set_preview(self, preview: bool) -> None:
        if self.annotator is not None:
            self.annotator.preview.is_on = preview

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

    def _show_session(self) -> None:
        if self.annotator is not None:
            self.prompts.set_diameter(self.annotator.object_diameter)
        self._show_message()

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


class PointPrompts(PromptDock):
    """Dock widget: click on an object."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, "points")


class BoxPrompts(PromptDock):
    """Dock widget: drag a box around an object."""

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer, "boxes")

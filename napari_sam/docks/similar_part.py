"""The part of a dock that selects objects by their likeness."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sam.controllers.exporting import export_of
from napari_sam.controllers.messages import message_of
from napari_sam.docks.objects_part import FORMATS
from napari_sam.opening.store_place import file_name_of
from napari_sam.views.numbers import counted
from napari_sam.views.records import RunProgress
from napari_sam.views.similar_panel import SimilarPanel
from tilesam.errors import TilesamError

if TYPE_CHECKING:
    from napari_sam.annotator import Annotator
    from napari_sam.docks.image_dock import ImageDock
    from napari_sam.similar_selection import SimilarSelection


class SimilarPart:
    """Joins the panel for similar objects to the annotator of the dock.

    Parameters
    ----------
    dock
        It is a part of.
    """

    def __init__(self, dock: ImageDock) -> None:
        self._dock = dock
        self.panel = panel = SimilarPanel()
        panel.select_requested.connect(lambda: self._do(lambda own: own.select()))
        panel.clear_requested.connect(lambda: self._do(lambda own: own.clear()))
        panel.cancel_requested.connect(lambda: self._do(lambda own: own.clear()))
        panel.delete_requested.connect(self._delete)
        panel.threshold_changed.connect(self._set_threshold)
        panel.export_requested.connect(self._export)

    @property
    def _annotator(self) -> Annotator | None:
        return self._dock.annotator

    def wire(self, annotator: Annotator) -> None:
        """Show what an annotator has selected."""
        listen, events = self._dock.listen, annotator.similar.state.events
        listen(annotator.objects.changed, self._show_ready)
        listen(annotator.opened, self._show_ready)
        listen(events.is_running, self._show_running)
        listen(events.progress, self._show_progress)
        listen(events.comparison, self._show_counts)
        listen(events.threshold, self._show_counts)
        listen(events.error, self._show_error)
        self.panel.set_formats(FORMATS, f"{file_name_of(annotator.image.name)}-similar")
        self.panel.set_message(annotator.similar.state.error, "error")
        self._show_ready()
        self._show_running()
        self._show_counts()

    def show_nothing(self) -> None:
        """Offer nothing: there is no image."""
        self.panel.set_ready(False)
        self.panel.set_counts(None)
        self.panel.stop()
        self.panel.set_message("")

    def _show_ready(self) -> None:
        annotator = self._annotator
        if annotator is not None:
            is_there = annotator.objects.current is not None
            self.panel.set_ready(is_there and annotator.session is not None)

    def _show_running(self, _is_running: object = None) -> None:
        if self._annotator is None:
            return
        if self._annotator.similar.state.is_running:
            self.panel.set_message("")
            self.panel.start()
        else:
            self.panel.stop()

    def _show_progress(self, _progress: object = None) -> None:
        state = None if self._annotator is None else self._annotator.similar.state
        if state is not None and state.is_running and state.progress is not None:
            step = state.progress
            self.panel.set_progress(RunProgress(step.done, step.total, None))

    def _show_counts(self, _news: object = None) -> None:
        if self._annotator is None:
            return
        state = self._annotator.similar.state
        self.panel.set_threshold(state.threshold)
        if state.comparison is None:
            self.panel.set_counts(None)
        else:
            count = state.comparison.count(state.threshold)
            self.panel.set_counts(count, state.comparison.total)

    def _show_error(self, error: str) -> None:
        self.panel.set_message(error, "error")

    def _do(self, action: Callable[[SimilarSelection], None]) -> bool:
        """Do something with the selection; return whether it could be done."""
        if self._annotator is None:
            return False
        try:
            action(self._annotator.similar)
        except TilesamError as error:
            self.panel.set_message(message_of(error), "error")
            return False
        return True

    def _delete(self) -> None:
        annotator = self._annotator
        count = 0 if annotator is None else len(annotator.similar.labels)
        if self._do(lambda own: own.delete()):
            self.panel.set_message(
                f"Deleted {counted(count, 'object')}; undo it above."
            )

    def _set_threshold(self, threshold: float) -> None:
        if self._annotator is not None:
            self._annotator.similar.state.threshold = threshold

    def _export(self, path: str) -> None:
        annotator = self._annotator
        if annotator is None:
            return
        labels = annotator.similar.labels
        write = export_of(annotator, Path(path), labels=labels)
        if write is None:
            return
        self.panel.set_message(f"Writing {counted(len(labels), 'object')} ...", "busy")
        annotator.in_background(
            write,
            on_result=lambda file: self.panel.set_message(f"Written to {file}."),
            on_error=lambda error: self.panel.set_message(message_of(error), "error"),
        )

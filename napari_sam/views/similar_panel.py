"""Select objects that are like one of them: how alike, how many, and what then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget
from superqt import QLabeledDoubleSlider

from napari_sam.views.building import (
    SPACING,
    Rows,
    build_button,
    build_column,
    build_heading,
    finish_panel,
    silenced,
)
from napari_sam.views.export_button import ExportButton
from napari_sam.views.message_line import MessageLine
from napari_sam.views.progress_row import ProgressRow
from napari_sam.views.questions import ask_file
from napari_sam.views.records import ExportFormat, Progress, Tone
from napari_sam.views.sentences import selected_objects

_STEP = 0.01


class SimilarPanel(QWidget):
    """A button, and while something is selected a slider, a count and what to do.

    Parameters
    ----------
    choose_file
        Returns the path to write, or None.
    """

    select_requested = Signal()
    cancel_requested = Signal()
    threshold_changed = Signal(float)
    delete_requested = Signal()
    export_requested = Signal(str)
    clear_requested = Signal()

    def __init__(
        self,
        *,
        choose_file: Callable[[QWidget, str, str, str], str | None] = ask_file,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.select = build_button(
            "Select similar",
            "Select all objects that look like the one whose label is selected in the "
            "objects layer; napari's picker selects it by a click",
            self.select_requested,
        )
        self.progress = ProgressRow("object", name="Comparing objects")
        self.progress.cancel_requested.connect(self.cancel_requested)
        self.threshold = _build_slider()
        self.threshold.valueChanged.connect(self._on_threshold)
        self.count = build_heading("")
        self.count.setWordWrap(True)
        self._build_actions(choose_file)
        self.message = MessageLine()
        self.details = QWidget()
        self._lay_out()
        self.set_formats(())
        self.set_ready(False)
        self.set_counts(None)

    def _build_actions(
        self, choose_file: Callable[[QWidget, str, str, str], str | None]
    ) -> None:
        self.delete = build_button(
            "Delete", "Remove all that are selected, as one step of undo",
            self.delete_requested,
        )  # fmt: skip
        self.export = ExportButton(choose_file)
        self.export.setToolTip("Write those that are selected, with their scores")
        self.export.set_has_objects(True)
        self.export.export_requested.connect(self.export_requested)
        self.clear = build_button(
            "Clear", "Select nothing; the objects stay", self.clear_requested, key="Esc"
        )

    def _lay_out(self) -> None:
        column = build_column(self)
        column.addWidget(build_heading("Similar objects"))
        column.addWidget(self.select)
        column.addWidget(self.progress)
        inner = build_column(self.details, margin=0)
        rows = Rows()
        rows.add("Similar from", self.threshold)
        inner.addLayout(rows)
        # Three of them side by side are wider than a dock may be.
        for pair in ((self.count, self.clear), (self.delete, self.export)):
            row = QHBoxLayout()
            row.setSpacing(SPACING)
            for widget in pair:
                row.addWidget(widget, 1)
            inner.addLayout(row)
        column.addWidget(self.details)
        column.addWidget(self.message)
        finish_panel(self, column)

    def set_ready(self, ready: bool) -> None:
        """Say whether there are objects to compare."""
        self.select.setEnabled(ready)

    def set_formats(
        self, formats: Sequence[ExportFormat], name: str = "objects"
    ) -> None:
        """Offer formats to export to, see `ObjectsPanel`."""
        self.export.set_formats(formats, name)

    def start(self) -> None:
        """Show that objects are being compared."""
        self.progress.start("Looking for objects")

    def set_progress(self, progress: Progress) -> None:
        """Show how many objects are known; a total of 0 is an unknown one."""
        if progress.total:
            self.progress.set_progress(progress)

    def stop(self) -> None:
        """Show that nothing is going on."""
        self.progress.stop()

    def set_threshold(self, threshold: float) -> None:
        """Show the lowest similarity of what is selected."""
        with silenced(self.threshold):
            self.threshold.setValue(threshold)

    def set_counts(self, selected: int | None, total: int = 0) -> None:
        """Say how many of all objects are selected.

        Parameters
        ----------
        selected
            None while nothing is: then there is nothing to choose or to do.
        total
            Objects of the plane.
        """
        self.details.setVisible(selected is not None)
        self.count.setText(
            "" if selected is None else selected_objects(selected, total)
        )

    def set_message(self, text: str, tone: Tone = "info") -> None:
        """Show one sentence below all, see `MessageLine`."""
        self.message.set_message(text, tone)

    def _on_threshold(self, value: float) -> None:
        self.threshold_changed.emit(round(value, 2))


def _build_slider() -> QLabeledDoubleSlider:
    slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    slider.setRange(-1.0, 1.0)
    slider.setDecimals(2)
    slider.setSingleStep(_STEP)
    slider.setPageStep(5 * _STEP)
    slider.setToolTip("1 is the same, 0 an object like any other of this image")
    return slider

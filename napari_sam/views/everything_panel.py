"""Segment everything: ask once, then choose among the answers."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QSpinBox, QWidget

from napari_sam.views.building import (
    Rows,
    build_button,
    build_column,
    build_heading,
    build_text,
    finish_panel,
    silenced,
)
from napari_sam.views.diameter_box import DiameterBox
from napari_sam.views.keep_box import KeepBox
from napari_sam.views.message_line import MessageLine
from napari_sam.views.progress_row import ProgressRow
from napari_sam.views.records import AskChoices, KeepChoices, Progress, Tone
from napari_sam.views.sentences import everything_counts
from napari_sam.views.where_choice import WhereChoice

_NOTHING_YET = "Nothing decoded yet"


class EverythingPanel(QWidget):
    """What to ask, the run, the count, and which answers to keep."""

    ask_changed = Signal(object)
    keep_changed = Signal(object)
    draw_region_requested = Signal()
    run_requested = Signal(object)
    cancel_requested = Signal()
    accept_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_ready = False
        self.where_choice = WhereChoice()
        self.points, self.diameter = _build_points(), DiameterBox()
        self.run = build_button(
            "Find everything",
            "Ask at a grid of points in every tile; results fill a labels layer",
            self._on_run,
        )
        self.progress = ProgressRow("tile", name="Segmenting everything")
        self.count = build_heading(_NOTHING_YET)
        self.count.setWordWrap(True)
        self.keep_box = KeepBox()
        self.accept = build_button(
            "Accept all",
            "Paint all of them into the objects layer, as one step of undo",
            self.accept_requested,
        )
        self.message = MessageLine()
        self._connect()
        self._lay_out()
        self.set_ask(AskChoices())
        self.set_counts(None)
        self.set_ready(False)

    def _connect(self) -> None:
        self.where_choice.changed.connect(self._on_ask)
        self.points.valueChanged.connect(self._on_ask)
        self.diameter.changed.connect(self._on_ask)
        self.where_choice.draw_requested.connect(self.draw_region_requested)
        self.progress.cancel_requested.connect(self.cancel_requested)
        self.keep_box.changed.connect(self.keep_changed)

    def _lay_out(self) -> None:
        column = build_column(self)
        column.addWidget(build_heading("Ask"))
        column.addWidget(self.where_choice)
        rows = Rows()
        rows.add("Points per side", self.points)
        rows.add("Typical object", self.diameter)
        column.addLayout(rows)
        column.addWidget(self.run)
        column.addWidget(self.progress)
        column.addWidget(build_heading("Choose among the answers"))
        column.addWidget(build_text("Takes effect at once, without another run."))
        column.addWidget(self.keep_box)
        column.addWidget(self.count)
        column.addWidget(self.accept)
        column.addWidget(self.message)
        finish_panel(self, column)

    @property
    def ask(self) -> AskChoices:
        """What a run would ask."""
        return AskChoices(
            where=self.where_choice.where,
            points_per_side=self.points.value(),
            object_diameter=self.diameter.diameter,
        )

    @property
    def keep(self) -> KeepChoices:
        """Which answers are kept."""
        return self.keep_box.choices

    def set_ask(self, choices: AskChoices) -> None:
        """Choose what a run would ask."""
        self.diameter.set_diameter(choices.object_diameter)
        with silenced(self.points):
            self.where_choice.set_where(choices.where)
            self.points.setValue(choices.points_per_side)

    def set_keep(self, choices: KeepChoices) -> None:
        """Choose which answers are kept."""
        self.keep_box.set_choices(choices)

    def set_lowest(self, iou: float, stability: float) -> None:
        """Say how low the thresholds can go: masks below were not kept."""
        self.keep_box.set_lowest(iou, stability)

    def set_region(self, hw: tuple[int, int] | None) -> None:
        """Say how many pixels the drawn region has; None if there is none."""
        self.where_choice.set_region(hw)

    def set_ready(self, ready: bool) -> None:
        """Say whether there is an image to ask about."""
        self._is_ready = ready
        self._enable()

    def start(self) -> None:
        """Show that a run begins."""
        self.progress.start()
        self._enable()

    def set_progress(self, progress: Progress) -> None:
        """Show how far the run is."""
        self.progress.set_progress(progress)
        self._enable()

    def stop(self) -> None:
        """Show that no run is going on."""
        self.progress.stop()
        self._enable()

    def set_counts(self, objects: int | None, masks: int = 0) -> None:
        """Say how many objects the thresholds leave, of how many decoded masks.

        Parameters
        ----------
        objects
            None while nothing was decoded.
        masks
            Of all windows.
        """
        is_known = objects is not None
        text = everything_counts(objects, masks) if is_known else _NOTHING_YET
        self.count.setText(text)
        self.accept.setEnabled(bool(objects))

    def set_message(self, text: str, tone: Tone = "info") -> None:
        """Show one sentence below all, see `MessageLine`."""
        self.message.set_message(text, tone)

    def _enable(self) -> None:
        is_running = self.progress.is_running
        self.run.setEnabled(self._is_ready and not is_running)
        for widget in (self.where_choice, self.points, self.diameter):
            widget.setEnabled(not is_running)

    def _on_ask(self) -> None:
        self.ask_changed.emit(self.ask)

    def _on_run(self) -> None:
        self.run_requested.emit(self.ask)


def _build_points() -> QSpinBox:
    box = QSpinBox()
    box.setRange(1, 256)
    box.setKeyboardTracking(False)
    box.setToolTip("More points find smaller objects and take longer")
    return box

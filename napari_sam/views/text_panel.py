"""Text prompts: ask once by words, then choose among the answers."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget
from superqt import QLabeledDoubleSlider

from napari_sam.views.building import (
    SPACING,
    Rows,
    build_button,
    build_column,
    build_heading,
    build_text,
    finish_panel,
    silenced,
)
from napari_sam.views.message_line import MessageLine
from napari_sam.views.numbers import counted
from napari_sam.views.progress_row import ProgressRow
from napari_sam.views.records import Progress, PromptCounts, TextChoices, Tone
from napari_sam.views.sentences import everything_counts, picked_object
from napari_sam.views.text_ask_box import TextAskBox

_NOTHING_YET = "Nothing asked yet"
_STEP = 0.01


class TextPanel(QWidget):
    """What to ask, the run, the threshold with its count, and what to accept."""

    find_requested = Signal(object)
    cancel_requested = Signal()
    draw_region_requested = Signal()
    corrects_changed = Signal(bool)
    threshold_changed = Signal(float)
    accept_requested = Signal()
    accept_picked_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_ready = False
        self._picked: int | None = None
        self._count: int | None = None
        self._masks = 0
        self.ask_box = TextAskBox()
        self.find = build_button(
            "Find", "Look for what the phrase means; results fill a labels layer",
            self._on_find,
        )  # fmt: skip
        self.progress = ProgressRow("tile", name="Looking for the phrase")
        self.threshold = _build_slider()
        self.count = build_heading(_NOTHING_YET)
        self.count.setWordWrap(True)
        self.picked = build_text()
        self._build_accepts()
        self.message = MessageLine()
        self._connect()
        self._lay_out()
        self.set_counts(None)
        self.set_picked(None)
        self.set_ready(False)

    def _build_accepts(self) -> None:
        self.accept = build_button(
            "Accept all",
            "Paint all of them into the objects layer, as one step of undo",
            self.accept_requested,
        )
        self.accept_picked = build_button(
            "Accept selected",
            "Paint the object whose label is selected in the layer of results",
            self.accept_picked_requested,
        )

    def _connect(self) -> None:
        self.ask_box.find_requested.connect(self._on_find)
        self.ask_box.draw_region_requested.connect(self.draw_region_requested)
        self.ask_box.corrects_changed.connect(self.corrects_changed)
        self.progress.cancel_requested.connect(self.cancel_requested)
        self.threshold.valueChanged.connect(self._on_threshold)

    def _lay_out(self) -> None:
        column = build_column(self)
        column.addWidget(build_heading("Look for"))
        column.addWidget(self.ask_box)
        column.addWidget(self.find)
        column.addWidget(self.progress)
        column.addWidget(build_heading("Choose among the answers"))
        column.addWidget(build_text("Takes effect at once, without another search."))
        rows = Rows()
        rows.add("Score from", self.threshold)
        column.addLayout(rows)
        column.addWidget(self.count)
        row = QHBoxLayout()
        row.setSpacing(SPACING)
        row.addWidget(self.accept)
        row.addWidget(self.accept_picked)
        column.addLayout(row)
        column.addWidget(self.picked)
        column.addWidget(self.message)
        finish_panel(self, column)

    @property
    def ask(self) -> TextChoices:
        """What would be asked."""
        return self.ask_box.choices

    def set_ask(self, choices: TextChoices) -> None:
        """Choose what would be asked."""
        self.ask_box.set_choices(choices)

    def set_nouns(self, nouns: Sequence[str]) -> None:
        """Offer nouns for completion."""
        self.ask_box.set_nouns(nouns)

    def set_region(self, hw: tuple[int, int] | None) -> None:
        """Say how many pixels the drawn region has; None if there is none."""
        self.ask_box.where_choice.set_region(hw)

    def set_prompts(self, counts: PromptCounts) -> None:
        """Say how many points and boxes could correct the answer."""
        self.ask_box.set_prompts(counts)

    def set_ready(self, ready: bool) -> None:
        """Say whether there is an image to ask about."""
        self._is_ready = ready
        self._enable()

    def start(self) -> None:
        """Show that a search begins."""
        self.progress.start("Looking")
        self._enable()

    def set_progress(self, progress: Progress) -> None:
        """Show how far the search is."""
        self.progress.set_progress(progress)
        self._enable()

    def stop(self) -> None:
        """Show that no search is going on."""
        self.progress.stop()
        self._enable()

    def set_threshold(self, threshold: float | None) -> None:
        """Show the lowest score of an object; None before the first answer."""
        if threshold is not None:
            with silenced(self.threshold):
                self.threshold.setValue(threshold)

    def set_counts(self, objects: int | None, masks: int = 0) -> None:
        """Say how many objects the threshold leaves, of how many masks.

        Parameters
        ----------
        objects
            None while nothing was asked.
        masks
            That come into question; 0 if there are none to choose among.
        """
        self._count, self._masks = objects, masks
        if objects is None:
            self.count.setText(_NOTHING_YET)
        elif masks:
            self.count.setText(everything_counts(objects, masks))
        else:
            self.count.setText(counted(objects, "object"))
        self._enable()

    def set_picked(self, label: int | None, score: float | None = None) -> None:
        """Say which object is selected in the layer of results; None if none is."""
        self._picked = label
        self.picked.setText(picked_object(label, score))
        self._enable()

    def set_message(self, text: str, tone: Tone = "info") -> None:
        """Show one sentence below all, see `MessageLine`."""
        self.message.set_message(text, tone)

    def _enable(self) -> None:
        is_running = self.progress.is_running
        self.find.setEnabled(self._is_ready and not is_running)
        self.threshold.setEnabled(self._masks > 0)
        self.accept.setEnabled(bool(self._count))
        self.accept_picked.setEnabled(self._picked is not None)

    def _on_find(self) -> None:
        if self.find.isEnabled():  # the return key asks as well
            self.find_requested.emit(self.ask)

    def _on_threshold(self, value: float) -> None:
        self.threshold_changed.emit(round(value, 2))


def _build_slider() -> QLabeledDoubleSlider:
    slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    slider.setRange(0.0, 1.0)
    slider.setDecimals(2)
    slider.setSingleStep(_STEP)
    slider.setPageStep(5 * _STEP)
    slider.setToolTip("The lowest score: how well a mask fits the words, and how sure")
    return slider

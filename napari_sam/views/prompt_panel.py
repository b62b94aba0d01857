"""Prompts of the present object and the three answers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QWidget,
)

from napari_sam.views.building import (
    SPACING,
    Rows,
    build_button,
    build_column,
    build_heading,
    build_text,
    finish_panel,
)
from napari_sam.views.candidate_list import CandidateList
from napari_sam.views.diameter_box import DiameterBox
from napari_sam.views.message_line import MessageLine
from napari_sam.views.records import CandidateRow, Polarity, PromptCounts, Tone
from napari_sam.views.sentences import MINUS, prompts_so_far, with_key

_EMPTY = {"points": "Click on an object", "boxes": "Drag a box around an object"}

_POLARITIES: dict[Polarity, tuple[str, str]] = {
    "positive": (
        "+ on the object",
        "The next point is green: it belongs to the object",
    ),
    "negative": (
        f"{MINUS} not on it",
        "The next point is red: it does not belong to it",
    ),
}


class PromptPanel(QWidget):
    """Polarity, candidates, accept, reject, next object, clear.

    Parameters
    ----------
    kind
        What the dock is about; boxes and points can be mixed in either.
    keys
        Which key does what, for the tooltips: `polarity`, `next_candidate`, `accept`,
        `reject`, `next_object`, `clear`. What is missing has no key.
    """

    polarity_changed = Signal(str)
    candidate_chosen = Signal(int)
    accept_requested = Signal()
    reject_requested = Signal()
    next_object_requested = Signal()
    clear_requested = Signal()
    refine_changed = Signal(bool)
    preview_changed = Signal(bool)
    diameter_changed = Signal(object)

    def __init__(
        self,
        kind: Literal["points", "boxes"] = "points",
        *,
        keys: Mapping[str, str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._keys = dict(keys or {})
        self._polarity_group = QButtonGroup(self)
        self.polarity_buttons: dict[Polarity, QRadioButton] = {}
        self.counts = build_text()
        cycle = self._keys.get("next_candidate")
        self.candidates = CandidateList(_EMPTY[kind], key=cycle)
        self.candidates.chosen.connect(self._on_chosen)
        self._build_buttons()
        self._build_switches()
        self.message = MessageLine()
        self._lay_out()
        self.set_polarity("positive")
        self.set_prompts(PromptCounts())
        self.set_candidates(())

    def _build_buttons(self) -> None:
        self.accept = self._button(
            "Accept", "Paint the chosen candidate into the objects layer", "accept"
        )
        self.reject = self._button("Reject", "Throw the candidates away", "reject")
        self.next_object = self._button(
            "Next object", "Begin another object, without these prompts", "next_object"
        )
        self.clear = self._button(
            "Clear prompts", "Remove all points and boxes of this object", "clear"
        )

    def _button(self, text: str, tooltip: str, action: str) -> QPushButton:
        signal = getattr(self, f"{action}_requested")
        return build_button(text, tooltip, signal, key=self._keys.get(action))

    def _build_switches(self) -> None:
        self.refine = QCheckBox("Refine the chosen candidate")
        self.refine.setToolTip(
            "Further points correct the chosen mask instead of asking anew"
        )
        self.refine.clicked.connect(self.refine_changed)
        self.preview = QCheckBox("Preview under the mouse")
        self.preview.setToolTip(
            "Show the answer to a click before it is made, where tiles are embedded"
        )
        self.preview.clicked.connect(self.preview_changed)
        self.diameter = DiameterBox(
            "How wide objects are: small ones are looked at more closely"
        )
        self.diameter.changed.connect(self.diameter_changed)

    def _lay_out(self) -> None:
        column = build_column(self)
        column.addWidget(build_heading("Next click"))
        column.addLayout(self._build_polarity())
        column.addWidget(self.counts)
        column.addWidget(build_heading("Candidates"))
        column.addWidget(self.candidates)
        grid = QGridLayout()
        grid.setSpacing(SPACING)
        buttons = (self.accept, self.reject, self.next_object, self.clear)
        for index, button in enumerate(buttons):
            grid.addWidget(button, index // 2, index % 2)
        column.addLayout(grid)
        column.addWidget(self.refine)
        column.addWidget(self.preview)
        rows = Rows()
        rows.add("Typical object", self.diameter)
        column.addLayout(rows)
        column.addWidget(self.message)
        finish_panel(self, column)

    def _build_polarity(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2 * SPACING)
        for index, (polarity, (text, tooltip)) in enumerate(_POLARITIES.items()):
            button = QRadioButton(text)
            button.setToolTip(with_key(tooltip, self._keys.get("polarity")))
            self._polarity_group.addButton(button, index)
            self.polarity_buttons[polarity] = button
            row.addWidget(button)
        row.addStretch(1)
        self._polarity_group.idClicked.connect(self._on_polarity)
        return row

    @property
    def polarity(self) -> Polarity:
        """Of the next click."""
        return get_args(Polarity)[self._polarity_group.checkedId()]

    def set_polarity(self, polarity: Polarity) -> None:
        """Say what the next click means."""
        self.polarity_buttons[polarity].setChecked(True)

    def set_prompts(self, counts: PromptCounts) -> None:
        """Say how many prompts there are."""
        self.counts.setText(prompts_so_far(counts))
        self.clear.setEnabled(counts.total > 0)

    def set_candidates(
        self, rows: Sequence[CandidateRow], chosen: int | None = 0
    ) -> None:
        """Show other answers, best first; none to say what to do."""
        self.candidates.set_rows(rows, chosen)
        self._enable()

    def set_chosen(self, rank: int | None) -> None:
        """Mark one of the candidates as chosen."""
        self.candidates.set_chosen(rank)
        self._enable()

    def set_refine(self, refine: bool) -> None:
        """Say whether further points correct the chosen mask."""
        self.refine.setChecked(refine)

    def set_preview(self, preview: bool, *, is_possible: bool = True) -> None:
        """Say whether answers are shown under the mouse, and whether they can be."""
        self.preview.setChecked(preview)
        self.preview.setEnabled(is_possible)

    def set_diameter(self, diameter: float | None) -> None:
        """Say how wide a typical object is, in pixels; None if it is not known."""
        self.diameter.set_diameter(diameter)

    def set_message(self, text: str, tone: Tone = "info") -> None:
        """Show one sentence below all, see `MessageLine`."""
        self.message.set_message(text, tone)

    def _enable(self) -> None:
        rank = self.candidates.chosen_rank
        has_mask = rank is not None and self.candidates.rows[rank].area > 0
        self.accept.setEnabled(has_mask)
        self.refine.setEnabled(has_mask)
        self.reject.setEnabled(bool(self.candidates.rows))

    def _on_chosen(self, rank: int) -> None:
        self._enable()
        self.candidate_chosen.emit(rank)

    def _on_polarity(self) -> None:
        self.polarity_changed.emit(self.polarity)

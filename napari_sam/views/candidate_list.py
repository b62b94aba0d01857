"""The three candidates one below the other, or what to do to get some."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_sam.views.building import build_column, build_text
from napari_sam.views.candidate_card import CandidateCard
from napari_sam.views.framed import Framed
from napari_sam.views.records import CandidateRow

COUNT = 3
"""The engine always answers so many."""

_GAP = 4


class CandidateList(QStackedWidget):
    """Three cards of which one is chosen; keeps its height when it is empty.

    Parameters
    ----------
    empty_text
        What somebody has to do, for example "Click on an object".
    key
        That goes from one candidate to the next, for the tooltips.
    """

    chosen = Signal(int)

    def __init__(
        self,
        empty_text: str = "Click on an object",
        *,
        key: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._rows: tuple[CandidateRow, ...] = ()
        self._chosen_rank: int | None = None
        self._group = QButtonGroup(self)
        self.cards = [CandidateCard(rank, key=key) for rank in range(COUNT)]
        self.empty_text = QLabel(empty_text)
        self.addWidget(self._build_empty())
        self.addWidget(self._build_cards())
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _build_empty(self) -> QWidget:
        page = Framed(dashed=True)
        column = QVBoxLayout(page)
        column.addStretch(1)
        hint = build_text("Three answers with their scores will be listed here.")
        for label in (self.empty_text, hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        font = self.empty_text.font()
        font.setBold(True)
        self.empty_text.setFont(font)
        column.addStretch(1)
        return page

    def _build_cards(self) -> QWidget:
        page = QWidget()
        column = build_column(page, margin=0)
        column.setSpacing(_GAP)
        for card in self.cards:
            column.addWidget(card)
            # The panel below does not jump when answers come and go.
            policy = card.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            card.setSizePolicy(policy)
            self._group.addButton(card.radio)
            card.clicked.connect(self._on_click)
        column.addStretch(1)
        return page

    @property
    def rows(self) -> tuple[CandidateRow, ...]:
        """What is shown."""
        return self._rows

    @property
    def chosen_rank(self) -> int | None:
        """Which one is chosen, counted from 0; None while there are none."""
        return self._chosen_rank

    def set_rows(self, rows: Sequence[CandidateRow], chosen: int | None = 0) -> None:
        """Show other candidates.

        Parameters
        ----------
        rows
            Up to three, best first; none to say what to do.
        chosen
            Which one to mark.
        """
        self._rows = tuple(rows[:COUNT])
        for card, row in zip(self.cards, self._rows, strict=False):
            card.set_row(row)
        for rank, card in enumerate(self.cards):
            card.setVisible(rank < len(self._rows))
        self.setCurrentIndex(1 if self._rows else 0)
        self.set_chosen(chosen if self._rows else None)

    def set_chosen(self, rank: int | None) -> None:
        """Mark one of them as chosen, without a word to others."""
        self._chosen_rank = (
            rank if rank is not None and rank < len(self._rows) else None
        )
        # An exclusive group would not let the last one go.
        self._group.setExclusive(False)
        for index, card in enumerate(self.cards):
            card.set_chosen(index == self._chosen_rank)
        self._group.setExclusive(True)

    def _on_click(self, rank: int) -> None:
        if rank == self._chosen_rank:
            self.set_chosen(rank)  # a second click must not turn the mark off
            return
        self.set_chosen(rank)
        self.chosen.emit(rank)

"""A line for a phrase, which offers the nouns that are known."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QModelIndex, QStringListModel, Qt
from qtpy.QtWidgets import QCompleter, QLineEdit, QWidget

from napari_sam.views.phrases import completed, word_begun

FEWEST_LETTERS = 2
"""Of a word before nouns are offered."""

_NOTHING = "\n"  # which is in no noun


class PhraseField(QLineEdit):
    """Completes the word that is being written, behind whatever adjectives.

    Parameters
    ----------
    placeholder
        What is shown while it is empty.
    tooltip
        A sentence about what to write.
    """

    def __init__(
        self, placeholder: str, tooltip: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setPlaceholderText(placeholder)
        self.setToolTip(tooltip)
        self.setClearButtonEnabled(True)
        self.nouns = QStringListModel(self)
        self.setCompleter(_NounCompleter(self.nouns, self))

    def set_nouns(self, nouns: Sequence[str]) -> None:
        """Offer these; any other word may be written as well."""
        self.nouns.setStringList(list(nouns))


class _NounCompleter(QCompleter):
    def __init__(self, nouns: QStringListModel, parent: QWidget) -> None:
        super().__init__(nouns, parent)
        self._written = ""
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setFilterMode(Qt.MatchFlag.MatchContains)

    def splitPath(self, path: str) -> list[str]:  # noqa: N802
        # Kept, since the arrow keys put into the field what they come upon.
        self._written = path
        begun = word_begun(path)
        return [begun if len(begun) >= FEWEST_LETTERS else _NOTHING]

    def pathFromIndex(self, index: QModelIndex) -> str:  # noqa: N802
        return completed(self._written, super().pathFromIndex(index))

"""What a search by words asks: phrase, backend, where, and what corrects it."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QLineEdit, QWidget

from napari_sam.views.building import Rows, build_column, build_text, silenced
from napari_sam.views.choice_box import ChoiceBox
from napari_sam.views.diameter_box import DiameterBox
from napari_sam.views.phrase_field import PhraseField
from napari_sam.views.phrases import backend_name, split_backend, split_phrases
from napari_sam.views.records import PromptCounts, TextChoices
from napari_sam.views.sentences import prompts_so_far
from napari_sam.views.where_choice import WhereChoice

_BACKENDS = (
    ("Embedded model", "embedded", "Knows some dozen nouns; nothing to install"),
    ("CLIP, any word", "clip", "Ranks masks by a CLIP or SigLIP model"),
    ("Detector, any word", "grounding", "Boxes of a zero-shot detector become masks"),
)


class TextAskBox(QWidget):
    """The upper part of the panel for text prompts."""

    find_requested = Signal()
    draw_region_requested = Signal()
    corrects_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.phrase = PhraseField(
            "for example: dark round nuclei", "What to look for, in a few plain words"
        )
        self.negative = PhraseField(
            "optional", "What is not meant; commas between several"
        )
        self.backend = ChoiceBox("Backend", "Who knows what the words mean")
        for text, kind, tooltip in _BACKENDS:
            self.backend.add(text, kind, tooltip=tooltip)
        self.model = QLineEdit()
        self.model.setPlaceholderText("recommended")
        self.model.setToolTip("Name of a model on the hub, or the path of a folder")
        self.diameter = DiameterBox()
        self.where_choice = WhereChoice()
        self.corrects = QCheckBox("Points and boxes correct it")
        self.corrects.setToolTip(
            "Points on what is meant and on what is not, and boxes around examples, "
            "move the scores of what they hit and of all that is alike"
        )
        self.prompts = build_text()
        self._connect()
        self._lay_out()
        self.set_prompts(PromptCounts())
        self._on_backend()

    def _connect(self) -> None:
        for field in (self.phrase, self.negative, self.model):
            field.returnPressed.connect(self.find_requested)
        self.backend.currentIndexChanged.connect(self._on_backend)
        self.where_choice.draw_requested.connect(self.draw_region_requested)
        self.corrects.toggled.connect(self.prompts.setVisible)
        self.corrects.clicked.connect(self.corrects_changed)

    def _lay_out(self) -> None:
        column = build_column(self, margin=0)
        rows = Rows()
        rows.add("Phrase", self.phrase)
        rows.add("But not", self.negative)
        rows.add("Backend", self.backend)
        rows.add("Model", self.model)
        self._model_label = rows.itemAtPosition(rows.rowCount() - 1, 0).widget()
        rows.add("Typical object", self.diameter)
        column.addLayout(rows)
        column.addWidget(self.where_choice)
        column.addWidget(self.corrects)
        column.addWidget(self.prompts)
        self.prompts.setVisible(False)

    @property
    def choices(self) -> TextChoices:
        """What would be asked."""
        kind = self.backend.currentData()
        model = "" if kind == "embedded" else self.model.text()
        return TextChoices(
            phrase=self.phrase.text(),
            negative_phrases=split_phrases(self.negative.text()),
            backend=backend_name(kind, model),
            where=self.where_choice.where,
            corrects=self.corrects.isChecked(),
        )

    def set_choices(self, choices: TextChoices) -> None:
        """Choose what would be asked."""
        kind, model = split_backend(choices.backend)
        with silenced(self.phrase, self.negative, self.model):
            self.phrase.setText(choices.phrase)
            self.negative.setText(", ".join(choices.negative_phrases))
            self.model.setText(model)
        self.backend.setCurrentIndex(self.backend.findData(kind))
        self.where_choice.set_where(choices.where)
        self.corrects.setChecked(choices.corrects)

    def set_nouns(self, nouns: Sequence[str]) -> None:
        """Offer these for completion."""
        self.phrase.set_nouns(nouns)
        self.negative.set_nouns(nouns)

    def set_prompts(self, counts: PromptCounts) -> None:
        """Say how many points and boxes there are."""
        self.prompts.setText(prompts_so_far(counts))

    def _on_backend(self) -> None:
        is_named = self.backend.currentData() != "embedded"
        for widget in (self._model_label, self.model):
            widget.setVisible(is_named)

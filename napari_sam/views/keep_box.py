"""Which of the decoded masks become objects: sliders that act at once."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSpinBox, QWidget
from superqt import QLabeledDoubleSlider

from napari_sam.views.building import Rows, build_column, silenced
from napari_sam.views.choice_box import ChoiceBox
from napari_sam.views.records import KeepChoices

_OVERLAPS = (
    ("Smallest on top", "smallest"),
    ("Largest on top", "largest"),
    ("Surest on top", "most_confident"),
)
_STEP = 0.01


class KeepBox(QWidget):
    """Two thresholds, the smallest hole or island, and who owns a shared pixel."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.iou = _build_slider("Masks need a higher predicted IoU than this")
        self.stability = _build_slider("Masks need at least this stability")
        self.region_area = QSpinBox()
        self.region_area.setRange(0, 10**9)
        self.region_area.setSuffix(" px")
        self.region_area.setSpecialValueText("keep all")
        self.region_area.setKeyboardTracking(False)
        self.region_area.setToolTip(
            "Holes and islands smaller than this are filled and removed"
        )
        self.overlap = ChoiceBox("Overlap", "Which object owns a shared pixel")
        for text, value in _OVERLAPS:
            self.overlap.add(text, value)
        rows = Rows()
        rows.add("IoU over", self.iou)
        rows.add("Stability", self.stability)
        rows.add("Tidy under", self.region_area)
        rows.add("Overlap", self.overlap)
        build_column(self, margin=0).addLayout(rows)
        self.set_choices(KeepChoices())
        self._connect()

    def _connect(self) -> None:
        self.iou.valueChanged.connect(self._on_change)
        self.stability.valueChanged.connect(self._on_change)
        self.region_area.valueChanged.connect(self._on_change)
        self.overlap.activated.connect(self._on_change)

    @property
    def choices(self) -> KeepChoices:
        """What is chosen."""
        return KeepChoices(
            pred_iou_thresh=round(self.iou.value(), 2),
            stability_score_thresh=round(self.stability.value(), 2),
            min_mask_region_area=self.region_area.value(),
            overlap=self.overlap.currentData(),
        )

    def set_choices(self, choices: KeepChoices) -> None:
        """Choose values; those below the lowest ones become these."""
        with silenced(self.iou, self.stability, self.region_area):
            self.iou.setValue(choices.pred_iou_thresh)
            self.stability.setValue(choices.stability_score_thresh)
            self.region_area.setValue(choices.min_mask_region_area)
        self.overlap.setCurrentIndex(self.overlap.findData(choices.overlap))

    def set_lowest(self, iou: float, stability: float) -> None:
        """Say how low the thresholds can go: masks below were not kept."""
        with silenced(self.iou, self.stability):
            self.iou.setMinimum(iou)
            self.stability.setMinimum(stability)

    def _on_change(self) -> None:
        self.changed.emit(self.choices)


def _build_slider(tooltip: str) -> QLabeledDoubleSlider:
    slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
    slider.setRange(0.0, 1.0)
    slider.setDecimals(2)
    slider.setSingleStep(_STEP)
    slider.setPageStep(5 * _STEP)
    slider.setToolTip(tooltip)
    return slider

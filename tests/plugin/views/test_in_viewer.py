"""The panels in docks of a real viewer: nothing cut, everything readable."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from qtpy.QtCore import QRect
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QProgressBar,
    QScrollBar,
    QWidget,
)
from superqt import QElidingLabel

from napari_sam.views.eliding_button import ElidingButton
from tests.plugin.fake_window import PATIENCE_MS

pytestmark = pytest.mark.gui

NARROW, USUAL = 260, 340


def shown(panel: QWidget, *kinds: type) -> list:
    children = [child for kind in kinds for child in panel.findChildren(kind)]
    return [child for child in children if child.isVisibleTo(panel)]


def cut_texts(panel: QWidget) -> list[str]:
    """Return texts that have less room than they need."""
    cut = []
    for widget in shown(panel, QLabel, QAbstractButton):
        if isinstance(widget, ElidingButton | QElidingLabel) or not widget.text():
            continue
        needed = widget.sizeHint()
        if isinstance(widget, QLabel) and widget.wordWrap():
            is_cut = widget.heightForWidth(widget.width()) > widget.height()
        else:
            is_cut = needed.width() > widget.width() or needed.height() > (
                widget.height() + 1
            )
        if is_cut:
            cut.append(widget.text())
    return cut


def sticking_out(panel: QWidget) -> list[QWidget]:
    """Return widgets of which a part lies outside of the panel."""
    return [
        widget
        for widget in shown(panel, QLabel, QAbstractButton, QComboBox, QProgressBar)
        if not panel.rect().contains(
            QRect(widget.mapTo(panel, widget.rect().topLeft()), widget.size())
        )
    ]


def nothing_is_cut(panel: QWidget, dock: QWidget, width: int) -> None:
    dock.resize(width, 640)
    assert dock.width() == width
    assert cut_texts(panel) == [], f"{dock.windowTitle()} at {width}"
    assert sticking_out(panel) == [], f"{dock.windowTitle()} at {width}"


def luminance(color: QColor) -> float:
    parts = np.array([color.redF(), color.greenF(), color.blueF()])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(label: QLabel) -> float:
    """Return the contrast of a text as WCAG defines it."""
    picture = label.grab().toImage()
    values = [
        luminance(picture.pixelColor(x, y))
        for y in range(picture.height())
        for x in range(picture.width())
    ]
    return (max(values) + 0.05) / (min(values) + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_is_cut_and_all_is_readable(
    make_napari_viewer_proxy, panels, theme, qtbot, tmp_path
):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.theme = theme
    for name, build in panels.items():
        panel = build()
        dock = viewer.window.add_dock_widget(panel, name=name, area="right")
        dock.setFloating(True)
        for width in (NARROW, USUAL):
            dock.resize(width, 640)
            check = partial(nothing_is_cut, panel, dock, width)
            # Style sheets and wrapped labels come to rest after the dock has its size.
            qtbot.waitUntil(check, timeout=PATIENCE_MS)
        for label in shown(panel, QLabel):
            if label.isEnabled() and label.text():
                assert contrast(label) > 4.5, f"{name}: {label.text()}"
        assert panel.grab().save(str(tmp_path / f"{name}-{theme}.png"))
        assert not shown(panel, QScrollBar)
        viewer.window.remove_dock_widget(dock)


def test_a_tall_dock_leaves_its_room_below_the_content(
    make_napari_viewer_proxy, panels, qtbot
):
    viewer = make_napari_viewer_proxy(show=True)
    for build in panels.values():
        panel = build()
        dock = viewer.window.add_dock_widget(panel, area="right")
        dock.setFloating(True)
        dock.resize(USUAL, 1000)
        qtbot.waitUntil(lambda panel=panel: panel.height() > 900, timeout=PATIENCE_MS)

        bottoms = [
            widget.mapTo(panel, widget.rect().bottomLeft()).y()
            for widget in shown(panel, QLabel, QAbstractButton, QComboBox)
        ]

        tops = [
            widget.mapTo(panel, widget.rect().topLeft()).y()
            for widget in shown(panel, QLabel, QAbstractButton, QComboBox)
        ]
        assert min(tops) < 30
        assert max(bottoms) < 640
        viewer.window.remove_dock_widget(dock)

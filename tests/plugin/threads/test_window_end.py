from __future__ import annotations

from types import SimpleNamespace

import pytest
from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtWidgets import QMainWindow

from napari_sam.threads.window_end import on_window_end

pytestmark = pytest.mark.gui


@pytest.fixture
def window(qapp):
    window = QMainWindow()
    window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    window.show()
    yield window
    if isalive(window):
        window.deleteLater()
        let_qt_delete()


def viewer_of(window):
    return SimpleNamespace(window=SimpleNamespace(main_menu=window.menuBar()))


def let_qt_delete() -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_it_is_told_once_while_the_window_is_still_there(window):
    told = []
    on_window_end(viewer_of(window), lambda: told.append(window.windowTitle()))
    window.setWindowTitle("napari")
    window.close()
    assert told == []
    let_qt_delete()
    assert told == ["napari"]


def test_hiding_is_no_end_and_closing_may_be_refused(window, monkeypatch):
    told = []
    on_window_end(viewer_of(window), lambda: told.append("end"))
    window.hide()
    window.show()
    monkeypatch.setattr(window, "closeEvent", lambda event: event.ignore())
    window.close()
    let_qt_delete()
    assert told == []


def test_a_viewer_without_a_window_never_ends():
    on_window_end(SimpleNamespace(), pytest.fail)

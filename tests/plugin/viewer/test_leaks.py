"""The fixture that fails tests finds what they leave behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_sam.annotators import open_session
from tests.plugin.viewer import leaks

pytestmark = pytest.mark.gui


@contextmanager
def leaking(monkeypatch: pytest.MonkeyPatch, words: str) -> Iterator[None]:
    monkeypatch.setattr(leaks, "PATIENCE", 0.0)
    watch = leaks.Leaks()
    watch.fail_if_any()
    yield
    with pytest.raises(AssertionError, match=words):
        watch.fail_if_any()


def test_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="napari-sam-engine")
    with leaking(monkeypatch, "thread napari-sam-engine"):
        thread.start()
    end.set()
    thread.join()


def test_a_window(monkeypatch: pytest.MonkeyPatch, qtbot: Any) -> None:
    with leaking(monkeypatch, "window <.*QWidget"):
        widget = QWidget()
    qtbot.addWidget(widget)
    del widget


def test_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    with leaking(monkeypatch, "timer of nobody, 60000 ms"):
        timer = QTimer()
        timer.start(60_000)
    timer.stop()


def test_an_annotator_that_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((64, 64), np.uint8))
    with leaking(monkeypatch, "annotator, closed: False"):
        annotator = open_session(viewer, image)
    annotator.close()

from __future__ import annotations

import threading

import pytest
from qtpy.QtCore import QTimer

from tests.plugin.fake_window import PATIENCE_MS

pytestmark = pytest.mark.gui


def test_functions_of_other_threads_run_on_the_window_s(qtbot) -> None:
    from napari_sam.threads.gui_thread import GuiThread

    gui, seen = GuiThread(), []
    worker = threading.Thread(
        target=lambda: [
            gui.deliver(lambda n=n: seen.append((n, threading.current_thread())))
            for n in range(3)
        ]
    )
    worker.start()
    worker.join()
    assert seen == []
    qtbot.waitUntil(lambda: len(seen) == 3, timeout=PATIENCE_MS)
    assert [n for n, _ in seen] == [0, 1, 2]
    assert {thread for _, thread in seen} == {threading.main_thread()}


def test_later_is_later_and_in_order(qtbot) -> None:
    from napari_sam.threads.gui_thread import GuiThread

    gui, seen = GuiThread(), []
    gui.later(0.05, lambda: seen.append("second"))
    gui.later(0.0, lambda: seen.append("first"))
    gui.deliver(lambda: seen.append("at once"))
    assert seen == []
    qtbot.waitUntil(lambda: "second" in seen, timeout=PATIENCE_MS)
    assert seen[-1] == "second"
    assert set(seen) == {"at once", "first", "second"}
    # The timers go with the event loop's next round, which need not have come yet.
    qtbot.waitUntil(lambda: not gui.children(), timeout=PATIENCE_MS)


def test_nothing_is_called_after_the_end(qtbot) -> None:
    from napari_sam.threads.gui_thread import GuiThread

    gui, seen = GuiThread(), []
    gui.later(0.01, lambda: seen.append("later"))
    gui.deliver(lambda: seen.append("now"))
    gui.close()
    gui.deliver(lambda: seen.append("after"))
    assert not any(timer.isActive() for timer in gui.findChildren(QTimer))
    qtbot.wait(50)
    assert seen == []
    assert not gui.children()


def test_an_error_is_logged_and_ends_nothing(qtbot, caplog) -> None:
    from napari_sam.threads.gui_thread import GuiThread

    gui, seen = GuiThread(), []

    def fail() -> None:
        raise ValueError("broken")

    gui.deliver(fail)
    gui.deliver(lambda: seen.append("next"))
    qtbot.waitUntil(lambda: bool(seen), timeout=PATIENCE_MS)
    assert "broken" in caplog.text

"""A viewer is closed in the midst of work: all ends, and nothing is left behind.

What is left is found by the fixture `no_leaks`.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.docks.everything_dock import SegmentEverything
from napari_sam.docks.prompt_docks import PointPrompts
from napari_sam.docks.tiles_dock import TilesAndModel
from napari_sam.views.records import AskChoices
from tests.plugin.fake_window import Gate, wait_until
from tests.plugin.viewer.annotating import (
    COIN,
    click_object,
    hold_encoder,
    many_coins,
    open_dock,
)
from tests.plugin.viewer.canvas import Person
from tests.plugin.viewer.leaks import let_go

pytestmark = pytest.mark.gui


def embed_all(dock: Any, _person: Person) -> None:
    dock.annotator.controller(EmbeddingController).start()


def segment_all(dock: Any, _person: Person) -> None:
    dock.everything.set_ask(AskChoices(where="image", points_per_side=4))
    dock.everything.run.click()


def click(dock: Any, person: Person) -> None:
    person.click(COIN)


def open_at_the_end(gate: Gate, annotator: Any) -> None:
    """Let work go on when its end has begun, which waits for the current step."""

    def go_on() -> None:
        wait_until(lambda: annotator.is_closed and annotator.session is None)
        gate.open(times=1000)

    threading.Thread(target=go_on).start()


CLOSED_BY_ITS_CROSS = """
import napari
from qtpy.QtCore import QTimer
from skimage import data

from napari_sam.controllers.everything import EverythingController
from napari_sam.menu import show_dock

viewer = napari.Viewer()
viewer.add_image(data.coins())
annotator = show_dock(viewer, "Segment everything").annotator
def close():
    print("closing")
    viewer.window.main_menu.window().close()

def work():
    annotator.controller(EverythingController).run()
    QTimer.singleShot(300, close)

annotator.opened.connect(work)
annotator.closed.connect(lambda: print("closed"))
napari.run()
print("ended")
"""

KINDS_OF_WORK = {
    "tiles": (TilesAndModel, embed_all),
    "everything": (SegmentEverything, segment_all),
    "a click": (PointPrompts, click),
}


@pytest.mark.parametrize("work", KINDS_OF_WORK)
def test_the_viewer_is_closed_during_work(
    viewer: Any, caplog: pytest.LogCaptureFixture, work: str
) -> None:
    kind, start = KINDS_OF_WORK[work]
    dock, person = open_dock(viewer, kind, many_coins())
    annotator = dock.annotator
    if kind is TilesAndModel:
        # An estimate takes the time of the encoder, several times in one step.
        person.wait(lambda: annotator.embedding.estimate is not None)
    gate = hold_encoder(dock)
    start(dock, person)
    person.wait(gate.is_reached)
    open_at_the_end(gate, annotator)
    viewer.close()
    assert annotator.is_closed
    assert gate.calls <= 2  # of four; a run computes one tile before it tells of one
    assert logged_errors(caplog) == []


def test_the_viewer_is_closed_while_a_model_is_loaded(
    viewer: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from tilesam.model.checkpoints import loading

    gate = Gate(loading.load_model)
    monkeypatch.setattr(loading, "load_model", gate)
    viewer.add_image(many_coins(), name="coins")
    dock = PointPrompts(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    annotator, person = dock.annotator, Person(viewer)
    person.wait(gate.is_reached)
    person.rest()
    assert "Opening" in dock.prompts.message.text()
    # What is clicked meanwhile waits, and is forgotten with the rest.
    person.click(COIN)
    open_at_the_end(gate, annotator)
    viewer.close()
    assert annotator.is_closed
    assert annotator.session is None
    assert logged_errors(caplog) == []


def test_napari_is_closed_by_the_cross_of_its_window_during_work(
    tmp_path: Path,
) -> None:
    script = tmp_path / "person.py"
    script.write_text(CLOSED_BY_ITS_CROSS)
    ended = subprocess.run(
        [sys.executable, str(script)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.stderr == ""
    assert ended.stdout.split() == ["closing", "closed", "ended"]
    assert ended.returncode == 0


def test_embeddings_of_an_image_that_was_removed_take_no_memory(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    click_object(dock, person, COIN)
    session = weakref.ref(dock.annotator.session)
    viewer.layers.remove("coins")
    # Neighbours of a click are planned for half a second later.
    person.rest(0.7)
    let_go()
    assert dock.annotator is None
    assert session() is None


def logged_errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return errors of slots, which are logged instead of raised."""
    return [x.getMessage() for x in caplog.records if x.levelname == "ERROR"]

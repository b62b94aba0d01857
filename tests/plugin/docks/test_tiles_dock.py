"""The dock for tiles and model in a real viewer, with the embedded model."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import disk

from napari_sam.annotators import close_all
from napari_sam.docks.tiles_dock import TilesAndModel
from napari_sam.views.numbers import NO_BREAK
from tests.plugin.fake_window import PATIENCE_MS, Gate
from tilesam.errors import DownloadError
from tilesam.types import Window

pytestmark = pytest.mark.gui

HW = (700, 700)


def discs() -> np.ndarray:
    pixels = np.full(HW, 40, np.uint8)
    for centre in ((100, 120), (520, 560)):
        pixels[disk(centre, 40)] = 220
    return pixels


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    viewer.add_image(discs(), name="discs")
    yield viewer
    close_all(viewer)


@pytest.fixture
def dock(viewer, qtbot):
    dock = TilesAndModel(viewer)
    viewer.window.add_dock_widget(dock, name="Tiles and model")
    wait_until_open(qtbot, dock)
    return dock


def wait_until_open(qtbot, dock) -> None:
    qtbot.waitUntil(lambda: dock.annotator.session is not None, timeout=PATIENCE_MS)


def wait_for_estimate(qtbot, dock, text) -> None:
    estimate = dock.tiles.panel.estimate
    qtbot.waitUntil(lambda: text in estimate.text(), timeout=PATIENCE_MS)


def choose(dock, name) -> None:
    models = dock.model.panel.models
    models.setCurrentIndex(models.findData(name))
    models.activated.emit(models.currentIndex())


def embed_all(qtbot, dock) -> None:
    panel = dock.tiles.panel
    panel.where_choice.buttons["image"].click()
    wait_for_estimate(qtbot, dock, "to embed")
    panel.embed.click()
    wait_for_estimate(qtbot, dock, "stored already")


def counted(dock) -> str:
    return dock.tiles.panel.map_counts.text()


def test_embedding_all_with_the_map_on(viewer, dock, qtbot):
    panel = dock.tiles.panel
    panel.map.click()
    tiles = len(dock.annotator.session.plan())
    assert counted(dock) == f"0 stored, 0 being embedded, {tiles} missing"

    embed_all(qtbot, dock)

    qtbot.waitUntil(
        lambda: counted(dock).startswith(f"{tiles} stored"), timeout=PATIENCE_MS
    )
    assert not panel.embed.isEnabled()
    assert not panel.progress.is_running
    assert panel.store.clear.isEnabled()
    marks = viewer.layers["tiles: discs"]
    qtbot.waitUntil(lambda: marks.data.min() == 2, timeout=PATIENCE_MS)

    viewer.layers.remove("tiles: discs")
    assert not panel.map.isChecked()
    panel.map.click()
    panel.map.click()
    assert "tiles: discs" not in viewer.layers


def test_a_run_can_be_cancelled_and_goes_on(dock, qtbot):
    panel, model = dock.tiles.panel, dock.annotator.session.model
    panel.where_choice.buttons["image"].click()
    wait_for_estimate(qtbot, dock, "to embed")
    gate = Gate(model.embed)
    model.embed = gate
    panel.embed.click()
    qtbot.waitUntil(gate.is_reached, timeout=PATIENCE_MS)
    assert not panel.where_choice.isEnabled()
    panel.progress.cancel.click()
    gate.open(times=1000)

    qtbot.waitUntil(lambda: not panel.progress.is_running, timeout=PATIENCE_MS)
    wait_for_estimate(qtbot, dock, "to embed")
    assert panel.embed.isEnabled()


def test_a_drawn_region(dock, qtbot):
    panel, region = dock.tiles.panel, dock.annotator.region
    panel.where_choice.buttons["region"].click()
    assert panel.estimate.text() == "Draw a region first."
    panel.where_choice.draw.click()
    corners = np.array([(10, 10), (10, 60), (50, 60), (50, 10)])
    region.layer.add_rectangles(corners)
    assert dock.annotator.window("region") == Window(10, 10, 41, 51)
    assert panel.where_choice.region_text.text() == f"41 x 51{NO_BREAK}px"
    wait_for_estimate(qtbot, dock, "to embed")


def test_a_folder_for_the_store_keeps_what_there_is(dock, qtbot, tmp_path):
    annotator, panel = dock.annotator, dock.tiles.panel
    embed_all(qtbot, dock)
    stored, model = annotator.embedding.stored, annotator.session.model

    panel.folder_chosen.emit(str(tmp_path))
    assert annotator.session is None
    wait_until_open(qtbot, dock)

    assert annotator.session.model is model
    place = str(tmp_path / "discs.sam.zarr")
    qtbot.waitUntil(lambda: annotator.embedding.stored == stored, timeout=PATIENCE_MS)
    assert panel.store.place.toolTip() == place
    wait_for_estimate(qtbot, dock, "stored already")

    panel.clear_requested.emit()
    wait_until_open(qtbot, dock)
    wait_for_estimate(qtbot, dock, "to embed")
    assert panel.store.content.text() == "Empty"
    assert panel.store.place.toolTip() == place


def test_a_store_of_another_image_is_refused(viewer, dock, qtbot, tmp_path):
    annotator = dock.annotator
    annotator.use_store(tmp_path / "discs.sam.zarr")
    wait_until_open(qtbot, dock)
    dock.show_image(viewer.add_image(discs()[:600], name="others"))
    wait_until_open(qtbot, dock)
    session = dock.annotator.session

    dock.tiles.panel.folder_chosen.emit(str(tmp_path / "discs.sam.zarr"))
    assert "of an image of" in dock.tiles.panel.message.text()
    assert dock.annotator.session is session

    # Found out only when it is opened, by a script for instance.
    dock.annotator.use_store(tmp_path / "discs.sam.zarr")
    wait_until_open(qtbot, dock)
    assert dock.annotator.store is None
    assert "of an image of" in dock.tiles.panel.message.text()


def test_a_model_that_is_not_here_is_offered_first(dock, qtbot, monkeypatch):
    panel, annotator = dock.model.panel, dock.annotator
    asked = []

    def fail(entry, *, progress):
        asked.append(entry.name)
        progress(1_000_000, 4_000_000)
        raise DownloadError("the network is down")

    monkeypatch.setattr(dock.model.downloads, "_fetch", fail)
    name = next(c.name for c in dock.model.state.choices if not c.is_present)
    choose(dock, name)
    assert "until then tiny answers" in panel.message.text()
    assert annotator.model == "tiny"

    panel.download.click()
    qtbot.waitUntil(
        lambda: "network is down" in panel.message.text(), timeout=PATIENCE_MS
    )
    assert asked == [name]
    assert not panel.progress.is_running
    assert panel.download.isVisibleTo(panel)

    choose(dock, "tiny")
    assert panel.message.text() == ""


def test_another_model_answers_when_its_weights_have_come(dock, qtbot, monkeypatch):
    used = []
    monkeypatch.setattr(dock.annotator, "use_model", lambda *given: used.append(given))
    monkeypatch.setattr(dock.model.downloads, "_fetch", lambda *_, **__: None)
    name = next(c.name for c in dock.model.state.choices if not c.is_present)
    choose(dock, name)
    dock.model.panel.download.click()
    qtbot.waitUntil(lambda: bool(used), timeout=PATIENCE_MS)
    assert used == [(name, None)]


def test_without_an_image(viewer, dock):
    viewer.layers.clear()
    assert dock.tiles.panel.message.text() == "Open an image first."
    assert not dock.tiles.panel.embed.isEnabled()
    assert not dock.tiles.panel.store.choose.isEnabled()


def test_the_plane_of_a_stack_has_tiles_of_its_own(viewer, dock, qtbot):
    stack = viewer.add_image(np.stack([discs(), 255 - discs()]), name="stack")
    dock.show_image(stack)
    viewer.dims.set_point(0, 0)
    wait_until_open(qtbot, dock)
    dock.tiles.panel.map.click()
    embed_all(qtbot, dock)
    marks, model = viewer.layers["tiles: stack"], dock.annotator.session.model
    qtbot.waitUntil(lambda: bool(marks.data.min() == 2), timeout=PATIENCE_MS)
    assert marks.data.shape[0] == 1

    viewer.dims.set_point(0, 1)
    wait_until_open(qtbot, dock)

    assert dock.annotator.session.model is model
    assert (marks.data == 1).all()
    assert marks.data_to_world((0, 0, 0))[0] == 1
    wait_for_estimate(qtbot, dock, "to embed")


def test_the_dock_can_be_closed_in_the_middle_of_work(
    viewer, dock, qtbot, monkeypatch, caplog
):
    piece = Gate()
    left = []

    def fetch(entry, *, progress):
        try:
            piece()
            progress(1, 2)
        finally:
            left.append(entry.name)

    monkeypatch.setattr(dock.model.downloads, "_fetch", fetch)
    name = next(c.name for c in dock.model.state.choices if not c.is_present)
    choose(dock, name)
    dock.model.panel.download.click()
    qtbot.waitUntil(piece.is_reached, timeout=PATIENCE_MS)
    annotator, model = dock.annotator, dock.model
    with qtbot.waitSignal(dock.destroyed, timeout=PATIENCE_MS):
        viewer.window.remove_dock_widget(dock.parent())
        dock.deleteLater()
    piece.open()
    qtbot.waitUntil(lambda: left == [name], timeout=PATIENCE_MS)
    assert model.state.download is None
    viewer.scene.camera.zoom *= 2
    annotator.use_store(None)
    qtbot.waitUntil(lambda: annotator.session is not None, timeout=PATIENCE_MS)
    annotator.prompt_layers.use_points()
    # Errors on the window's thread are logged, not raised.
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == []

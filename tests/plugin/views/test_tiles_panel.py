"""Embedding in advance and the store."""

from __future__ import annotations

import pytest

from napari_sam.views.numbers import NO_BREAK
from napari_sam.views.records import RunProgress, TileCounts
from napari_sam.views.tiles_panel import TilesPanel
from tilesam.embedding.estimate import EmbeddingEstimate

pytestmark = pytest.mark.gui

SOME = EmbeddingEstimate(60, 48, 25_165_824, 180.0)


@pytest.fixture
def answers() -> dict:
    return {"agrees": True, "folder": "/data/store.zarr", "questions": []}


@pytest.fixture
def panel(qtbot, answers):
    def confirm(_parent, _title, question) -> bool:
        answers["questions"].append(question)
        return answers["agrees"]

    widget = TilesPanel(
        confirm=confirm, choose_folder=lambda *_: answers["folder"] or None
    )
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def test_embedding_needs_something_to_embed(panel):
    assert not panel.embed.isEnabled()
    assert panel.estimate.text() == "No image chosen."

    panel.set_estimate(SOME)
    assert panel.embed.isEnabled()
    assert panel.estimate.text().startswith("48 of 60 tiles to embed")

    panel.set_estimate(EmbeddingEstimate(60, 0, 0, 0.0))
    assert not panel.embed.isEnabled()

    panel.set_estimate(None, why_not="Draw a region first.")
    assert panel.estimate.text() == "Draw a region first."


def test_the_place_is_told_when_it_changes_and_when_it_is_embedded(panel, qtbot):
    panel.set_estimate(SOME)
    with qtbot.waitSignal(panel.where_changed) as changed:
        panel.where_choice.buttons["image"].click()
    with qtbot.waitSignal(panel.embed_requested) as requested:
        panel.embed.click()

    assert changed.args == requested.args == ["image"]


def test_a_region_can_be_drawn_where_it_is_asked_for(panel, qtbot):
    assert not panel.where_choice.draw.isVisible()

    panel.where_choice.buttons["region"].click()
    panel.set_region((1234, 56))
    with qtbot.waitSignal(panel.draw_region_requested):
        panel.where_choice.draw.click()

    assert panel.where_choice.draw.text() == "Draw again"
    assert panel.where_choice.region_text.text() == f"1,234 x 56{NO_BREAK}px"


def test_while_it_runs_nothing_else_can_be_begun(panel):
    panel.set_estimate(SOME)
    panel.set_store("/data/a.zarr", tiles=3, nbytes=10)

    panel.start()
    panel.set_progress(RunProgress(12, 48, 135.0))
    panel.set_store("/data/a.zarr", tiles=15, nbytes=50)

    assert panel.progress.text.text().replace(NO_BREAK, " ") == (
        "12 of 48 tiles. About 2 min left."
    )
    locked = (panel.embed, panel.where_choice, panel.store.choose, panel.store.clear)
    assert not any(widget.isEnabled() for widget in locked)

    panel.stop()
    assert all(widget.isEnabled() for widget in locked)
    assert not panel.progress.isVisible()


def test_cancelling_is_told_once_and_answered_at_once(panel, qtbot):
    panel.start()

    with qtbot.waitSignal(panel.cancel_requested):
        panel.progress.cancel.click()
    panel.set_progress(RunProgress(13, 48, 100.0))

    assert not panel.progress.cancel.isEnabled()
    assert panel.progress.text.text().startswith("Stopping")

    panel.stop()
    panel.start()
    assert panel.progress.cancel.isEnabled()


def test_clearing_asks_first(panel, answers, qtbot):
    panel.set_store("/data/a.zarr", tiles=3, nbytes=1_572_864)

    answers["agrees"] = False
    with qtbot.assertNotEmitted(panel.clear_requested):
        panel.store.clear.click()
    answers["agrees"] = True
    with qtbot.waitSignal(panel.clear_requested):
        panel.store.clear.click()

    assert len(answers["questions"]) == 2
    assert "3 embedded tiles" in answers["questions"][0]


def test_an_empty_store_cannot_be_cleared(panel):
    panel.set_store("/data/a.zarr", tiles=0, nbytes=0)

    assert not panel.store.clear.isEnabled()


def test_a_folder_is_told_if_one_was_chosen(panel, answers, qtbot):
    with qtbot.waitSignal(panel.folder_chosen) as chosen:
        panel.store.choose.click()
    answers["folder"] = None
    with qtbot.assertNotEmitted(panel.folder_chosen):
        panel.store.choose.click()

    assert chosen.args == ["/data/store.zarr"]


def test_long_paths_are_whole_in_the_tooltip(panel):
    path = "/data/" + 20 * "folder/" + "slide.sam.zarr"
    panel.resize(260, 500)

    panel.set_store(path, tiles=1, nbytes=1)

    assert panel.store.place.toolTip() == path
    assert panel.store.place.width() < 260

    panel.set_store(None, tiles=0, nbytes=0)
    assert "memory" in panel.store.place.text()


def test_the_map_is_told_by_clicks_only(panel, qtbot):
    with qtbot.assertNotEmitted(panel.map_changed):
        panel.set_map(True, TileCounts(4, 1, 7))
    with qtbot.waitSignal(panel.map_changed) as changed:
        panel.map.click()

    assert changed.args == [False]
    assert panel.map_counts.text() == "4 stored, 1 being embedded, 7 missing"

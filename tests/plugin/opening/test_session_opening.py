from __future__ import annotations

import pytest
from napari.components import ViewerModel

from napari_sam.opening import session_opening
from napari_sam.opening.session_opening import CachePlace, open_view
from napari_sam.opening.sources import view_layer
from tests.plugin.controllers.scene import HW, SIZE, SQUARES
from tilesam.errors import StoreWriteError
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model


@pytest.fixture
def view():
    viewer = ViewerModel()
    layer = viewer.add_image(bright_rectangles(HW, SQUARES))
    return view_layer(layer, viewer.dims)


def open_in(view, place):
    network = bright_region_model(input_size=SIZE)
    return open_view(view, "tiny", "cpu", place, network, None)


def test_a_cache_without_room_still_keeps_this_image(
    view, tmp_path, monkeypatch, caplog
):
    def trim_nothing(*_, **__):
        raise StoreWriteError("the cache cannot be trimmed")

    monkeypatch.setattr(session_opening, "trim_cache", trim_nothing)
    opened = open_in(view, CachePlace(tmp_path, 1_000_000, "cells"))
    opened.hold.release()
    assert opened.session.store.path.parent == tmp_path
    assert "cannot be trimmed" in caplog.text


def test_what_cannot_be_opened_is_not_held(view, tmp_path, monkeypatch):
    def open_nothing(*_):
        raise StoreWriteError("the disk is full")

    monkeypatch.setattr(session_opening, "_open", open_nothing)
    with pytest.raises(StoreWriteError, match="full"):
        open_in(view, CachePlace(tmp_path, 1_000_000, "cells"))
    assert not list(tmp_path.glob("*.in-use"))

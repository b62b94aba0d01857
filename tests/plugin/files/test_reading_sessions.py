"""Session files that are opened like any other file."""

from __future__ import annotations

import re

import npe2
import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.utils.notifications import notification_manager
from skimage import data

from napari_sam.annotator import Annotator
from napari_sam.files.opening_images import add_image
from napari_sam.preferences import Preferences
from tests.plugin.saving.annotating import COIN, OTHER_COIN, Desk
from tilesam.errors import SessionFileError

pytestmark = pytest.mark.gui

PLUGIN = "napari-sam-tiles"


@pytest.fixture(autouse=True, scope="module")
def known_to_napari():
    npe2.PluginManager.instance().discover()


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "pictures" / "coins.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, data.coins())
    return path


def latest_notification() -> str:
    return notification_manager.records[-1].message


def annotate(qtbot, tmp_path, picture, **place):
    """Open a picture as a person does, accept an object, and ask for another one."""
    viewer = ViewerModel()
    [layer] = viewer.open(picture, plugin="napari", **place)
    desk = Desk.__new__(Desk)
    desk.qtbot, desk.folder = qtbot, tmp_path / "sessions"
    desk.viewer, desk.image = viewer, layer
    desk.sit_down()
    desk.accept(COIN)
    desk.click(OTHER_COIN)
    return desk


def test_opening_a_session_brings_back_all_of_it(qtbot, tmp_path, picture):
    place = {"scale": (0.5, 0.5), "rotate": 30, "units": ("um", "um")}
    desk = annotate(qtbot, tmp_path, picture, contrast_limits=(10, 200), **place)
    desk.annotator.choose(1)
    left, path = desk.belongings, desk.annotator.keeper.path
    desk.annotator.close()

    viewer = ViewerModel()
    [layer] = viewer.open(path, plugin=PLUGIN)
    assert layer.name == desk.image.name
    np.testing.assert_array_equal(layer.data, data.coins())
    np.testing.assert_allclose(layer.scale, (0.5, 0.5))
    np.testing.assert_allclose(layer.rotate, desk.image.rotate)
    assert layer.units == desk.image.units
    assert tuple(layer.contrast_limits) == (10, 200)

    desk.viewer, desk.image = viewer, layer
    annotator = desk.annotator = Annotator(
        viewer, layer, preferences=Preferences(session_folder=tmp_path / "other")
    )
    restored = []
    annotator.restorer.restored.connect(lambda: restored.append(1))
    desk.wait(lambda: restored and desk.is_answered())
    assert desk.belongings == left
    assert annotator.keeper.path == path
    annotator.close()


def test_a_folder_with_image_and_session_can_be_moved(qtbot, tmp_path, picture):
    desk = annotate(qtbot, tmp_path, picture)
    desk.annotator.keeper.save_as(picture.with_name("coins.sam.json"))
    desk.annotator.close()
    moved = picture.parent.rename(tmp_path / "moved")
    [layer] = ViewerModel().open(moved / "coins.sam.json", plugin=PLUGIN)
    np.testing.assert_array_equal(layer.data, data.coins())


def test_without_its_image_the_objects_are_shown(qtbot, tmp_path, picture):
    desk = annotate(qtbot, tmp_path, picture)
    path, labels = desk.annotator.keeper.path, desk.labels
    desk.annotator.close()
    picture.unlink()
    [layer] = ViewerModel().open(path, plugin=PLUGIN)
    assert re.search("is not at .*its objects are shown alone", latest_notification())
    np.testing.assert_array_equal(layer.data, labels)
    assert list(layer.features["index"]) == [1]


def test_an_image_that_was_never_in_a_file_is_said_to_be_so(qtbot, tmp_path):
    desk = Desk(qtbot, tmp_path / "sessions")
    desk.accept(COIN)
    path = desk.annotator.keeper.path
    desk.annotator.close()
    [layer] = ViewerModel().open(path, plugin=PLUGIN)
    assert "was never in a file" in latest_notification()
    assert layer.data.max() == 1


def test_another_image_in_its_place_is_refused(qtbot, tmp_path, picture):
    desk = annotate(qtbot, tmp_path, picture)
    path = desk.annotator.keeper.path
    desk.annotator.close()
    tifffile.imwrite(picture, np.zeros((20, 30), np.uint16))
    with pytest.raises(SessionFileError, match="is another image"):
        ViewerModel().open(path, plugin=PLUGIN)


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"format": "else"}'])
def test_a_file_that_is_no_session_is_refused(tmp_path, content):
    path = tmp_path / "broken.sam.json"
    path.write_text(content)
    with pytest.raises(SessionFileError, match=r"broken\.sam\.json"):
        ViewerModel().open(path, plugin=PLUGIN)


def test_one_channel_of_several_is_found_again(qtbot, tmp_path):
    both = np.stack([np.zeros_like(data.coins()), data.coins()])
    path = tmp_path / "two.ome.tif"
    tifffile.imwrite(path, both, metadata={"axes": "CYX"})
    viewer = ViewerModel()
    add_image(viewer, path)
    layers = list(viewer.layers)
    desk = Desk.__new__(Desk)
    desk.qtbot, desk.folder = qtbot, tmp_path / "sessions"
    desk.viewer, desk.image = viewer, layers[1]
    desk.sit_down()
    desk.accept(COIN)
    session = desk.annotator.keeper.path
    desk.annotator.close()
    [layer] = ViewerModel().open(session, plugin=PLUGIN)
    np.testing.assert_array_equal(layer.data, data.coins())
    assert layer.name == layers[1].name


def test_what_was_opened_otherwise_is_not_taken_for_something_else(qtbot, tmp_path):
    path = tmp_path / "two.tif"
    tifffile.imwrite(path, np.stack([np.zeros_like(data.coins()), data.coins()]))
    viewer = ViewerModel()
    layers = viewer.open(path, plugin="napari", channel_axis=0)
    desk = Desk.__new__(Desk)
    desk.qtbot, desk.folder = qtbot, tmp_path / "sessions"
    desk.viewer, desk.image = viewer, layers[1]
    desk.sit_down()
    desk.accept(COIN)
    session = desk.annotator.keeper.path
    desk.annotator.close()
    with pytest.raises(SessionFileError, match="opened otherwise"):
        ViewerModel().open(session, plugin=PLUGIN)

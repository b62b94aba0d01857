"""Which image a dock is about, whatever comes and goes."""

from __future__ import annotations

import pytest
from napari.components import ViewerModel
from skimage import data

from napari_sam.annotators import close_all
from napari_sam.docks.everything_dock import SegmentEverything
from napari_sam.docks.prompt_docks import PointPrompts
from tilesam.errors import AnnotationError

pytestmark = pytest.mark.gui


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    yield viewer
    close_all(viewer)


@pytest.fixture
def dock(viewer, qtbot):
    dock = PointPrompts(viewer)
    qtbot.addWidget(dock)
    return dock


def from_the_top(viewer):
    while viewer.layers:
        viewer.layers.remove(viewer.layers[-1])


@pytest.mark.parametrize(
    "remove_all", [from_the_top, lambda viewer: viewer.layers.clear()]
)
def test_all_layers_may_go_and_the_next_image_is_taken(viewer, dock, remove_all):
    viewer.add_image(data.coins(), name="first")
    dock.annotator.prompt_layers.use_points()
    dock.annotator.choose_objects("new")
    assert dock.objects.panel.layers.count() == 1
    assert dock.session.box.isEnabled()
    remove_all(viewer)
    assert dock.annotator is None
    assert dock.objects.panel.layers.count() == 0
    assert not dock.session.box.isEnabled()
    viewer.add_image(data.coins(), name="next")
    assert dock.annotator.image.name == "next"
    assert dock.session.box.isEnabled()


def test_an_image_that_somebody_left_is_not_taken_again_by_itself(viewer, dock):
    image = viewer.add_image(data.coins(), name="first")
    dock.annotator.prompt_layers.use_points()
    viewer.layers.remove(dock.annotator.prompt_layers.points)
    assert dock.annotator is None
    assert dock.was_left
    viewer.add_labels(data.coins().astype(int))
    assert dock.annotator is None
    dock.show_image(image)
    assert dock.annotator.image is image


def test_names_follow_the_layers(viewer, dock):
    image = viewer.add_image(data.coins(), name="first")
    labels = viewer.add_labels(data.coins().astype(int), name="labels")
    image.name, labels.name = "renamed", "too"
    assert dock.images.itemText(0) == "renamed"
    assert dock.objects.panel.layers.itemText(0) == "too"


def test_the_typical_size_is_one_for_all_docks(viewer, dock, qtbot):
    viewer.add_image(data.coins(), name="coins")
    everything = SegmentEverything(viewer)
    qtbot.addWidget(everything)
    annotator = dock.annotator
    qtbot.waitUntil(lambda: annotator.session is not None, timeout=20_000)
    finest = annotator.session.finest_level
    dock.prompts.diameter.setValue(8)
    qtbot.waitUntil(lambda: annotator.session is not None, timeout=20_000)
    assert annotator.object_diameter == 8
    assert annotator.session.finest_level < finest
    assert everything.everything.ask.object_diameter == 8
    everything.everything.diameter.setValue(0)
    qtbot.waitUntil(lambda: annotator.session is not None, timeout=20_000)
    assert dock.prompts.diameter.diameter is None
    assert annotator.session.finest_level == finest


def test_nothing_found_is_not_accepted_and_leaves_no_layer(viewer, dock):
    viewer.add_image(data.coins(), name="coins")
    before = list(viewer.layers)
    with pytest.raises(AnnotationError, match="there is nothing"):
        dock.annotator.accept_found()
    assert list(viewer.layers) == before

"""Sessions that nobody had to save: what a crash, and the end of a day, leave."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from napari_sam.saving import keeper
from napari_sam.saving.restoring import build_labels
from tests.engine.model.refining.scripted import bright, scripted_refiner
from tests.plugin.saving.annotating import COIN, OTHER_COIN, THIRD_COIN, Desk, crash
from tilesam.annotation import SessionFile, load_session
from tilesam.annotation.replaying import summarize

pytestmark = pytest.mark.gui


@pytest.fixture
def open_desk(qtbot, tmp_path):
    desks = []

    def open_one(*arguments, **options) -> Desk:
        desks.append(Desk(qtbot, tmp_path / "sessions", *arguments, **options))
        return desks[-1]

    yield open_one
    for desk in desks:
        desk.annotator.close()


def test_a_crash_loses_nothing_that_was_done(open_desk, tmp_path):
    desk = open_desk()
    desk.accept(COIN, OTHER_COIN)
    desk.paint(7, slice(10, 14), slice(20, 29))
    desk.annotator.objects.undo()
    desk.annotator.objects.redo()
    desk.annotator.objects.policy = "overwrite"
    desk.click(THIRD_COIN, (120.0, 110.0))
    desk.annotator.choose(2)
    left = desk.belongings
    path = crash(desk.annotator, tmp_path / "after the crash")

    again = open_desk()
    again.restore(path)

    assert again.belongings == left
    assert again.annotator.restorer.message == ""
    history = again.annotator.objects.current.history
    assert history.undo_names == desk.annotator.objects.current.history.undo_names
    while history.can_undo:
        again.annotator.objects.undo()
    assert not again.labels.any()


def test_work_with_another_refiner_is_said(open_desk, tmp_path, monkeypatch):
    desk = open_desk()
    desk.accept(COIN)
    left = desk.belongings
    path = crash(desk.annotator, tmp_path / "after the crash")

    again = open_desk()
    model = again.annotator.session.model
    monkeypatch.setattr(model, "refiner", scripted_refiner(bright))
    again.restore(path)

    assert "with other weights of the refiner" in again.annotator.restorer.message
    assert again.belongings == left


def test_work_goes_on_where_it_was_left(open_desk):
    desk = open_desk()
    desk.accept(COIN)
    place = desk.annotator.keeper.path
    desk.annotator.close()

    desk.sit_down()
    desk.wait(lambda: desk.annotator.restorer.offer is not None)
    assert desk.annotator.restorer.offer.count == 1
    desk.restore()
    assert desk.annotator.restorer.offer is None
    assert desk.annotator.keeper.path == place
    desk.accept(OTHER_COIN)
    left = desk.belongings
    desk.annotator.close()

    desk.sit_down()
    desk.wait(lambda: desk.annotator.restorer.offer is not None)
    desk.restore()
    assert desk.belongings == left
    assert desk.labels.max() == 2


def test_what_is_not_wanted_now_is_not_lost(open_desk, tmp_path):
    desk = open_desk()
    desk.accept(COIN)
    first = desk.annotator.keeper.path
    desk.annotator.close()
    desk.sit_down()
    desk.wait(lambda: desk.annotator.restorer.offer is not None)
    desk.annotator.restorer.dismiss()
    assert desk.annotator.restorer.offer is None
    desk.accept(OTHER_COIN)
    second = desk.annotator.keeper.path
    assert second != first
    desk.annotator.close()
    assert [summarize(load_session(path)).labels for path in (first, second)] == [
        {1}
    ] * 2


def test_nothing_is_left_where_nothing_was_done(open_desk, tmp_path):
    desk = open_desk()
    assert desk.annotator.keeper.path is None
    desk.click(COIN)
    assert desk.annotator.keeper.path.exists()
    desk.annotator.next_object()
    desk.annotator.close()
    assert list((tmp_path / "sessions").iterdir()) == []


def test_prompts_alone_are_kept(open_desk):
    desk = open_desk()
    desk.click(COIN)
    asked = desk.annotator.annotation.prompts
    desk.annotator.close()
    desk.sit_down()
    desk.wait(lambda: desk.annotator.restorer.offer is not None)
    desk.restore()
    assert desk.annotator.annotation.prompts == asked
    np.testing.assert_allclose(desk.annotator.prompt_layers.points.data, [COIN])
    desk.annotator.accept()
    assert desk.labels[124, 45] == 1
    assert load_session(desk.annotator.keeper.path).document.labels.dtype == "uint32"


def test_each_objects_layer_has_a_file_of_its_own(open_desk):
    desk = open_desk()
    desk.accept(COIN)
    first, layer = desk.annotator.keeper.path, desk.annotator.objects.current.layer
    desk.annotator.choose_objects("new")
    desk.accept(OTHER_COIN, THIRD_COIN)
    second = desk.annotator.keeper.path
    desk.choose(layer)
    desk.annotator.objects.policy = "overwrite"
    desk.accept(OTHER_COIN)
    assert desk.annotator.keeper.path == first
    assert first != second
    left = desk.labels.tolist()
    desk.annotator.close()
    desk.sit_down()
    desk.restore(first)
    assert desk.labels.tolist() == left
    assert desk.labels.max() == 2
    rows = list(desk.annotator.objects.current.rows)
    assert [row.points_yx for row in rows] == [(COIN,), (OTHER_COIN,)]


def test_what_another_window_added_is_not_written_over(open_desk):
    desk = open_desk()
    desk.accept(COIN)
    first, layer = desk.annotator.keeper.path, desk.annotator.objects.current.layer
    desk.annotator.choose_objects("new")
    desk.settle()
    other = open_desk()
    other.restore(first)
    other.accept(OTHER_COIN)
    other.annotator.close()
    desk.choose(layer)
    desk.accept(THIRD_COIN)
    second = desk.annotator.keeper.path
    assert second != first
    assert desk.annotator.keeper.message == ""
    desk.annotator.close()
    places = [
        [row.points_yx for row in summarize_rows(path)] for path in (first, second)
    ]
    assert places == [[(COIN,), (OTHER_COIN,)], [(COIN,), (THIRD_COIN,)]]


def summarize_rows(path):
    return list(build_labels(load_session(path))[1].rows)


def test_two_windows_that_take_the_same_place_at_once_get_one_each(
    open_desk, monkeypatch
):
    desk, other = open_desk(), open_desk()
    original = keeper.new_place

    def new_place(*arguments):
        monkeypatch.setattr(keeper, "new_place", original)
        place = original(*arguments)
        other.accept(OTHER_COIN)
        return place

    monkeypatch.setattr(keeper, "new_place", new_place)
    desk.accept(COIN)
    paths = [one.annotator.keeper.path for one in (desk, other)]
    assert [one.annotator.keeper.message for one in (desk, other)] == ["", ""]
    assert paths[0] != paths[1]
    rows = [[row.points_yx for row in summarize_rows(path)] for path in paths]
    assert rows == [[(COIN,)], [(OTHER_COIN,)]]


def test_what_is_empty_is_gone_before_another_window_takes_its_name(
    open_desk, monkeypatch
):
    desk, taken = open_desk(), []
    desk.click(COIN)
    path = desk.annotator.keeper.path
    document = load_session(path).document
    desk.annotator.next_object()
    close = SessionFile.close

    def then_taken(file):
        close(file)
        taken.append(SessionFile.create(path, document, replacing=True))

    with monkeypatch.context() as patch:
        patch.setattr(SessionFile, "close", then_taken)
        desk.annotator.close()
    taken[0].record_prompts(None)
    assert len(taken) == 1
    assert len(load_session(path).actions) == 1
    taken[0].close()


def test_labels_of_somebody_else_are_kept_too(open_desk):
    desk = open_desk()
    foreign = np.zeros(desk.image.data.shape, np.uint16)
    foreign[200:220, 200:230] = 9
    layer = desk.viewer.add_labels(foreign)
    desk.choose(layer)
    desk.accept(COIN)
    left = desk.belongings
    assert left["rows"][0].label == 10
    desk.annotator.close()
    desk.sit_down()
    desk.wait(lambda: desk.annotator.restorer.offer is not None)
    desk.restore()
    assert desk.labels.tolist() == left["labels"]
    desk.accept(OTHER_COIN)
    assert [row.label for row in desk.annotator.objects.current.rows] == [10, 11]


def test_a_new_array_in_the_layer_is_saved_as_a_whole(open_desk):
    desk = open_desk()
    desk.accept(COIN)
    layer = desk.annotator.objects.current.layer
    other = np.zeros_like(layer.data)
    other[:5, :5] = 3
    layer.data = other
    desk.accept(OTHER_COIN)
    left = desk.labels.tolist()
    desk.annotator.close()
    desk.sit_down()
    desk.wait(lambda: desk.annotator.restorer.offer is not None)
    desk.restore()
    assert desk.labels.tolist() == left


def test_a_session_that_is_open_is_not_offered_to_others(open_desk):
    desk = open_desk()
    desk.accept(COIN)
    other = open_desk()
    other.settle()
    assert other.annotator.restorer.offer is None
    other.annotator.restorer.restore(desk.annotator.keeper.path)
    other.wait(lambda: "is open already" in other.annotator.restorer.message)
    other.accept(OTHER_COIN)
    assert other.annotator.keeper.path != desk.annotator.keeper.path


def test_a_session_of_another_image_is_refused(open_desk, tmp_path):
    desk = open_desk()
    desk.accept(COIN)
    path = crash(desk.annotator, tmp_path / "copy")
    other = open_desk(np.zeros((64, 80), np.uint8), name="black")
    other.annotator.restorer.restore(path)
    other.wait(lambda: "the session is of coins" in other.annotator.restorer.message)
    assert other.annotator.objects.current is None


def test_a_full_disk_is_told_and_stops_no_work(open_desk, monkeypatch):
    desk = open_desk()
    desk.accept(COIN)

    def fail(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    desk.accept(OTHER_COIN)
    assert desk.labels.max() == 2
    assert "No space left on device" in desk.annotator.keeper.message
    assert desk.annotator.keeper.path is None


def test_a_folder_that_cannot_be_made_is_told_once(qtbot, tmp_path):
    (tmp_path / "sessions").write_text("a file")
    desk = Desk(qtbot, tmp_path / "sessions")
    desk.accept(COIN, OTHER_COIN)
    assert desk.labels.max() == 2
    assert "not saved" in desk.annotator.keeper.message
    desk.annotator.close()


def test_nothing_is_saved_where_that_is_switched_off(open_desk, tmp_path):
    desk = open_desk()
    desk.annotator.close()
    desk.sit_down(autosaves=False)
    desk.accept(COIN)
    assert desk.annotator.keeper.path is None
    chosen = tmp_path / "mine" / "coins.sam.json"
    desk.annotator.keeper.save_as(chosen)
    desk.accept(OTHER_COIN)
    assert len(load_session(chosen).actions) > 0
    left = desk.labels.tolist()
    desk.annotator.close()
    desk.sit_down(autosaves=False)
    desk.restore(chosen)
    assert desk.labels.tolist() == left


def test_saving_elsewhere_moves_the_session(open_desk, tmp_path):
    desk = open_desk()
    desk.accept(COIN)
    earlier = desk.annotator.keeper.path
    chosen = tmp_path / "coins.sam.json"
    desk.annotator.keeper.save_as(chosen)
    desk.accept(OTHER_COIN)
    assert not earlier.exists()
    assert desk.annotator.keeper.path == chosen
    left = desk.labels.tolist()
    desk.annotator.close()
    desk.sit_down()
    desk.restore(chosen)
    assert desk.labels.tolist() == left


def test_a_stack_comes_back_on_its_plane(open_desk, tmp_path):
    stack = np.stack([np.zeros((303, 384), np.uint8), _coins()])
    desk = open_desk(stack, name="stack", scale=(3.0, 0.5, 0.5))
    desk.viewer.dims.set_point(0, 3.0)
    desk.wait(lambda: desk.annotator.plane == (1,) and desk.annotator.session)
    desk.accept(COIN)
    desk.click(OTHER_COIN)
    left = desk.belongings
    path = crash(desk.annotator, tmp_path / "copy")
    other = open_desk(stack, name="stack", scale=(3.0, 0.5, 0.5))
    other.viewer.dims.set_point(0, 0.0)
    other.restore(path)
    other.wait(other.is_answered)
    assert other.belongings == left
    assert other.labels[1].max() == 1
    assert not other.labels[0].any()


def test_large_labels_lie_beside_the_session(open_desk, tmp_path, monkeypatch):
    from tilesam.annotation import label_arrays, label_levels

    monkeypatch.setattr(label_arrays, "DENSE_PIXELS", 10_000)
    monkeypatch.setattr(label_levels, "CHUNK", 64)
    desk = open_desk()
    desk.accept(COIN, OTHER_COIN)
    desk.annotator.objects.undo()
    desk.annotator.objects.redo()
    layer = desk.annotator.objects.current.layer
    assert layer.multiscale
    left = desk.labels.tolist()
    assert {file.suffix for file in (tmp_path / "sessions").iterdir()} >= {".zarr"}
    desk.annotator.close()
    desk.viewer.layers.remove(layer)

    desk.sit_down()
    desk.wait(lambda: desk.annotator.restorer.offer is not None)
    desk.restore()
    assert desk.labels.tolist() == left
    desk.annotator.objects.undo()
    for step, level in enumerate(desk.annotator.objects.current.layer.data):
        sampled = desk.labels[:: 2**step, :: 2**step]
        np.testing.assert_array_equal(np.asarray(level[...]), sampled)
    assert desk.labels.max() == 1


def _coins() -> np.ndarray:
    from skimage import data

    return data.coins()


def test_without_the_model_of_the_session_the_present_one_answers(open_desk, tmp_path):
    desk = open_desk()
    desk.accept(COIN)
    path = crash(desk.annotator, tmp_path / "copy")
    journal = path.with_name(path.name + ".journal")
    journal.unlink()
    text = path.read_text().replace('"model": "tiny"', '"model": "vit_h"')
    path.write_text(text.replace('"name": "tiny"', '"name": "vit_h"'))
    again = open_desk()
    again.restore(path)
    assert again.annotator.model == "tiny"
    assert again.annotator.session is not None
    again.accept(OTHER_COIN)
    assert again.annotator.keeper.path == path
    assert len(load_session(path).actions) > 0


def test_a_stack_of_another_length_is_refused_and_saving_goes_on(open_desk, tmp_path):
    long, short = (np.stack([_coins()] * count) for count in (3, 2))
    desk = open_desk(long, name="stack")
    desk.accept(COIN)
    path = crash(desk.annotator, tmp_path / "copy")
    other = open_desk(short, name="stack")
    other.annotator.restorer.restore(path)
    other.wait(lambda: "this image takes (2, 303, 384)" in _said(other))
    other.accept(COIN)
    assert other.annotator.keeper.path.exists()
    assert other.annotator.keeper.path != path


def test_whoever_begins_anew_is_offered_nothing_any_more(open_desk):
    desk = open_desk()
    desk.accept(COIN)
    desk.annotator.close()
    desk.sit_down()
    desk.wait(lambda: desk.annotator.restorer.offer is not None)
    desk.click(OTHER_COIN)
    assert desk.annotator.restorer.offer is None


def _said(desk) -> str:
    return desk.annotator.restorer.message

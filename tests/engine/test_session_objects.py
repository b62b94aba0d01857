"""Objects of a session: what is accepted, taken back, removed and written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr
from numpy.testing import assert_array_equal

from tilesam import Session
from tilesam.annotation import ArrayTarget, OverlapQuestion, load_session, replay
from tilesam.errors import AnnotationError, OutputError, SessionFileError
from tilesam.testing.images import bright_rectangles, rectangle_mask
from tilesam.testing.models import bright_region_model

HW = (64, 64)
FIRST, SECOND = (8, 8, 24, 24), (40, 36, 56, 60)
IMAGE = bright_rectangles(HW, [FIRST, SECOND])


@pytest.fixture(scope="module")
def model():
    return bright_region_model()


@pytest.fixture
def session(model):
    with Session.open(IMAGE, model=model) as session:
        yield session


def click(session, rectangle=FIRST):
    y0, x0, _, _ = rectangle
    return session.prompt(points_yx=[(y0 + 4, x0 + 4)])[0]


def painted(*rectangles):
    """Return labels with an object for each rectangle, as far as masks are square."""
    labels = np.zeros(HW, np.uint32)
    for label, rectangle in enumerate(rectangles, start=1):
        labels[rectangle_mask(HW, rectangle)] = label
        for corner in corners_of(rectangle):
            labels[corner] = 0
    return labels


def corners_of(rectangle):
    """Return the pixels that upsampled logits round off."""
    y0, x0, y1, x1 = rectangle
    return [(y0, x0), (y0, x1 - 1), (y1 - 1, x0), (y1 - 1, x1 - 1)]


def state_on_disk(path):
    """Return what another process would find there now."""
    labels = np.zeros(HW, np.uint32)
    again = replay(load_session(path), ArrayTarget(labels))
    return labels.tolist(), list(again.rows)


def state_of(session):
    return session.labels.tolist(), list(session.objects)


def test_accepted_masks_are_labels_with_a_row_each(session):
    assert session.accept(click(session, FIRST)) == 1
    assert session.accept(click(session, SECOND)) == 2
    assert_array_equal(session.labels, painted(FIRST, SECOND))
    row = session.objects.get(2)
    assert (row.area, row.predicted_iou) == (16 * 24 - 4, pytest.approx(0.95))
    assert (row.model_name, row.prompt_kind) == ("bright_region", "points")


def test_a_row_has_the_prompts_of_its_candidate_whatever_was_asked_since(session):
    asked_first = click(session, FIRST)
    session.prompt(boxes_yxyx=[(38, 34, 58, 62)])
    session.accept(asked_first)
    row = session.objects.get(1)
    assert row.points_yx == ((12.0, 12.0),)
    assert row.boxes_yxyx == ()


def test_prompts_are_forgotten_with_their_candidates(session):
    candidate = click(session)
    assert len(session._asked) == 1  # the two others are gone already
    del candidate
    assert len(session._asked) == 0


def test_undo_and_redo_return_the_step_and_none_at_the_ends(session):
    assert session.undo() is None
    session.accept(click(session))
    assert session.undo().name == "accept object 1"
    assert not session.labels.any()
    assert len(session.objects) == 0
    assert session.undo() is None
    assert session.redo().name == "accept object 1"
    assert session.redo() is None
    assert_array_equal(session.labels, painted(FIRST))


def test_masks_meet_objects_as_the_policy_says(session):
    session.accept(click(session))
    wider = session.prompt(points_yx=[(12, 12)])[2]
    with pytest.raises(OverlapQuestion):
        session.accept(wider, policy="ask", label=7)
    assert session.accept(wider, policy="overwrite", label=7) == 7
    assert set(np.unique(session.labels)) <= {0, 1, 7}
    assert session.labels[12, 12] == 7


def test_a_mask_can_be_added_to_an_object(session):
    session.accept(click(session, FIRST))
    assert session.accept(click(session, SECOND), label=1) == 1
    assert len(session.objects) == 1
    assert_array_equal(session.labels > 0, painted(FIRST, SECOND) > 0)


def test_objects_are_deleted_and_come_back(session):
    session.accept(click(session))
    session.delete(1)
    assert not session.labels.any()
    session.undo()
    assert_array_equal(session.labels, painted(FIRST))
    for label in (5, 0, -1):
        with pytest.raises(AnnotationError, match=f"there is no object {label};"):
            session.delete(label)


def test_labels_of_others_are_kept_and_can_be_deleted(model):
    labels = np.zeros(HW, np.uint16)
    labels[10:12, 10:12] = 40
    session = Session.open(IMAGE, model=model, labels=labels)
    assert session.accept(click(session)) == 41
    assert session.labels is labels
    assert np.count_nonzero(labels == 40) == 4
    session.delete(40)
    assert not (labels == 40).any()
    session.undo()
    assert np.count_nonzero(labels == 40) == 4


@pytest.mark.parametrize("shape", [(3, *HW), HW])
def test_one_plane_of_a_stack_is_painted(model, shape):
    stack = np.stack([IMAGE[..., 0] * 0, IMAGE[..., 0], IMAGE[..., 0] * 0])
    labels = np.zeros(shape, np.uint32)
    session = Session.open(stack, plane=1, model=model, labels=labels)
    session.accept(click(session))
    assert_array_equal(labels[1] if labels.ndim > 2 else labels, painted(FIRST))
    assert np.count_nonzero(labels) == 16 * 16 - 4


def test_labels_in_zarr_are_made_where_they_are_asked_for(model, tmp_path):
    path = tmp_path / "work.labels.zarr"
    session = Session.open(IMAGE, model=model, labels=path)
    session.accept(click(session))
    assert_array_equal(zarr.open_array(path, mode="r")[:], painted(FIRST))
    again = Session.open(IMAGE, model=model, labels=str(path))
    assert again.accept(click(again, SECOND)) == 2


def test_an_image_too_large_for_memory_says_what_it_needs(model, tmp_path):
    image = np.broadcast_to(np.uint8(40), (9000, 9000))
    session = Session.open(image, model=model, contrast_limits=(0, 255))
    assert session.labels is None
    assert len(session.objects) == 0
    assert session.undo() is None
    candidate = click(Session.open(IMAGE, model=model))
    with pytest.raises(AnnotationError, match=r'labels="objects\.zarr"'):
        session.accept(candidate)
    with pytest.raises(AnnotationError, match="not kept in memory"):
        session.save(tmp_path / "work.sam.json")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.zeros((32, 64), np.uint32), "64 x 64 pixels, as the image has"),
        (np.zeros(HW, np.float32), "expected an array of integers"),
        (np.broadcast_to(np.uint32(0), HW), "cannot be written to"),
    ],
)
def test_labels_that_do_not_fit_are_refused(model, labels, words):
    with pytest.raises(AnnotationError, match=words):
        Session.open(IMAGE, model=model, labels=labels)


def test_something_else_in_the_place_of_labels_is_left_alone(model, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(AnnotationError, match="expected the folder of a zarr array"):
        Session.open(IMAGE, model=model, labels=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_every_step_is_on_the_disk_when_the_call_returns(session, tmp_path):
    session.accept(click(session, FIRST))
    path = session.save(tmp_path / "work.sam.json")
    assert state_on_disk(path) == state_of(session)
    steps = [
        lambda: session.accept(click(session, SECOND)),
        session.undo,
        session.undo,  # made before there was a file
        session.redo,
        session.redo,
        lambda: session.delete(1),
        session.save,
        session.undo,
    ]
    for step in steps:
        step()
        assert state_on_disk(path) == state_of(session)


def test_a_session_saved_under_another_name_goes_on_there(session, tmp_path):
    first, second = tmp_path / "first.sam.json", tmp_path / "second.sam.json"
    session.save(first)
    session.accept(click(session, FIRST))
    session.save(second)
    session.accept(click(session, SECOND))
    assert len(state_on_disk(first)[1]) == 1
    assert len(state_on_disk(second)[1]) == 2
    Session.replay(first, image=IMAGE, model=session.model).close()  # nobody holds it


def test_a_place_that_is_taken_changes_nothing(session, tmp_path):
    first, taken = tmp_path / "first.sam.json", tmp_path / "taken.sam.json"
    with Session.open(IMAGE, model=session.model) as other:
        other.save(taken)
    session.save(first)
    with pytest.raises(SessionFileError, match="exists"):
        session.save(taken)
    session.accept(click(session))
    assert len(state_on_disk(first)[1]) == 1
    assert session.save(taken, replacing=True) == taken


def test_a_session_without_a_file_asks_for_one(session):
    with pytest.raises(SessionFileError, match=r"session\.save\("):
        session.save()


def test_what_is_done_after_closing_is_not_in_the_file(session, tmp_path):
    path = session.save(tmp_path / "work.sam.json")
    session.close()
    session.accept(click(session))
    assert state_on_disk(path)[1] == []


def test_objects_are_exported_as_the_suffix_says(session, tmp_path):
    session.accept(click(session, FIRST))
    session.accept(click(session, SECOND))
    session.delete(1)
    path = session.export(tmp_path / "objects.geojson")
    features = json.loads(path.read_text())["features"]
    assert [feature["properties"]["label"] for feature in features] == [2]
    with pytest.raises(OutputError, match="suffix"):
        session.export(tmp_path / "objects.docx")

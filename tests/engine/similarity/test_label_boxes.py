"""Where objects are, after any edits, with no more reading than need be."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tilesam.annotation import ArrayTarget, Edit, EditHistory, ObjectRows, PixelChange
from tilesam.similarity import label_boxes
from tilesam.similarity.label_boxes import PlaneScan, touched

SIDE = 8
HW = (20, 21)


@pytest.fixture(scope="module", autouse=True)
def small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(label_boxes, "BLOCK_SIDE", SIDE)
        patch.setattr("tilesam.annotation.scanning.BLOCK_SIDE", SIDE)
        yield


class Reading(ArrayTarget):
    def __init__(self, array):
        super().__init__(array)
        self.read_blocks = []

    def read(self, slices):
        self.read_blocks.append(slices)
        return super().read(slices)


def look(scan):
    for block in scan.missing():
        scan.look_at(block)
    return scan.boxes


def by_hand(labels):
    names = np.unique(labels[labels > 0])
    extents = []
    for name in names:
        y, x = np.nonzero(labels == name)
        extents.append([y.min(), x.min(), y.max() + 1, x.max() + 1])
    return names, np.array(extents, np.int64).reshape(-1, 4)


def assert_is(boxes, labels):
    names, extents = by_hand(labels)
    assert_array_equal(boxes.labels, names)
    assert_array_equal(boxes.extents_yxyx, extents)


def test_an_object_in_several_blocks_has_one_box():
    labels = np.zeros(HW, np.uint32)
    labels[5:18, 6:10] = 3
    labels[0, 20] = 70_000
    boxes = look(PlaneScan(ArrayTarget(labels)))
    assert boxes.labels.tolist() == [3, 70_000]
    assert boxes.extents_yxyx.tolist() == [[5, 6, 18, 10], [0, 20, 1, 21]]


def test_only_the_plane_is_looked_at():
    labels = np.zeros((2, 3, *HW), np.uint8)
    labels[1, 2, 4:6, 4:6] = 9
    labels[0, 2, 1, 1] = 5
    target = Reading(labels)
    boxes = look(PlaneScan(target, (1, 2)))
    assert boxes.labels.tolist() == [9]
    assert len(target.read_blocks) == 9
    assert all(block[:2] == (slice(1, 2), slice(2, 3)) for block in target.read_blocks)


def test_a_blank_zarr_is_not_read(tmp_path):
    array = zarr.create_array(
        tmp_path / "labels.zarr", shape=(10**6, 10**6), chunks=(4096, 4096), dtype="u4"
    )
    assert PlaneScan(ArrayTarget(array)).missing() == []


def stroke(labels, y, x, hw, value):
    """Return the edit that fills a rectangle."""
    (y0, x0), (h, w) = (y, x), hw
    rows, columns = (index.ravel() for index in np.mgrid[y0 : y0 + h, x0 : x0 + w])
    before = labels[rows, columns]
    return Edit((PixelChange((rows, columns), before, np.asarray(value)),))


STROKES = st.lists(
    st.tuples(
        st.integers(0, 15),
        st.integers(0, 15),
        st.tuples(st.integers(1, 5), st.integers(1, 6)),
        st.integers(0, 4),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(STROKES)
def test_boxes_are_right_after_any_edits(strokes):
    labels = np.zeros(HW, np.uint16)
    labels[2:12, 2:12] = 1
    scan = PlaneScan(ArrayTarget(labels))
    history = EditHistory(scan.target, ObjectRows(foreign_highest=1))

    def on_change(change):
        scan.forget(touched(change.edit.changes, ())[1])

    history.changed.connect(on_change)
    assert_is(look(scan), labels)
    for y, x, hw, value, is_undone in strokes:
        history.do(stroke(labels, y, x, hw, value))
        if is_undone:
            history.undo()
        assert_is(look(scan), labels)


def test_after_an_edit_only_its_blocks_are_read():
    labels = np.zeros(HW, np.uint16)
    target = Reading(labels)
    scan = PlaneScan(target)
    look(scan)
    assert len(target.read_blocks) == 9
    edit = stroke(labels, 6, 17, (4, 2), 5)
    target.read_blocks.clear()
    _, blocks = touched(edit.changes, ())
    assert blocks == {(0, 2), (1, 2)}
    scan.forget(blocks)
    look(scan)
    assert target.read_blocks == [
        (slice(0, 8), slice(16, 21)), (slice(8, 16), slice(16, 21))
    ]  # fmt: skip


def test_an_edit_tells_which_objects_of_the_plane_it_touched():
    planes = np.array([0, 0, 1, 1])
    rows, columns = np.array([1, 2, 3, 4]), np.array([1, 1, 9, 9])
    change = PixelChange((planes, rows, columns), np.array([4, 0, 6, 6]), [0, 5, 7, 0])
    assert touched([change], (0,)) == ({0, 4, 5}, {(0, 0)})
    assert touched([change], (1,)) == ({0, 6, 7}, {(0, 1)})
    assert touched([change], (2,)) == (set(), set())

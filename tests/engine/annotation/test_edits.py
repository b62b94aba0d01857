from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam.annotation import Edit, ObjectRow, PixelChange
from tilesam.annotation.packing import edit_to_plain, pack_edit
from tilesam.errors import AnnotationError

ROW = ObjectRow(
    5, "points", 3, ((0, 4), (2, 9)), predicted_iou=0.1, stability_score=1 / 3
)

strokes = st.lists(st.tuples(*(st.integers(0, 4),) * 3, st.integers(0, 3)), max_size=30)


def painted_in_turn(stroke):
    """Return an array, the stroke's change, and the array after it."""
    array = np.random.default_rng(0).integers(0, 4, (5, 5, 5), np.uint16)
    before, after = array.copy(), array.copy()
    was = []
    for *place, label in stroke:
        was.append(after[tuple(place)])
        after[tuple(place)] = label
    columns = np.array(stroke, np.int64).reshape(-1, 4).T
    return (
        before,
        PixelChange(tuple(columns[:3]), np.array(was, np.uint16), columns[3]),
        after,
    )


def apply(change, array):
    array = array.copy()
    assert (array[change.indices] == change.before).all()
    array[change.indices] = change.after
    return array


@given(strokes)
def test_a_pixel_painted_several_times_changes_once(stroke):
    before, change, after = painted_in_turn(stroke)
    assert (apply(change, before) == after).all()
    assert (apply(change.inverted(), after) == before).all()
    assert len(change) == np.count_nonzero(before != after)


@given(strokes, strokes)
def test_packed_and_unpacked_an_edit_is_the_same(first, second):
    changes = (painted_in_turn(first)[1], painted_in_turn(second)[1])
    edit = Edit(changes, {5: (None, ROW), 6: (ROW, None)}, "paint")
    unpacked = pack_edit(edit).unpack()
    assert edit_to_plain(unpacked) == edit_to_plain(edit)
    assert unpacked.rows == edit.rows
    for one, other in zip(unpacked.changes, edit.changes, strict=True):
        if len(other):
            assert np.array_equal(one.indices, other.indices)
        assert one.before.dtype == other.before.dtype
        assert one.after.tolist() == other.after.tolist()


def test_labels_of_64_bits_survive():
    most = 2**64 - 1
    change = PixelChange(([1], [2]), np.array([most], np.uint64), np.uint64(2**63))
    unpacked = pack_edit(Edit((change,))).unpack().changes[0]
    assert (int(unpacked.before[0]), int(unpacked.after[0])) == (most, 2**63)


def test_the_inverse_of_two_changes_of_one_pixel_goes_backwards():
    place = (np.array([0]), np.array([0]))
    steps = [
        PixelChange(place, np.array([a], np.uint8), b) for a, b in ((0, 1), (1, 2))
    ]
    inverted = Edit(tuple(steps), {5: (None, ROW)}).inverted()
    assert [int(change.after[0]) for change in inverted.changes] == [1, 0]
    assert inverted.rows == {5: (ROW, None)}


def test_an_object_takes_little_and_a_stroke_across_a_huge_image_too():
    y, x = np.nonzero(np.hypot(*np.mgrid[-15:16, -15:16]) < 15)
    nucleus = PixelChange((y, x), np.zeros(len(y), np.uint32), np.asarray(7))
    assert pack_edit(Edit((nucleus,))).nbytes < 500
    line = np.arange(0, 100_000, 10)
    stroke = PixelChange((line, line), np.zeros(len(line), np.uint32), np.asarray(7))
    packed = pack_edit(Edit((stroke,)))
    assert packed.nbytes < 20 * len(line)
    assert np.array_equal(packed.unpack().changes[0].indices, stroke.indices)


@pytest.mark.parametrize(
    ("indices", "before", "after", "message"),
    [
        (([1, 2], [1, 2, 3]), [0, 0], 1, "expected one length"),
        (([-1], [0]), [0], 1, "negative"),
        (([1],), [0], 1, "1 index arrays"),
        (([1], [1]), np.zeros(1, np.uint8), 256, "do not fit uint8"),
        (([1], [1]), np.zeros(1, np.uint8), -1, "do not fit uint8"),
        (([1], [1]), np.zeros(1, np.float32), 1, "do not fit float32"),
    ],
)
def test_what_is_no_change_is_refused(indices, before, after, message):
    with pytest.raises(AnnotationError, match=message):
        PixelChange(indices, before, after)

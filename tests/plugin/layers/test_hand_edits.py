"""What napari's tools report becomes one change that can be taken back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.layers import Labels

from napari_sam.layers.hand_edits import paint_to_change
from tilesam.errors import AnnotationError

SHAPE = 2, 12, 16


def strokes():
    """Return lists of things that a user, or a script, does to a labels layer."""
    place = st.tuples(st.integers(0, 1), st.integers(0, 11), st.integers(0, 15))
    label = st.integers(0, 3)
    brush = st.tuples(st.just("paint"), place, label, st.integers(1, 7))
    bucket = st.tuples(st.just("fill"), place, label)
    pixels = st.tuples(
        st.just("set"), st.lists(place, min_size=1, max_size=4, unique=True), label
    )
    polygon = st.tuples(
        st.just("polygon"), st.lists(place, min_size=3, max_size=5), label
    )
    return st.lists(st.one_of(brush, bucket, pixels, polygon), min_size=1, max_size=6)


def perform(layer: Labels, action) -> None:
    kind, where, label, *rest = action
    if kind == "paint":
        layer.brush_size = rest[0]
        layer.paint(where, label)
    elif kind == "fill":
        layer.fill(where, label)
    elif kind == "polygon":
        layer.paint_polygon([(where[0][0], y, x) for _, y, x in where], label)
    else:
        layer.data_setitem(
            tuple(np.array(axis) for axis in zip(*where, strict=True)), label
        )


@given(strokes(), st.integers(0, 2**32))
def test_a_stroke_is_one_change_from_what_was_to_what_is(stroke, seed):
    labels = np.random.default_rng(seed).integers(0, 3, SHAPE).astype(np.uint16)
    before = labels.copy()
    layer, values = Labels(labels), []
    layer.events.paint.connect(lambda event: values.append(event.value))

    with layer.block_history():
        for action in stroke:
            perform(layer, action)
    changes = [paint_to_change(value) for value in values]

    replayed = before.copy()
    for change in filter(None, changes):
        np.testing.assert_array_equal(replayed[change.indices], change.before)
        replayed[change.indices] = change.after
        assert change.before.dtype == np.uint16
    np.testing.assert_array_equal(replayed, labels)
    assert len(values) <= 1


def test_a_rectangle_without_a_mask_is_all_of_it():
    layer, values = Labels(np.zeros((3, 4), np.uint8)), []
    layer.events.paint.connect(lambda event: values.append(event.value))

    layer.fill((1, 1), 5)

    change = paint_to_change(values[0])
    assert len(change) == 12
    assert set(change.after) == {5}


def test_a_stroke_that_ends_where_it_began_is_none():
    layer, values = Labels(np.zeros((3, 4), np.uint8)), []
    layer.events.paint.connect(lambda event: values.append(event.value))

    with layer.block_history():
        layer.paint((1, 1), 5)
        layer.paint((1, 1), 0)

    assert paint_to_change(values[0]) is None
    assert paint_to_change([]) is None


def test_an_unknown_form_is_named():
    with pytest.raises(AnnotationError, match="reports a stroke as dict; expected"):
        paint_to_change([{}])

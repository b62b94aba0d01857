from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.annotation.making import (
    SHAPE,
    actions,
    box,
    build_bench,
    foreign_labels,
    noon,
    paint_foreign,
)
from tilesam.annotation import ArrayTarget, Edit, EditHistory, ObjectRows, PixelChange
from tilesam.annotation.packing import pack_edit
from tilesam.errors import AnnotationError, SessionFileError

scripts = st.lists(actions, max_size=12)


def accept(bench, *place, **options):
    edit = bench.objects.accept(box(2, 2, place), clock=noon, **options)
    bench.history.do(edit)
    return edit


@given(foreign_labels, scripts)
def test_undoing_everything_is_identity_and_redoing_it_too(foreign, script):
    bench = build_bench(paint_foreign(foreign))
    before = bench.labels.copy()
    for action in script:
        bench.act(action)
    after = bench.state
    undone = 0
    while bench.history.undo() is not None:
        undone += 1
    assert (bench.labels == before).all()
    assert not list(bench.rows)
    for _ in range(undone):
        bench.history.redo()
    assert bench.state == after


@given(foreign_labels, scripts)
def test_rows_follow_the_pixels(foreign, script):
    bench = build_bench(paint_foreign(foreign))
    for action in script:
        bench.act(action)
        for row in bench.rows:
            assert row.area == np.count_nonzero(bench.labels == row.label) > 0
            inside = bench.labels[tuple(slice(*axis) for axis in row.extent)]
            assert row.area == np.count_nonzero(inside == row.label)
        assert bench.rows.next_label not in bench.labels
        assert bench.rows.next_label > bench.labels.max()


@given(foreign_labels, scripts)
def test_foreign_labels_are_untouched_under_keep(foreign, script):
    bench = build_bench(paint_foreign(foreign))
    before = bench.labels.copy()
    for action in script:
        if action[0] == "accept":
            # A label of theirs would ask to add to their object.
            bench.act((*action[:4], "keep", None))
        elif action[0] in ("undo", "redo"):
            bench.act(action)
        for label in np.unique(before[before > 0]):
            assert ((bench.labels == label) == (before == label)).all()


@given(foreign_labels, scripts)
def test_what_a_recorder_was_told_makes_the_same_again(foreign, script):
    told = []
    bench = build_bench(paint_foreign(foreign), record=lambda *step: told.append(step))
    for action in script:
        bench.act(action)
    again = build_bench(paint_foreign(foreign))
    for kind, step in told:
        again.history.repeat(kind, step)
    assert again.state == bench.state
    # A zarr array may have the latest already: then it is the same all the more.
    labels = bench.labels.copy()
    rows = ObjectRows(foreign_highest=again.rows.foreign_highest)
    over = EditHistory(ArrayTarget(labels), rows)
    for kind, step in told:
        over.repeat(kind, step)
    assert (labels == bench.labels).all()
    assert list(rows) == list(bench.rows)


def test_hand_edits_and_accepted_masks_are_one_history():
    bench = build_bench()
    accept(bench, 0, 0)
    bench.act(("draw", 0, (1, 1), (2, 2), 1))
    bench.act(("draw", 0, (0, 0), (1, 4), 0))  # the eraser
    accept(bench, 5, 5)
    assert [row.area for row in bench.rows] == [5, 4]
    assert bench.history.undo_names == [
        "accept object 2", "paint", "paint", "accept object 1"
    ]  # fmt: skip
    bench.history.undo()
    bench.history.undo()
    assert [row.area for row in bench.rows] == [7]
    assert bench.history.redo_names == ["paint", "accept object 2"]


def test_listeners_hear_what_was_applied():
    bench = build_bench()
    heard = []
    bench.history.changed.connect(heard.append)
    accept(bench, 0, 0)
    bench.history.undo()
    bench.history.redo()
    assert [change.kind for change in heard] == ["do", "undo", "redo"]
    assert [change.edit.changes[0].after[0] for change in heard] == [1, 0, 1]
    assert (bench.history.can_undo, bench.history.can_redo) == (True, False)


def test_nothing_to_undo_is_none_and_nothing_done_is_no_step():
    history = build_bench().history
    assert history.undo() is None
    assert history.redo() is None
    history.do(Edit())
    history.note(Edit((PixelChange(([0], [0]), [3], 3),)))
    assert not history.can_undo


def test_a_new_edit_forgets_what_was_undone():
    bench = build_bench()
    accept(bench, 0, 0)
    bench.history.undo()
    accept(bench, 4, 4)
    assert not bench.history.can_redo


def test_depth_and_bytes_bound_what_is_kept():
    bench = build_bench(depth=2)
    for y in (0, 2, 4):
        accept(bench, y, 0)
    assert bench.history.undo_names == ["accept object 3", "accept object 2"]
    one = pack_edit(accept(bench, 0, 4)).nbytes

    bench = build_bench(max_bytes=2 * one + 20)
    for y in (0, 2, 4):
        accept(bench, y, 0)
    assert bench.history.undo_names == ["accept object 3", "accept object 2"]
    assert bench.history.nbytes <= 2 * one + 20
    bench = build_bench(max_bytes=1)
    accept(bench, 0, 0)
    assert bench.history.undo_names == ["accept object 1"]
    bench.history.undo()
    assert bench.history.redo_names == ["accept object 1"]
    with pytest.raises(AnnotationError, match="depth is 0"):
        build_bench(depth=0)


def test_an_edit_planned_before_another_one_is_refused():
    bench = build_bench()
    first, second = (bench.objects.accept(box(2, 2, (y, 0))) for y in (0, 5))
    bench.history.do(first)
    before = bench.state
    with pytest.raises(AnnotationError, match="object 1 as it was earlier"):
        bench.history.do(second)
    assert bench.state == before


class FullArray(ArrayTarget):
    """Takes one write, and every later one by half."""

    def __init__(self, array, writes):
        super().__init__(array)
        self.writes = writes

    def write(self, indices, values):
        self.writes -= 1
        if self.writes == -1:
            half = len(values) // 2
            super().write(tuple(index[:half] for index in indices), values[:half])
            raise OSError("full")
        super().write(indices, values)


@pytest.mark.parametrize("kind", ["do", "undo", "redo"])
def test_labels_that_cannot_be_written_are_left_as_they_were(kind):
    labels, rows, told = np.zeros(SHAPE[1:], np.uint8), ObjectRows(), []
    target = FullArray(labels, {"do": 1, "undo": 3, "redo": 5}[kind])
    history = EditHistory(target, rows, record=lambda *step: told.append(step[0]))
    changes = (
        PixelChange(([0, 0], [0, 1]), np.zeros(2, np.uint8), 1),
        PixelChange(([0, 0], [1, 2]), np.array([1, 0], np.uint8), 2),
    )
    edit = Edit(changes)
    if kind != "do":
        history.do(edit)
    if kind == "redo":
        history.undo()
    before = labels.copy(), history.undo_names, history.redo_names
    with pytest.raises(OSError, match="full"):
        history.do(edit) if kind == "do" else getattr(history, kind)()
    assert (labels == before[0]).all()
    assert (history.undo_names, history.redo_names) == before[1:]
    # Whoever reads the record does it and takes it back.
    assert told[-2:] == {
        "do": ["do", "undo"], "undo": ["undo", "redo"], "redo": ["redo", "undo"]
    }[kind]  # fmt: skip


def test_what_cannot_be_recorded_is_not_done():
    def refuse(*_):
        raise SessionFileError("full")

    bench = build_bench(record=refuse)
    with pytest.raises(SessionFileError):
        accept(bench, 0, 0)
    assert not bench.labels.any()
    assert not bench.history.can_undo
    with pytest.raises(SessionFileError):  # but what was drawn is there
        bench.act(("draw", 0, (0, 0), (2, 2), 1))
    assert bench.history.can_undo
    assert len(bench.rows) == 1


class StrokeInTheMiddle(ArrayTarget):
    """Reports a stroke while something else is written, as a viewer might."""

    report = staticmethod(lambda: None)

    def write(self, indices, values):
        report, self.report = self.report, lambda: None
        report()
        super().write(indices, values)


@pytest.mark.parametrize("kind", ["do", "undo"])
def test_a_stroke_in_the_middle_of_an_edit_mixes_nothing_up(kind):
    labels, told = np.zeros(SHAPE[1:], np.uint8), []
    target, rows = StrokeInTheMiddle(labels), ObjectRows()
    history = EditHistory(target, rows, record=lambda *step: told.append(step[0]))
    edit = Edit((PixelChange(([0], [0]), np.zeros(1, np.uint8), 1),), name="edit")
    stroke = Edit((PixelChange(([5], [5]), np.zeros(1, np.uint8), 2),), name="stroke")
    history.do(edit)
    names = history.undo_names, history.redo_names
    target.report = lambda: history.note(stroke)
    with pytest.raises(AnnotationError, match="end the stroke first"):
        history.do(edit) if kind == "do" else history.undo()
    assert (history.undo_names, history.redo_names) == names
    assert labels[0, 0] == 1 or kind == "do"
    history.note(stroke)
    assert history.undo_names == ["stroke", "edit"]


def test_labels_drawn_without_a_row_are_never_given_to_others():
    bench = build_bench()
    bench.labels[0, 0, 0] = 7
    bench.history.note(Edit((PixelChange(([0], [0], [0]), [0], 7),)))
    assert accept(bench, 3, 3).rows.keys() == {8}

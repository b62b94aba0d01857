"""Accepting all objects at once is accepting them one after the other, in one step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.engine.annotation.making import (
    SHAPE,
    build_bench,
    build_candidate,
    foreign_labels,
    noon,
    paint_foreign,
)
from tilesam.annotation import OverlapQuestion, accept_all, many_objects
from tilesam.annotation.many_objects import delete_all
from tilesam.annotation.targets import OnlyLabels
from tilesam.errors import AnnotationError

found_labels = hnp.arrays(np.uint32, (5, 6), elements=st.sampled_from([0, 0, 3, 7, 9]))
offsets = st.tuples(st.integers(0, SHAPE[1] - 5), st.integers(0, SHAPE[2] - 6))


def one_by_one(bench, found, offset_yx, policy) -> None:
    for name in np.unique(found[found != 0]):
        candidate = build_candidate(found == name, offset_yx)
        try:
            edit = bench.objects.accept(
                candidate, policy=policy, prompt_kind="everything", clock=noon
            )
        except AnnotationError:
            continue  # nothing of it is left
        bench.history.do(edit)


@settings(max_examples=150)
@given(foreign_labels, found_labels, offsets, st.sampled_from(["keep", "overwrite"]))
def test_it_is_as_one_by_one(foreign, found, offset_yx, policy):
    bench, oracle = (build_bench(paint_foreign(foreign)) for _ in range(2))
    for each in (bench, oracle):
        each.act(("accept", 0, (1, 1), (3, 3), "overwrite", None))
        each.objects.plane = (0,)
    one_by_one(oracle, found, offset_yx, policy)
    try:
        edit = accept_all(bench.objects, found, offset_yx, policy=policy, clock=noon)
    except AnnotationError as error:
        assert "nothing to accept" in str(error)  # noqa: PT017
    else:
        before = bench.labels.tolist(), list(bench.rows)
        bench.history.do(edit)
        # One by one leaves scores of the candidate; here none were given.
        rows = [
            replace(row, predicted_iou=None, stability_score=None)
            if row.prompt_kind == "everything"
            else row
            for row in oracle.rows
        ]
        assert list(bench.rows) == rows
        assert bench.labels.tolist() == oracle.labels.tolist()
        bench.history.undo()
        assert (bench.labels.tolist(), list(bench.rows)) == before


def test_scores_and_provenance_are_in_the_rows():
    bench = build_bench()
    found = np.zeros((3, 4), np.uint32)
    found[0], found[2, 1:] = 5, 8
    scores = {5: (0.75, 0.5), 8: (float("nan"), 0.25)}
    edit = accept_all(
        bench.objects, found, (2, 3), scores=scores, model_name="tiny", clock=noon
    )
    bench.history.do(edit)
    first, second = bench.rows
    assert edit.name == "accept 2 objects"
    assert (first.label, first.area, first.extent) == (1, 4, ((0, 1), (2, 3), (3, 7)))
    assert (first.predicted_iou, first.stability_score) == (0.75, 0.5)
    assert (second.predicted_iou, second.stability_score) == (None, 0.25)
    assert second.extent == ((0, 1), (4, 5), (4, 7))
    assert {first.prompt_kind, second.prompt_kind} == {"everything"}
    assert first.model_name == "tiny"


def test_somebody_is_asked_where_they_lie_on_others():
    bench = build_bench(paint_foreign([(0, (0, 0), (2, 2), 4)]))
    with pytest.raises(OverlapQuestion) as asked:
        accept_all(bench.objects, np.ones((2, 5), np.uint8), policy="ask")
    assert (asked.value.labels, asked.value.pixels) == ((4,), 4)


def test_what_does_not_fit_is_refused(monkeypatch):
    bench, found = build_bench(), np.ones((3, 3), np.uint8)
    with pytest.raises(AnnotationError, match="choose labels of the image's size"):
        accept_all(bench.objects, found, (7, 0))
    with pytest.raises(AnnotationError, match="nothing to accept"):
        accept_all(bench.objects, np.zeros((3, 3), np.uint8))
    bench.rows.foreign_highest = 65535
    with pytest.raises(AnnotationError, match="convert the labels to uint32"):
        accept_all(bench.objects, found)
    monkeypatch.setattr(many_objects, "MOST_PIXELS", 8)
    with pytest.raises(AnnotationError, match="smaller region, or export"):
        accept_all(bench.objects, found)


def with_objects():
    """Return a bench with two accepted objects on planes of their own."""
    bench = build_bench()
    for label, plane in ((1, 0), (2, 1)):
        bench.objects.plane = (plane,)
        candidate = build_candidate(np.ones((2, 3)), (2 * label, 3))
        bench.history.do(bench.objects.accept(candidate, label=label, clock=noon))
    return bench


def test_many_are_deleted_in_one_step_and_come_back():
    bench = with_objects()
    bench.labels[0, 8, :4] = 90  # of somebody else
    before, rows = bench.labels.copy(), list(bench.rows)
    edit = delete_all(bench.objects, [1, 90], {90: ((0, 1), (8, 9), (0, 11))})
    assert edit.name == "delete 2 objects"
    assert len(edit.changes) == 1
    bench.history.do(edit)
    np.testing.assert_array_equal(bench.labels, np.where(before == 2, 2, 0))
    assert [row.label for row in bench.rows] == [2]
    bench.history.undo()
    np.testing.assert_array_equal(bench.labels, before)
    assert list(bench.rows) == rows


@settings(max_examples=50)
@given(foreign_labels, st.sets(st.integers(1, 9), min_size=1))
def test_deleting_many_is_deleting_one_by_one(foreign, labels):
    bench, oracle = (build_bench(paint_foreign(foreign)) for _ in range(2))
    there = sorted(labels & set(np.unique(bench.labels).tolist()))
    whole = tuple((0, side) for side in SHAPE)
    for label in there:
        oracle.history.do(oracle.objects.delete(label, extent=whole))
    if there:
        edit = delete_all(bench.objects, there, dict.fromkeys(there, whole))
        bench.history.do(edit)
    np.testing.assert_array_equal(bench.labels, oracle.labels)


@pytest.mark.parametrize(
    ("labels", "words"), [([], "nothing to delete"), ([1, 77], "no object 77")]
)
def test_what_is_not_there_cannot_be_deleted(labels, words):
    bench = with_objects()
    before = bench.labels.copy()
    with pytest.raises(AnnotationError, match=words):
        delete_all(bench.objects, labels, {})
    np.testing.assert_array_equal(bench.labels, before)


def test_some_objects_are_read_as_if_there_were_no_others():
    bench = with_objects()
    only = OnlyLabels(bench.objects.target, [2, 50])
    whole = tuple(slice(0, side) for side in SHAPE)
    assert only.shape == SHAPE
    read = only.read(whole)
    assert read.dtype == bench.labels.dtype
    np.testing.assert_array_equal(read, np.where(bench.labels == 2, 2, 0))
    assert bench.labels.max() == 2

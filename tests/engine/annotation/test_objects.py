from __future__ import annotations

import numpy as np
import pytest

from tests.engine.annotation.making import (
    box,
    build_bench,
    build_candidate,
    build_prompts,
    noon,
)
from tilesam.annotation import (
    ArrayTarget,
    ObjectLabels,
    ObjectRow,
    ObjectRows,
    OverlapQuestion,
    find_extent,
    highest_label,
    scan_labels,
)
from tilesam.errors import AnnotationError


@pytest.fixture
def bench():
    """Return labels with a foreign object 3 in a corner of the first plane."""
    labels = np.zeros((2, 9, 11), np.uint16)
    labels[0, :3, :3] = 3
    return build_bench(labels)


def accept(bench, candidate, **options):
    edit = bench.objects.accept(candidate, build_prompts(), clock=noon, **options)
    bench.history.do(edit)
    return edit


def test_a_mask_is_painted_and_known(bench):
    bench.objects.plane = (1,)
    mask = [[0, 1, 1], [1, 1, 0]]
    edit = accept(bench, build_candidate(mask, (4, 5)), model_name="tiny")
    assert bench.labels[1, 4:6, 5:8].tolist() == [[0, 4, 4], [4, 4, 0]]
    assert np.count_nonzero(bench.labels) == 9 + 4
    assert list(bench.rows) == [
        ObjectRow(
            label=4,
            prompt_kind="points",
            area=4,
            extent=((1, 2), (4, 6), (5, 8)),
            predicted_iou=0.9,
            stability_score=0.8,
            model_name="tiny",
            created="2026-01-02T12:00:00+00:00",
            points_yx=((3.0, 4.5),),
            point_labels=(1,),
        )
    ]
    assert bench.rows.get(4).plane == (1,)
    assert edit.name == "accept object 4"


@pytest.mark.parametrize(
    ("prompts", "kind"),
    [
        (None, "unknown"),
        (build_prompts(), "points"),
        (build_prompts((), [(0, 0, 3, 3)]), "box"),
        (build_prompts([(1, 1)], [(0, 0, 3, 3), (1, 1, 5, 5)]), "points+boxes"),
        (build_prompts(()), "mask"),
    ],
)
def test_the_kind_of_prompt_is_named(bench, prompts, kind):
    edit = bench.objects.accept(box(1, 1, (5, 5)), prompts)
    assert edit.rows[4][1].prompt_kind == kind
    edit = bench.objects.accept(box(1, 1, (5, 5)), prompts, prompt_kind="text")
    assert edit.rows[4][1].prompt_kind == "text"


def test_keep_paints_what_is_free(bench):
    accept(bench, box(4, 4, (0, 0)))
    assert np.count_nonzero(bench.labels == 3) == 9
    assert bench.rows.get(4).area == 16 - 9
    with pytest.raises(AnnotationError, match="other objects have all pixels"):
        accept(bench, box(4, 4, (0, 0)))
    assert len(bench.rows) == 1


def test_overwrite_takes_pixels_and_tells_their_owners_rows(bench):
    accept(bench, box(2, 2, (5, 5)))
    accept(bench, box(3, 2, (4, 4)), policy="overwrite")
    assert bench.rows.get(4).area == 2
    accept(bench, box(4, 4, (4, 4)), policy="overwrite")
    assert [row.label for row in bench.rows] == [6]  # nothing was left of 4 and 5
    bench.history.undo()
    assert [(row.label, row.area) for row in bench.rows] == [(4, 2), (5, 6)]


def test_ask_asks_only_when_there_is_something_to_ask(bench):
    bench.objects.policy = "ask"
    accept(bench, box(2, 2, (5, 5)))
    with pytest.raises(OverlapQuestion, match="5 pixel") as caught:
        accept(bench, box(5, 5, (2, 2)))
    assert (caught.value.labels, caught.value.pixels) == ((3, 4), 5)
    accept(bench, box(5, 5, (2, 2)), policy="keep")
    assert bench.rows.get(5).area == 25 - 5


def test_a_mask_can_be_added_to_an_object(bench):
    accept(bench, box(2, 2, (5, 5)))
    accept(bench, box(3, 3, (5, 5)), label=4)
    assert bench.rows.get(4).area == 9
    assert bench.rows.get(4).extent == ((0, 1), (5, 8), (5, 8))
    with pytest.raises(AnnotationError, match="object 4 has all pixels"):
        accept(bench, box(3, 3, (5, 5)), label=4)


def test_of_foreign_objects_nothing_is_claimed_to_be_known(bench):
    edit = accept(bench, box(4, 4, (0, 0)), label=3)
    assert edit.rows == {}
    assert np.count_nonzero(bench.labels == 3) == 16
    bench.act(("draw", 0, (0, 0), (1, 1), 0))
    bench.act(("draw", 0, (8, 8), (1, 1), 3))
    assert not len(bench.rows)


def test_what_is_drawn_with_a_new_label_gets_a_row(bench):
    bench.act(("draw", 1, (2, 2), (2, 3), 4))
    assert list(bench.rows) == [
        ObjectRow(
            4, "hand", 6, ((1, 2), (2, 4), (2, 5)), created="2026-01-02T12:00:00+00:00"
        )
    ]
    bench.act(("draw", 0, (5, 5), (1, 1), 4))
    assert bench.rows.get(4).extent == ((0, 2), (2, 6), (2, 6))
    bench.history.do(bench.objects.delete(4))  # from both planes
    assert np.unique(bench.labels).tolist() == [0, 3]


def test_an_object_is_deleted_whole_and_alone(bench):
    accept(bench, box(2, 2, (5, 5)))
    accept(bench, box(2, 2, (6, 6)))
    bench.history.do(bench.objects.delete(4))
    assert np.unique(bench.labels).tolist() == [0, 3, 5]
    assert np.count_nonzero(bench.labels == 5) == 3
    with pytest.raises(AnnotationError, match="no object 4 with a row"):
        bench.objects.delete(4)


def test_foreign_objects_are_deleted_and_renamed_where_they_are(bench):
    extent = find_extent(bench.labels, 3)
    assert extent == ((0, 1), (0, 3), (0, 3))
    assert find_extent(bench.labels, 9) is None
    bench.history.do(bench.objects.relabel(3, extent=extent))
    assert highest_label(bench.labels) == 4
    assert bench.rows.next_label == 5
    with pytest.raises(AnnotationError, match="no object 3 in"):
        bench.objects.delete(3, extent=extent)
    bench.history.do(bench.objects.delete(4, extent=extent))
    assert not bench.labels.any()


def test_a_label_changes_with_its_row(bench):
    accept(bench, box(2, 2, (5, 5)))
    bench.history.do(bench.objects.relabel(4, 9))
    assert np.unique(bench.labels).tolist() == [0, 3, 9]
    assert [row.label for row in bench.rows] == [9]
    for label, message in (
        (9, "in use"),
        (3, "in use"),
        (0, "has room for 1 to 65535"),
    ):
        with pytest.raises(AnnotationError, match=message):
            bench.objects.relabel(9, label)


@pytest.mark.parametrize(
    ("candidate", "options", "message"),
    [
        (build_candidate(np.zeros((0, 0))), {}, "mask is empty"),
        (build_candidate(np.zeros((2, 2))), {}, "mask is empty"),
        (box(3, 3, (7, 0)), {}, "labels have 9 x 11 pixels"),
        (box(3, 3, (0, -1)), {}, "labels have 9 x 11 pixels"),
        (box(1, 1, (5, 5)), {"label": 0}, "has room for 1 to 65535"),
        (box(1, 1, (5, 5)), {"label": 65536}, "has room for 1 to 65535"),
        (box(1, 1, (5, 5)), {"policy": "guess"}, "policy is 'guess'"),
    ],
)
def test_what_cannot_be_accepted_is_said(bench, candidate, options, message):
    with pytest.raises(AnnotationError, match=message):
        bench.objects.accept(candidate, **options)


@pytest.mark.parametrize("plane", [(), (2,), (-1,), (0, 0)])
def test_there_has_to_be_such_a_plane(bench, plane):
    with pytest.raises(AnnotationError, match=r"expected 1 position.* within \(2,\)"):
        bench.objects.plane = plane


def test_a_full_label_array_is_told():
    labels = np.zeros((4, 4), np.uint8)
    labels[0, 0] = 255
    objects = build_bench(labels).objects
    with pytest.raises(AnnotationError, match="uint8 has room for 1 to 255; expected"):
        objects.accept(box(1, 1, (2, 2)))


def test_a_score_that_a_network_did_not_have_is_none(bench):
    candidate = box(1, 1, (5, 5))
    object.__setattr__(candidate, "predicted_iou", float("nan"))
    accept(bench, candidate)
    assert bench.rows.get(4).predicted_iou is None
    columns = bench.rows.columns()
    assert np.isnan(columns["predicted_iou"]).tolist() == [True]
    assert columns["label"].tolist() == [4]
    assert columns["prompt_kind"].tolist() == ["points"]
    assert {len(column) for column in columns.values()} == {1}
    assert {len(column) for column in ObjectRows().columns().values()} == {0}


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 3)), "float64"),
        (np.zeros(3, np.uint8), "rows and columns"),
        ([[0, 1]], "list of None"),
        (np.broadcast_to(np.uint8(0), (3, 3)), "cannot be written"),
    ],
)
def test_what_is_no_label_array_is_refused(array, message):
    with pytest.raises(AnnotationError, match=message):
        ArrayTarget(array)


def test_dask_arrays_take_no_labels():
    import dask.array as da

    with pytest.raises(AnnotationError, match="cannot be written"):
        ArrayTarget(da.zeros((3, 3), dtype=np.uint8))


def test_looking_through_labels_says_how_far_it_is(monkeypatch):
    monkeypatch.setattr("tilesam.annotation.scanning.BLOCK_SIDE", 4)
    labels = np.arange(2 * 6 * 5, dtype=np.int32).reshape(2, 6, 5)
    scans = list(scan_labels(labels))
    assert [(scan.done, scan.total) for scan in scans] == [(n, 8) for n in range(1, 9)]
    assert scans[-1].highest == highest_label(labels) == 59
    with pytest.raises(AnnotationError, match="60 pixels"):
        highest_label(labels, max_pixels=59)


def test_objects_need_a_plane_of_a_stack():
    with pytest.raises(AnnotationError, match="plane"):
        ObjectLabels(ArrayTarget(np.zeros((2, 3, 3), np.uint8)), ObjectRows())

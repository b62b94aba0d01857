"""Provenance that stays with a layer, and columns of other people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_sam.layers.label_features import joined_features, read_rows
from tilesam.annotation import scanning
from tilesam.annotation.rows import ObjectRow, ObjectRows

label_arrays = hnp.arrays(
    np.uint16, st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9)),
    elements=st.integers(0, 5),
)  # fmt: skip


def read(array, features, remembered=None) -> ObjectRows:
    work = read_rows(array, features, remembered)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def features_of(*labels: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "index": labels,
            "prompt_kind": ["everything"] * len(labels),
            "predicted_iou": [label / 10 for label in labels],
            "stability_score": [np.nan] * len(labels),
            "model_name": ["tiny"] * len(labels),
        }
    )


@settings(max_examples=60)
@given(label_arrays, st.sets(st.integers(1, 6)), st.sampled_from([4, 100]))
def test_rows_are_those_of_labels_that_features_know(array, known, side):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning, "BLOCK_SIDE", side)
        rows = read(array, features_of(*sorted(known)))
    there = set(np.unique(array)) - {0}
    assert {row.label for row in rows} == there & known
    assert rows.foreign_highest == max(there - known, default=0)
    for row in rows:
        places = np.nonzero(array == row.label)
        assert row.area == len(places[0])
        bounds = tuple((int(at.min()), int(at.max()) + 1) for at in places)
        assert row.extent == bounds
        assert (row.prompt_kind, row.model_name) == ("everything", "tiny")
        assert row.predicted_iou == pytest.approx(row.label / 10)
        assert row.stability_score is None


def test_without_provenance_all_labels_are_foreign():
    array = np.array([[0, 3], [7, 7]])
    for features in (pd.DataFrame(), pd.DataFrame({"index": [3, 7], "area": [1, 2]})):
        rows = read(array, features)
        assert (len(rows), rows.foreign_highest) == (0, 7)


def test_an_empty_zarr_is_not_read():
    array = zarr.create_array({}, shape=(10**6, 10**6), chunks=(512, 512), dtype="u4")
    assert read(array, pd.DataFrame()).next_label == 1


def test_what_was_asked_is_remembered_of_what_has_not_changed():
    array = np.array([[1, 1, 2], [0, 2, 2]])
    first, second = read(array, features_of(1, 2))
    asked = {1: replace(first, points_yx=((0.0, 1.0),)), 2: replace(second, area=99)}
    again = read(array, features_of(1, 2), asked)
    assert again.get(1).points_yx == ((0.0, 1.0),)
    assert again.get(2).points_yx == ()
    assert again.get(2).area == 3


def test_columns_of_others_stay_with_their_labels():
    row = ObjectRow(2, "points", 5, ((0, 1), (0, 5)), predicted_iou=0.5)
    others = pd.DataFrame({"index": [1, 2], "colour": ["red", "green"], "area": [9, 9]})
    joined = joined_features(ObjectRows([row]), others).set_index("index")
    assert joined["colour"].to_dict() == {1: "red", 2: "green"}
    assert joined.loc[2, "area"] == 5
    assert joined.loc[2, "prompt_kind"] == "points"
    assert pd.isna(joined.loc[1, "prompt_kind"])
    # Once more, after the object was taken back.
    taken_back = joined_features(ObjectRows(), joined.reset_index())
    assert taken_back.set_index("index")["colour"].to_dict() == {1: "red", 2: "green"}


def test_rows_that_are_gone_leave_nothing_behind():
    row = ObjectRow(2, "points", 5, ((0, 1), (0, 5)))
    features = joined_features(ObjectRows([row]), pd.DataFrame())
    assert list(features["index"]) == [2]
    assert len(joined_features(ObjectRows(), features)) == 0

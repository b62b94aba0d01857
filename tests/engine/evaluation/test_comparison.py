"""Two results, groups of images, corrected masks and collections, by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.engine.evaluation.scenes import squares_labels
from tilesam.errors import DatasetError
from tilesam.evaluation.comparison import (
    compare_results,
    read_result,
    say_comparison,
    shared_measures,
)
from tilesam.evaluation.correcting import measure_corrections, quality_document
from tilesam.evaluation.experiments.dataset import describe_masks
from tilesam.evaluation.experiments.groups import (
    compare_groups,
    group_by,
    say_differences,
)
from tilesam.evaluation.experiments.quality import compare_corrected, share_above
from tilesam.masks.run_masks import RunMasks


def document(values, measure="box"):
    """Return a result from (domain, image, object): score."""
    rows = [
        {"domain": d, "image": i, "layer": 0, "object_id": n, "scores": {measure: v}}
        for (d, i, n), v in values.items()
    ]
    return {"provenance": {"protocol": "boxes"}, "objects": rows}


FIRST = {("a", f"a/{i}", 1): 0.5 for i in range(5)} | {
    ("b", "b/1", n): 0.2 for n in (1, 2)
}


def test_differences_of_shared_cases():
    better = {case: value + 0.1 for case, value in FIRST.items() if case[2] == 1}
    rows = compare_results(document(FIRST), document(better), "box")
    assert [row.domain for row in rows] == ["a", "b", "mean over domains"]
    assert [row.cases for row in rows] == [5, 1, 6]
    assert rows[0].interval == pytest.approx((0.1, 0.1, 0.1))
    assert np.isnan(rows[1].interval.low)  # one image
    assert rows[2].first == pytest.approx(0.35)
    assert rows[2].interval.mean == pytest.approx(0.1)
    said = say_comparison(rows, ("old", "new"), lower_is_better=False)
    assert said == [
        "new is better than old in: a, mean over domains",
        "no difference can be told in: b",
    ]
    assert "worse" in say_comparison(rows, ("old", "new"), lower_is_better=True)[0]


def test_what_changes_to_and_fro_cannot_be_told():
    second = {
        case: value + (0.1 if n % 2 else -0.1)
        for n, (case, value) in enumerate(FIRST.items())
    }
    row = compare_results(document(FIRST), document(second), "box")[0]
    assert row.interval.low < 0 < row.interval.high


def test_results_of_other_images_or_protocols():
    with pytest.raises(DatasetError, match="no object in common"):
        compare_results(document(FIRST), document({("c", "c/1", 1): 1.0}), "box")
    with pytest.raises(DatasetError, match="no measure in common"):
        shared_measures(document(FIRST), document(FIRST, "point"))


def test_files_that_are_no_results(tmp_path):
    file = tmp_path / "x.json"
    file.write_text("[]")
    with pytest.raises(DatasetError, match=r"x\.json' is no result"):
        read_result(file)
    file.write_text(json.dumps({"provenance": {"protocol": "dataset"}, "objects": []}))
    with pytest.raises(DatasetError, match="no single cases of dataset"):
        read_result(file)


def results(**groups):
    return [
        {
            "image": f"{stain}/{number}",
            "columns": {"stain": stain},
            "rows": [{"scores": {"point": value}} for value in values],
        }
        for stain, images in groups.items()
        for number, values in enumerate(images)
    ]


def test_groups_that_differ_and_groups_that_do_not():
    found = results(
        dapi=[[0.9, 0.8], [0.8], [0.85], [0.8], [0.875]],
        he=[[0.2], [0.3], [0.25], [0.2], [0.3]],
        pas=[[0.1], [0.4], [0.26], [0.3], [0.2]], few=[[0.9]],
    )  # fmt: skip
    groups = group_by(found, "stain", ["point"])
    assert [(g.name, g.image_count, len(g.images)) for g in groups] == [
        ("dapi", 5, 6), ("few", 1, 1), ("he", 5, 5), ("pas", 5, 5),
    ]  # fmt: skip
    assert groups[0].interval("point").mean == pytest.approx(0.8375)
    differences = compare_groups(groups, "point")
    assert [(d.first, d.second) for d in differences] == [
        ("dapi", "he"), ("dapi", "pas"), ("he", "pas"),
    ]  # fmt: skip
    assert [d.interval.excludes_zero for d in differences] == [True, True, False]
    said = say_differences(groups, "point", title="1 point")
    assert said[0].startswith("1 point: dapi is better than he by 0.588 (from ")
    assert len(said) == 3
    assert said[-1] == ("1 point: nothing is said about few, with fewer than 5 images")


def test_equal_groups_are_called_so():
    groups = group_by(
        results(
            a=[[v] for v in (0.5, 0.6, 0.7, 0.4, 0.8)],
            b=[[v] for v in (0.7, 0.6, 0.5, 0.8, 0.4)],
        ),
        "stain",
        ["point"],
    )
    assert say_differences(groups, "point", title="t") == [
        "t: no two groups differ, as far as these images can tell"
    ]


def test_an_image_without_a_group_is_named():
    found = results(a=[[0.5]])
    found[0]["columns"]["stain"] = ""
    with pytest.raises(DatasetError, match="'a/0' has nothing in the column stain"):
        group_by(found, "stain", ["point"])


def test_corrections_by_hand():
    before = np.array([[1, 1, 1, 1, 0, 2, 2, 0, 3]])
    after = np.array([[9, 9, 9, 0, 0, 2, 2, 5, 0]])
    found = compare_corrected(before, after)
    np.testing.assert_array_equal(found.object_ids, [2, 9])
    np.testing.assert_allclose(found.iou, [1, 0.75])
    assert (found.removed, found.added) == (1, 1)
    assert share_above(found.iou, 0.9) == 0.5
    assert share_above(found.iou, 0.75) == 0.5  # not above
    assert np.isnan(share_above([], 0.9))


def write(folder, **labels):
    from PIL import Image

    folder.mkdir()
    for name, array in labels.items():
        Image.fromarray(array.astype(np.uint8)).save(folder / f"{name}.png")
    return folder


def test_folders_before_and_after(tmp_path):
    labels = squares_labels()
    smaller = labels.copy()
    smaller[8] = 0  # one of 16 rows of the first object
    before = write(tmp_path / "before", a=labels, b=labels, c=labels)
    after = write(tmp_path / "after", a=labels, b=smaller)
    found = measure_corrections(before, after)
    assert [*found] == ["a", "b"]
    document = quality_document(found, before, after)
    assert document.tables[0].rows[0][0] == 4
    assert document.tables[0].rows[0][2] == 1  # 15 / 16 is above 0.9
    alone = measure_corrections(before / "b.png", after / "b.png")
    assert min(alone["b"].iou) == pytest.approx(15 / 16)


def test_corrected_files_that_do_not_belong(tmp_path):
    before = write(tmp_path / "before", a=squares_labels())
    with pytest.raises(DatasetError, match=r"b\.png' has no automatic labels"):
        measure_corrections(before, write(tmp_path / "other", b=squares_labels()))
    with pytest.raises(DatasetError, match=r"64 x 64 .* 10 x 10"):
        measure_corrections(before, write(tmp_path / "small", a=np.ones((10, 10))))
    with pytest.raises(DatasetError, match="no mask of"):
        measure_corrections(before, write(tmp_path / "none", a=np.zeros((64, 64))))


def test_a_collection_by_hand():
    masks = RunMasks.from_crops(
        [np.ones((2, 2), bool), np.ones((4, 4), bool)], [(0, 0), (4, 4)]
    )
    found = describe_masks([("x", masks, (8, 8)), ("y", RunMasks.empty(), (8, 8))])
    assert found.masks_per_image.tolist() == [2, 0]
    np.testing.assert_allclose(found.relative_size, [0.25, 0.5])
    np.testing.assert_allclose(found.center_yx, [[0.125, 0.125], [0.75, 0.75]])
    assert found.centers.sum() == 1
    assert found.centers[2, 2] == found.centers[12, 12] == 0.5
    assert describe_masks([]).masks_per_image.tolist() == []

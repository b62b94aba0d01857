"""The demo's files become layers: right masks, right places, right names."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from napari_sam.demo import GAP, build_layers, main
from tilesam import ImageReadError

SIZE = 6, 8
"""Of the image that `write_result` makes."""


def by_name(layers) -> dict:
    return {options["name"]: (data, options, kind) for data, options, kind in layers}


def test_layers_of_one_result_from_bottom_to_top(tmp_path, write_result):
    write_result(tmp_path)

    layers = build_layers(tmp_path)

    assert [(options["name"], kind) for _, options, kind in layers] == [
        ("cells", "image"),
        ("3rd, IoU unknown, 0.25: cells", "labels"),
        ("2nd, IoU 0.80, 0.50: cells", "labels"),
        ("1st, IoU 0.91, 0.76: cells", "labels"),
        ("boxes: cells", "shapes"),
        ("points: cells", "points"),
    ]


def test_masks_are_painted_as_the_numbers_of_their_objects(tmp_path, write_result):
    write_result(tmp_path)

    labels, options, _ = by_name(build_layers(tmp_path))["1st, IoU 0.91, 0.76: cells"]

    np.testing.assert_array_equal(
        labels,
        [
            [1, 1, 1, 0, 0, 0, 0, 0],
            [1, 1, 1, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 2, 2, 2],
            [0, 0, 0, 0, 0, 2, 2, 2],
            [0, 0, 0, 0, 0, 2, 2, 2],
            [0, 0, 0, 0, 0, 2, 2, 2],
        ],
    )
    np.testing.assert_array_equal(
        options["features"]["predicted_iou"], [np.nan, 0.91, 0.756]
    )


def test_only_the_first_candidates_are_visible(tmp_path, write_result):
    write_result(tmp_path)

    visible = [
        options["name"][:3]
        for _, options, kind in build_layers(tmp_path)
        if kind == "labels" and options["visible"]
    ]

    assert visible == ["1st"]


def test_polarity_is_a_feature_of_the_points(tmp_path, write_result):
    write_result(tmp_path)
    layers = by_name(build_layers(tmp_path))

    points, options, _ = layers["points: cells"]
    boxes, _, _ = layers["boxes: cells"]

    np.testing.assert_array_equal(points, [[1, 1], [0, 0]])
    assert options["features"]["polarity"] == ["positive", "negative"]
    assert options["face_color"] == ["green", "red"]
    np.testing.assert_array_equal(boxes, [[[2, 5], [2, 7], [5, 7], [5, 5]]])


def test_results_in_subfolders_stand_side_by_side(tmp_path, write_result):
    write_result(tmp_path / "a", name="first")
    write_result(tmp_path / "b", name="second")
    (tmp_path / "c").mkdir()

    layers = by_name(build_layers(tmp_path))

    assert layers["first"][1]["translate"] == (0, 0)
    assert layers["second"][1]["translate"] == (0, SIZE[1] + GAP)
    assert layers["points: second"][1]["translate"] == (0, SIZE[1] + GAP)


def test_a_folder_without_results_is_named(tmp_path):
    with pytest.raises(ImageReadError, match=r"holds no candidates\.json.*napari-sam"):
        build_layers(tmp_path)


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"format": "other", "version": 1}'], ids=repr
)
def test_a_broken_or_foreign_record_is_named(tmp_path, write_result, text):
    write_result(tmp_path)
    (tmp_path / "candidates.json").write_text(text)

    with pytest.raises(ImageReadError, match=r"candidates\.json .*expected"):
        build_layers(tmp_path)


def test_a_missing_image_is_named(tmp_path, write_result):
    write_result(tmp_path)
    (tmp_path / "image.png").unlink()

    with pytest.raises(ImageReadError, match=r"image\.png does not exist"):
        build_layers(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "Usage: "), (["/no/such/folder"], "Error: /no/such/folder holds no")],
)
def test_on_the_command_line_errors_are_one_line(arguments, message):
    with pytest.raises(SystemExit, match=message) as exit_:
        main(arguments)

    assert "\n" not in str(exit_.value.code)


def test_without_a_qt_binding_the_remedy_is_named(tmp_path, write_result, monkeypatch):
    write_result(tmp_path)
    monkeypatch.setitem(sys.modules, "qtpy", None)

    with pytest.raises(
        SystemExit, match=r"pip install .napari-sam-tiles\[all\]"
    ) as exit_:
        main([str(tmp_path)])

    assert "\n" not in str(exit_.value.code)

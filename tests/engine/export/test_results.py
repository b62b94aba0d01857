from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from tilesam import OutputError, Session
from tilesam.export.labels import paint_labels
from tilesam.export.records import Answer
from tilesam.export.results import write_results
from tilesam.export.rle import decode_rle, decompress_counts
from tilesam.prompts import build_prompts
from tilesam.testing.images import bright_rectangles, rectangle_mask
from tilesam.testing.models import bright_region_model

HW = (96, 128)
OBJECTS = [(16, 8, 32, 40), (60, 60, 76, 92)]


@pytest.fixture(scope="module")
def session():
    return Session.open(bright_rectangles(HW, OBJECTS), model=bright_region_model())


@pytest.fixture(scope="module")
def answers(session):
    clicks = [(24, 24), (68, 76)]
    prompts = [build_prompts(click, image_hw=HW) for click in clicks]
    return [Answer(p, session.answer(p)) for p in prompts]


def expected_mask(index):
    return rectangle_mask(HW, OBJECTS[index])


def test_all_files_are_written(tmp_path, session, answers):
    write_results(tmp_path, session, answers, image_name="squares", with_image=True)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["candidates.json", "image.png", "labels.tif", "overlay.png"]


def test_the_record_holds_every_mask_in_the_frame_of_the_image(
    tmp_path, session, answers
):
    returned = write_results(tmp_path, session, answers, image_name="squares")
    record = json.loads((tmp_path / "candidates.json").read_text())
    assert record == returned
    assert record["format"] == "napari-sam-candidates"
    assert record["image"] == {"name": "squares", "height": 96, "width": 128}
    assert record["model"]["name"] == "bright_region"
    assert record["objects"][1]["prompts"] == {
        "points_yx": [[68.0, 76.0]],
        "point_labels": [1],
        "boxes_yxyx": [],
        "has_mask_input": False,
    }
    for index, entry in enumerate(record["objects"]):
        best, *others = entry["candidates"]
        assert len(others) == 2
        rle = best["segmentation"]
        mask = decode_rle(decompress_counts(rle["counts"]), tuple(rle["size"]))
        y0, x0, y1, x1 = OBJECTS[index]
        assert best["bbox"] == [x0, y0, x1 - x0, y1 - y0]
        assert best["offset_yx"] == [y0, x0]
        assert best["area"] == mask.sum()
        # The network's grid of four pixels rounds the corners off.
        assert np.count_nonzero(mask != expected_mask(index)) <= 4
        assert best["predicted_iou"] == pytest.approx(0.95)
        assert 0 < best["stability_score"] <= 1


def test_the_labels_hold_the_first_candidate_of_each_object(tmp_path, session, answers):
    write_results(tmp_path, session, answers, image_name="squares")
    labels = tifffile.imread(tmp_path / "labels.tif")
    assert labels.shape == HW
    assert labels.dtype == np.uint16
    assert_array_equal(np.unique(labels), [0, 1, 2])
    for index in range(2):
        differing = (labels == index + 1) != expected_mask(index)
        assert np.count_nonzero(differing) <= 4


def test_later_labels_paint_over_earlier_ones(answers):
    first = answers[0].candidates[0]
    labels = paint_labels([first, first], HW)
    assert_array_equal(np.unique(labels), [0, 2])


def test_a_record_of_a_score_that_is_no_number_stays_json(tmp_path, session, answers):
    from dataclasses import replace

    spoilt = replace(answers[0].candidates[0], predicted_iou=float("nan"))
    answer = Answer(answers[0].prompts, [spoilt])
    write_results(tmp_path, session, [answer], image_name="squares")
    record = json.loads((tmp_path / "candidates.json").read_text())
    assert record["objects"][0]["candidates"][0]["predicted_iou"] is None


def test_nothing_is_left_behind_when_a_file_cannot_be_made(
    tmp_path, session, answers, monkeypatch
):
    def failing(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tilesam.export.results.write_label_tiff", failing)
    with pytest.raises(OutputError, match="No space left"):
        write_results(tmp_path, session, answers, image_name="squares")
    assert list(tmp_path.iterdir()) == []


def test_the_image_of_the_results_is_all_of_what_the_model_saw(
    tmp_path, session, answers
):
    write_results(tmp_path, session, answers, image_name="squares", with_image=True)
    with Image.open(tmp_path / "image.png") as image:
        pixels = np.asarray(image)
    assert_array_equal(pixels, bright_rectangles(HW, OBJECTS))

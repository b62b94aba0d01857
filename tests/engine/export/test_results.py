from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
import tifffile
import zarr
from numpy.testing import assert_array_equal
from PIL import Image

from tilesam import OutputError, Session, TileKey, Window
from tilesam.export.records import Answer, StoreUse
from tilesam.export.results import write_results
from tilesam.image import Normalization
from tilesam.masks.rle import decode_rle, decompress_counts
from tilesam.prompts import build_prompts
from tilesam.testing.images import bright_rectangles, rectangle_mask
from tilesam.testing.models import bright_region_model
from tilesam.types import ImageIdentity

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
    assert record["store"] is None
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
        tile = TileKey(**best["tile"])
        assert tile == answers[index].candidates[0].tile
        assert Window(**best["window"]) == session.grid.window(tile)
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


def test_the_record_says_what_a_store_did(tmp_path, session, answers):
    use = StoreUse("a.sam.zarr", tiles=7, embedded_now=2)
    write_results(tmp_path, session, answers, image_name="squares", store=use)
    record = json.loads((tmp_path / "candidates.json").read_text())
    assert record["store"] == {"path": "a.sam.zarr", "tiles": 7, "embedded_now": 2}


class SlideSource:
    """A dark slide of 10^10 pixels with one bright rectangle, computed when read."""

    hw = (100_000, 100_000)
    identity = ImageIdentity(hw, "uint8", 3)
    channels = (0, 1, 2)
    plane = ()
    normalization = Normalization(None)
    georeference = None
    rectangle = (50_100, 70_200, 50_116, 70_232)

    def read_resampled(self, window, out_hw):
        assert out_hw[0] * out_hw[1] <= 2048**2
        spots = [
            (2 * np.arange(out) + 1) * side // (2 * out) + start
            for out, side, start in zip(
                out_hw,
                (window.height, window.width),
                (window.y0, window.x0),
                strict=True,
            )
        ]
        y0, x0, y1, x1 = self.rectangle
        rows, columns = ((s >= a) & (s < b) for s, a, b in
                         zip(spots, (y0, x0), (y1, x1), strict=True))  # fmt: skip
        is_bright = rows[:, np.newaxis, np.newaxis] & columns[:, np.newaxis]
        return np.where(is_bright, np.uint8(230), np.uint8(40)).repeat(3, axis=2)


@pytest.mark.parametrize("is_whole", [False, True])
def test_results_on_a_slide_take_the_memory_of_a_window(tmp_path, is_whole):
    source = SlideSource()
    session = Session(source, bright_region_model())
    y0, x0, y1, x1 = source.rectangle
    prompts = [build_prompts((y0 + 8, x0 + 8), image_hw=source.hw)]
    if is_whole:
        # Answered at the top level, where the rectangle is not seen.
        prompts.append(
            build_prompts(boxes_yxyx=(5, 5, 99_000, 99_000), image_hw=source.hw)
        )
    shown = [Answer(p, session.answer(p)) for p in prompts]
    tracemalloc.start()
    try:
        record = write_results(tmp_path, session, shown, image_name="slide")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100e6
    assert record["objects"][0]["candidates"][0]["bbox"] == [x0, y0, 32, 16]
    rle = record["objects"][0]["candidates"][0]["segmentation"]
    assert rle["size"] == [100_000, 100_000]
    runs = decompress_counts(rle["counts"])
    assert runs.sum() == 10**10
    with tifffile.TiffFile(tmp_path / "labels.tif") as file:
        image = zarr.open(file.series[0].aszarr(), mode="r")
        labels = image[y0 - 10 : y1 + 10, x0 - 10 : x1 + 10]
    assert np.count_nonzero(labels) == runs[1::2].sum()
    with Image.open(tmp_path / "overlay.png") as picture:
        assert max(picture.size) < 3 * 640 + 100

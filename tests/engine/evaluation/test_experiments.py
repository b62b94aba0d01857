"""The experiments about images whose answers can be foretold."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.engine.evaluation.scenes import Images, squares_sample
from tilesam.errors import DatasetError
from tilesam.evaluation.answering import Answers, SamSubject
from tilesam.evaluation.classical.methods import METHODS
from tilesam.evaluation.classical.subject import ClassicalSubject
from tilesam.evaluation.detections import read_detections
from tilesam.evaluation.experiments.boxes import BoxesExperiment, mask_average_precision
from tilesam.evaluation.experiments.edges import EdgesExperiment
from tilesam.evaluation.experiments.experiment import to_scores
from tilesam.evaluation.experiments.points import PointsExperiment, point_scores
from tilesam.evaluation.experiments.proposals import ProposalsExperiment
from tilesam.evaluation.measuring import measure_images
from tilesam.evaluation.results import KeptResults, key_of
from tilesam.evaluation.runs import Limits
from tilesam.everything.settings import EverythingSettings
from tilesam.testing.models import bright_region_model
from tilesam.training.datasets import Sample


@pytest.fixture
def subject():
    return SamSubject(bright_region_model())


def test_scores_of_clicks_by_hand():
    shown = [np.array([v, 1 - v]) for v in (0.1, 0.2, 0.3, 0.4, 0.86)]
    scores = point_scores(shown, [s + 0.05 for s in shown])
    assert list(scores) == [
        *("point", "oracle", "two_points", "two_points_oracle", "three_points"),
        *("three_points_oracle", "five_points", "five_points_oracle"),
        *("clicks_85", "clicks_90"),
    ]
    np.testing.assert_allclose(scores["three_points"], [0.3, 0.7])
    np.testing.assert_allclose(scores["oracle"], [0.15, 0.95])
    np.testing.assert_array_equal(scores["clicks_85"], [5, 1])
    np.testing.assert_array_equal(scores["clicks_90"], [6, 1])


def test_a_perfect_model_needs_one_click(subject):
    result = PointsExperiment(subject, most=3).measure(squares_sample())
    for row in result["rows"]:
        assert row["scores"]["point"] > 0.97
        assert row["scores"]["random_three_points"] > 0.97
        assert row["scores"]["clicks_90"] == 1
        assert row["scores"]["predicted"] == pytest.approx(0.95)  # the most confident


def test_random_clicks_do_not_depend_on_what_else_is_asked(subject):
    alone = PointsExperiment(subject, ["random"], 3, limits=Limits(prompts_at_once=1))
    together = PointsExperiment(subject, ["random"], 3)
    sample = squares_sample()
    assert alone.measure(sample) == together.measure(sample)
    other = PointsExperiment(subject, ["random"], 3, seed=1)
    first, second = (e.show(sample, to_scores([_placed(e, sample)])[0]).points_yx
                     for e in (together, other))  # fmt: skip
    assert first != second


def _placed(experiment, sample):
    return {"domain": "d", "image": "i", **experiment.measure(sample)}


def test_boxes_and_their_precision(subject):
    result = BoxesExperiment(subject).measure(squares_sample())
    assert [row["scores"]["box"] > 0.97 for row in result["rows"]] == [True, True]
    precision = mask_average_precision([json.loads(json.dumps(result))])
    assert precision["all"] == pytest.approx([1] * 10)
    assert np.isnan(precision["large"]).all()


def test_boxes_of_a_detector(subject, tmp_path):
    rows = [
        {"image_id": "1.png", "bbox": [8, 8, 16, 16], "score": 0.4},
        {"image_id": "1.png", "bbox": [0, 30, 6, 6], "score": 0.9},  # nothing is there
        {"image_id": "other.png", "bbox": [0, 0, 4, 4], "score": 0.9},
    ]
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps(rows))
    detections = read_detections(file)
    boxes, scores = detections.of("squares/1")
    np.testing.assert_array_equal(boxes, [[8, 8, 23, 23], [30, 0, 35, 5]])
    np.testing.assert_array_equal(scores, [0.4, 0.9])
    result = BoxesExperiment(subject, detections).measure(squares_sample())
    first, second = (row["scores"]["box"] for row in result["rows"])
    assert first > 0.97
    assert second == 0  # nobody asked for it
    # A false one first: half of the objects at precision 1/2.
    precision = mask_average_precision([result])["all"]
    assert precision == pytest.approx([0.5 * 51 / 101] * 10)


def test_boxes_with_images_and_annotations(tmp_path):
    file = tmp_path / "boxes.json"
    document = {
        "images": [{"id": 3, "file_name": "folder/1.png"}],
        "annotations": [{"image_id": 3, "bbox": [1, 2, 3, 4]}],
    }
    file.write_text(json.dumps(document))
    boxes, scores = read_detections(file).of("1")
    np.testing.assert_array_equal(boxes, [[2, 1, 5, 3]])
    np.testing.assert_array_equal(scores, [1])


def test_boxes_that_are_none(tmp_path):
    file = tmp_path / "boxes.json"
    file.write_text('[{"image_id": 1}]')
    with pytest.raises(DatasetError, match=r"boxes\.json' has no boxes"):
        read_detections(file)


@pytest.mark.parametrize("method", METHODS)
def test_classical_methods_find_a_bright_square(method):
    subject = ClassicalSubject(method)
    points = PointsExperiment(subject, ["center"], most=2).measure(squares_sample())
    boxes = BoxesExperiment(subject).measure(squares_sample())
    for row in points["rows"]:
        assert row["scores"]["point"] > 0.75  # smoothing costs the outermost pixels
    for row in boxes["rows"]:
        assert row["scores"]["box"] > 0.75


@pytest.mark.parametrize("method", METHODS)
def test_classical_masks_of_a_large_image_have_its_size(method):
    image = np.zeros((300, 520, 3), np.uint8)
    image[100:200, 100:300] = 255
    answers = ClassicalSubject(method).open(image)
    given = answers.points(np.array([[[150.0, 200.0]]]), np.array([[1]]))
    assert given.masks.shape[2:] == (300, 520)
    assert given.masks[0, 0, 150, 200]
    assert not given.masks[0, 0, 20, 20]


@pytest.mark.parametrize("method", METHODS)
def test_negative_clicks_are_ground(method):
    answers = ClassicalSubject(method).open(squares_sample().image)
    points = np.array([[[16.0, 16.0], [48.0, 48.0], [0.0, 0.0]]])
    given = answers.points(points, np.array([[1, 0, -1]]))
    assert given.masks[0, 0, 16, 16]
    assert not given.masks[0, 0, 48, 48]


def test_a_second_color_of_the_object_is_flooded_too():
    image = np.zeros((40, 40, 3), np.uint8)
    image[5:35, 5:20], image[5:35, 20:35] = 120, 240
    answers = ClassicalSubject("flood").open(image)
    points = np.array([[[20.0, 12.0], [20.0, 28.0]]])
    both = answers.points(points, np.array([[1, 1]])).masks[0, 0]
    left = answers.points(points, np.array([[1, 0]])).masks[0, 0]
    assert both[20, 12]
    assert both[20, 28]
    assert left[20, 12]
    assert not left[20, 28]


def test_everything_found_is_called_perfect(subject):
    settings = EverythingSettings(
        points_per_side=8, pred_iou_thresh=0.9, stability_score_thresh=0.5,
        max_area_share=0.5,
    )  # fmt: skip
    result = ProposalsExperiment(subject, settings).measure(squares_sample())
    (row,) = result["rows"]
    assert row["scores"]["pq"] > 0.95
    assert row["scores"]["aji"] > 0.95
    assert result["counts"]["missed"] == result["counts"]["duplicates"] == 0
    assert min(result["found"]["10"]) > 0.95
    assert result["true_areas"] == [256, 448]


def test_edges_of_bright_squares(subject):
    experiment = EdgesExperiment(subject.model, subject.identity, thresholds=5)
    result = experiment.measure(squares_sample())
    assert len(result["counts"]) == 5
    # The model answers with a wider and a narrower square too, whose edges nobody drew.
    assert max(recalled / drawn for _, _, recalled, drawn in result["counts"]) > 0.85
    assert 0.4 < result["rows"][0]["scores"]["f"] < 0.7
    sobel = EdgesExperiment(None, {"model": "sobel"}, thresholds=5)
    assert sobel.measure(squares_sample())["rows"][0]["scores"]["f"] > 0.8


class Counting:
    """An experiment that remembers what it was asked, and gives areas."""

    name, ranked_by = "counting", "share"

    def __init__(self, version=1):
        self.identity = {"model": "none"}
        self.settings = {"version": version}
        self.measured = []

    def measure(self, sample):
        self.measured.append(sample.name)
        row = {"layer": 0, "object_id": 1, "area": 4, "scores": {"share": 0.5}}
        return {"rows": [row]}


def test_a_run_goes_on_from_what_is_kept(tmp_path):
    images = Images([squares_sample(name=name) for name in "abc"])
    kept = KeptResults(tmp_path / "work")
    first = Counting()
    whole = measure_images(first, images, kept=kept)
    assert first.measured == ["a", "b", "c"]
    kept_files = sorted((tmp_path / "work").iterdir())
    kept_files[0].write_text("{damaged")
    again = Counting()
    assert measure_images(again, images, kept=kept).results == whole.results
    assert len(again.measured) == 1
    other = Counting(version=2)
    measure_images(other, images, kept=kept)
    assert other.measured == ["a", "b", "c"]


def test_a_result_is_of_these_pixels_and_labels():
    sample, asked = squares_sample(), {"protocol": "p"}
    image, labels = sample.image.copy(), sample.label_layers.copy()
    image[0, 0, 0] += 1
    labels[0, 0, 0] = 9
    keys = {
        key_of(sample, asked),
        key_of(Sample(image, sample.label_layers, sample.domain, sample.name), asked),
        key_of(Sample(sample.image, labels, sample.domain, sample.name), asked),
        key_of(sample, {"protocol": "q"}),
    }
    assert len(keys) == 4
    assert key_of(squares_sample(), asked) in keys


def test_images_without_labels_are_left_out_by_name():
    empty = Sample(
        np.zeros((4, 4, 3), np.uint8), np.zeros((1, 4, 4), np.int32), "d", "e"
    )
    measured = measure_images(Counting(), Images([squares_sample(), empty]))
    assert [result["image"] for result in measured.results] == ["squares/1"]
    assert measured.empty == ["e"]
    with pytest.raises(DatasetError, match="the first being 'e'"):
        measure_images(Counting(), Images([empty]))


def test_answers_of_a_network_are_in_the_order_of_confidence(subject):
    given = subject.open(squares_sample().image).points(
        np.array([[[16.0, 16.0]]]), np.array([[1]])
    )
    assert isinstance(given, Answers)
    # Tokens 2, 3 and 1 of the stand-in.
    np.testing.assert_allclose(given.scores, [[0.95, 0.8, 0.7]])
    areas = given.masks.sum(axis=(2, 3))[0]
    assert areas[1] < areas[0] < areas[2]
    boxed = subject.open(squares_sample().image).boxes(np.array([[8.0, 8, 23, 23]]))
    np.testing.assert_allclose(boxed.scores, [[0.9, 0.95, 0.8]])

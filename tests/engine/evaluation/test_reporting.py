"""Tables, documents, pictures and whole reports."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from PIL import Image

from tests.engine.evaluation.scenes import Images, squares_sample
from tilesam.errors import OutputError
from tilesam.evaluation.answering import SamSubject
from tilesam.evaluation.experiments.experiment import Shown
from tilesam.evaluation.experiments.points import PointsExperiment
from tilesam.evaluation.measuring import measure_images
from tilesam.evaluation.metrics import ObjectScore
from tilesam.evaluation.reporting import plots
from tilesam.evaluation.reporting.document import Provenance, build_document
from tilesam.evaluation.reporting.pictures import draw_case, pick_cases
from tilesam.evaluation.reporting.point_tables import (
    calibration,
    calibration_table,
    clicks_table,
    count_table,
    judgement_table,
)
from tilesam.evaluation.reporting.report import write_report
from tilesam.evaluation.reporting.tables import Table
from tilesam.evaluation.reporting.titles import title_of
from tilesam.testing.models import bright_region_model

NAN = float("nan")


def test_markdown_by_hand():
    table = Table("title", ["domain", "n", "IoU"], [["cells", 7, 0.5], ["x", 0, NAN]])
    assert table.to_markdown() == (
        "| domain | n | IoU |\n"
        "| --- | ---: | ---: |\n"
        "| cells | 7 | 0.500 |\n"
        "| x | 0 | - |\n"
    )
    plain = json.loads(json.dumps(table.to_plain(), allow_nan=False))
    assert plain["rows"] == [["cells", 7, 0.5], ["x", 0, None]]


def test_titles():
    assert title_of("oracle") == "1 point, best of 3"
    assert title_of("random_three_points") == "3 points, anywhere"
    assert title_of("something") == "something"


def result(domain, image, *rows):
    return {
        "domain": domain,
        "image": image,
        "index": 0,
        "rows": [
            {"layer": 0, "object_id": n, "area": 9, "scores": scores}
            for n, scores in enumerate(rows, start=1)
        ],
    }


def test_tables_of_clicks_by_hand():
    scores = [
        {"point": p, "oracle": o, "clicks_85": c, "clicks_90": 4.0}
        for p, o, c in ((0.2, 0.4, 1.0), (0.4, 0.6, 4.0), (0.9, 0.9, 2.0))
    ]
    results = [result("a", "a/1", *scores[:2]), result("b", "b/1", scores[2])]
    (row,) = count_table(results).rows
    assert row[:3] == [1, pytest.approx(0.6), pytest.approx(0.7)]
    assert math.isnan(row[3])
    first, second = clicks_table(results, 3).rows
    assert first[1:] == [pytest.approx(7 / 3), 2, pytest.approx(1 / 3)]
    assert second[1:] == [4, 4, 1]


def test_judgement_by_number_of_points_and_place():
    def row(object_id, scores):
        return {"layer": 0, "object_id": object_id, "area": 9, "scores": scores}

    first = {"point": 0.2, "predicted": 0.4, "three_points": 0.5,
             "three_points_predicted": 0.5, "random_point": 0.1,
             "random_predicted": 0.3}  # fmt: skip
    second = {"point": 0.6, "predicted": 0.8, "three_points": 0.9,
              "three_points_predicted": 0.4, "random_point": 0.2,
              "random_predicted": 0.1}  # fmt: skip
    results = [
        {"domain": "cells", "image": "a", "rows": [row(1, first), row(2, second)]}
    ]
    table = judgement_table(results)
    by_domain = calibration_table(results, "random_point")
    np.testing.assert_allclose([row[2:] for row in by_domain.rows], [[-1, 0.15]] * 2)
    assert [row[:2] for row in table.rows] == [
        ["1, centre", 2], ["3, centre", 2], ["1, anywhere", 2]]  # fmt: skip
    figures = np.array([row[2:] for row in table.rows])
    np.testing.assert_allclose(figures[:, 0], [1, -1, -1])
    np.testing.assert_allclose(figures[:, 1], [0.2, 0.25, 0.15])


def test_calibration_by_hand():
    correlation, error = calibration(
        np.array([0.1, 0.2, 0.6]), np.array([0.2, 0.4, 1.2])
    )
    assert correlation == pytest.approx(1)
    assert error == pytest.approx(0.3)
    assert math.isnan(calibration(np.ones(3), np.arange(3.0))[0])


def scored(value, number):
    return ObjectScore("d", "d/1", 0, number, 9, {"point": value})


def test_best_median_and_worst():
    rows = [scored(value / 10, value) for value in range(9)]
    cases = pick_cases(rows, "point", 2)
    found = {kind: [row.object_id for row in some] for kind, some in cases.items()}
    assert found == {"best": [8, 7], "median": [5, 4], "worst": [1, 0]}
    assert {len(some) for some in pick_cases(rows[:4], "point").values()} == {1}
    assert [*pick_cases(rows[:2], "point")] == ["all"]


def test_a_picture_shows_truth_answer_and_prompt():
    truth = np.zeros((40, 40), bool)
    truth[10:20, 10:20] = True
    answer = np.roll(truth, 4, axis=1)
    shown = Shown(np.zeros((40, 40, 3), np.uint8), truth, answer, [(15.0, 15.0)])
    picture = np.asarray(draw_case(shown))
    height, width = picture.shape[:2]
    assert width == 2 * height <= 640
    left, right = picture[:, : width // 2], picture[:, width // 2 :]
    assert not left.any()
    colors = {tuple(color) for color in right.reshape(-1, 3)}
    assert {(20, 190, 60), (240, 150, 0), (255, 255, 255)} <= colors
    # Labels are shown whole.
    whole = draw_case(Shown(shown.image, truth.astype(int), answer.astype(int)))
    assert whole.size == (640, 320)


@pytest.fixture
def run():
    subject = SamSubject(bright_region_model())
    experiment = PointsExperiment(subject, most=3)
    images = Images([squares_sample(name=name, domain="d") for name in ("x", "y")])
    measured = measure_images(experiment, images)
    measured.empty.append("z")
    provenance = Provenance(
        "points", experiment.identity, experiment.settings, "DATA", "val", None
    )
    document = build_document(
        measured, experiment, provenance, more_tables=[count_table(measured.results)]
    )
    return document, experiment, images


def test_a_document_survives_json(run):
    plain = json.loads(json.dumps(run[0].to_plain(), allow_nan=False))
    assert plain["provenance"]["model"] == "bright_region"
    assert plain["provenance"]["seed"] == 0
    assert plain["mean_over_domains"]["point"] > 0.97
    assert plain["domains"][0]["objects"] == 4
    assert len(plain["objects"]) == 4
    assert plain["notes"] == ["left out, because their labels are empty: z"]


def test_a_report_with_everything(run, tmp_path):
    seen = []
    document, experiment, images = run
    write_report(
        *(document, tmp_path, experiment, images),
        progress=lambda done, total: seen.append((done, total)),
    )
    text = (tmp_path / "report.md").read_text()
    assert text.startswith("# points: bright_region\n")
    assert "| mean over domains | 2 | 4 |" in text
    assert "Left out, because their labels are empty: z." in text
    for kind in ("best", "median", "worst"):
        assert f"](pictures/{kind}-1.png)" in text
        with Image.open(tmp_path / "pictures" / f"{kind}-1.png") as picture:
            assert picture.size[0] > 100
    assert (tmp_path / "plots" / "points.png").stat().st_size > 1000
    assert (tmp_path / "plots" / "distribution.png").stat().st_size > 1000
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_without_matplotlib_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    with pytest.raises(OutputError, match=r"pip install 'napari-sam-tiles\[report\]'"):
        plots.require_matplotlib()

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import tilesam
from tests.engine.evaluation.scenes import (
    squares_image,
    squares_labels,
    write_manifest,
    write_pair,
)
from tilesam.cli import main
from tilesam.evaluation.reporting import plots
from tilesam.testing.models import bright_region_model


@pytest.fixture(autouse=True)
def stand_in_model(monkeypatch):
    loaded = []

    def load(name, *, device=None, refined=True):
        loaded.append((name, device))
        return bright_region_model()

    monkeypatch.setitem(vars(tilesam), "load_model", load)
    return loaded


@pytest.fixture
def data(tmp_path):
    return write_manifest(tmp_path / "data", stain=["DAPI", "HE"])


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def test_points_as_a_table(data, capfd):
    assert run("evaluate", "points", "--data", data, "--points", 3) == 0
    out = capfd.readouterr().out
    _, header, bright, _, mean, *_ = out.strip().splitlines()
    assert "1 point, best of 3" in header
    assert "3 points" in header
    assert "clicks to 0.85" in header
    assert bright.split()[:3] == ["bright", "1", "2"]
    assert mean.split()[:5] == ["mean", "over", "domains", "2", "4"]
    assert "IoU by number of points" in out
    assert "Clicks needed" in out


def test_boxes_as_a_file(data, tmp_path, capfd):
    file = tmp_path / "new" / "boxes.json"
    assert run("evaluate", "boxes", "--data", data, "--json", file) == 0
    document = json.loads(file.read_text())
    assert document["mean_over_domains"]["box"] > 0.97
    assert [domain["domain"] for domain in document["domains"]] == ["bright", "clear"]
    assert len(document["objects"]) == 4
    assert document["provenance"]["protocol"] == "boxes"
    assert document["provenance"]["model"] == "bright_region"
    out = capfd.readouterr().out
    assert "bright" in out
    assert "Mask AP by domain" in out


def test_a_dash_prints_json_and_nothing_else(data, capfd):
    assert run("evaluate", "boxes", "--data", data, "--json", "-") == 0
    assert json.loads(capfd.readouterr().out)["provenance"]["split"] == "val"


def test_limits_and_model_are_passed_on(data, stand_in_model, capfd):
    code = run(
        "evaluate", "boxes", "--data", data, "--json", "-", "--model", "vit_b",
        "--device", "cpu", "--limit-per-domain", 1, "--objects-per-image", 1,
    )  # fmt: skip
    assert code == 0
    assert len(json.loads(capfd.readouterr().out)["objects"]) == 2
    assert stand_in_model == [("vit_b", "cpu")]


def test_a_method_without_a_network_loads_none(data, stand_in_model, capfd):
    code = run(
        "evaluate", "points", "--data", data, "--model", "watershed", "--points", 1,
        "--sampling", "random", "--json", "-",
    )  # fmt: skip
    assert code == 0
    document = json.loads(capfd.readouterr().out)
    assert document["provenance"]["model"] == "watershed"
    assert document["mean_over_domains"]["random_point"] > 0.5
    assert "point" not in document["mean_over_domains"]
    assert stand_in_model == []


def test_pairs_of_folders_and_work_that_is_kept(tmp_path, capfd):
    folder = write_pair(tmp_path / "cells")
    options = ("--data", folder, "--work", tmp_path / "work", "--json", "-")
    assert run("evaluate", "boxes", *options) == 0
    first = capfd.readouterr().out
    kept = list((tmp_path / "work").iterdir())
    assert len(kept) == 1
    before = kept[0].stat().st_mtime_ns
    assert run("evaluate", "boxes", *options) == 0
    assert capfd.readouterr().out == first
    assert kept[0].stat().st_mtime_ns == before


def test_a_report(data, tmp_path, capfd):
    report = tmp_path / "report"
    code = run("evaluate", "points", "--data", data, "--points", 1, "--report", report)
    assert code == 0
    assert "## Cases, by point" in (report / "report.md").read_text()
    assert len(list((report / "pictures").iterdir())) == 3
    assert len(list((report / "work").iterdir())) == 2
    assert json.loads((report / "result.json").read_text())["objects"]


def test_a_report_without_matplotlib_is_refused_before_the_work(
    data, tmp_path, monkeypatch, stand_in_model, capfd
):
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    code = run("evaluate", "boxes", "--data", data, "--report", tmp_path / "r")
    assert code == 1
    assert "napari-sam-tiles[report]" in capfd.readouterr().err
    assert stand_in_model == []


def test_images_with_empty_labels_are_named(tmp_path, capfd):
    folder = write_pair(tmp_path / "cells")
    write_pair(folder, "dark", np.zeros((64, 64), np.uint8))
    assert run("evaluate", "boxes", "--data", folder) == 0
    assert "their labels are empty: dark" in capfd.readouterr().err


def test_proposals(data, capfd):
    code = run(
        "evaluate", "proposals", "--data", data, "--points-per-side", 8,
        "--limit-per-domain", 1,
    )  # fmt: skip
    assert code == 0
    out = capfd.readouterr().out
    assert "AR@1000" in out
    assert "over-segmented" in out


def test_edges_of_labels(data, capfd):
    code = run(
        "evaluate", "edges", "--data", data, "--model", "sobel", "--thresholds", 3,
        "--json", "-",
    )  # fmt: skip
    assert code == 0
    document = json.loads(capfd.readouterr().out)
    assert document["provenance"]["model"] == "sobel"
    assert document["tables"][1]["header"][2:6] == ["ODS", "OIS", "AP", "R50"]


def test_edges_that_people_drew(tmp_path, capfd):
    from tests.engine.evaluation.test_folders import write_drawings

    write_drawings(tmp_path)
    code = run(
        "evaluate", "edges", "--data", tmp_path, "--split", "test", "--model", "sobel",
        "--thresholds", 3,
    )  # fmt: skip
    assert code == 0
    assert "bsds" in capfd.readouterr().out


def test_groups(data, stand_in_model, capfd):
    code = run("evaluate", "groups", "--data", data, "--column", "stain")
    assert code == 0
    out, err = capfd.readouterr()
    assert "DAPI" in out
    assert "95 % interval" in out
    assert "nothing is said about DAPI, HE" in err


def test_groups_of_no_column(data, stand_in_model, capfd):
    assert run("evaluate", "groups", "--data", data, "--column", "organ") == 1
    err = capfd.readouterr().err
    assert err.startswith("Error: no column organ in the table of")
    assert "stain" in err
    assert stand_in_model == []


def test_quality(tmp_path, capfd):
    labels = squares_labels().astype(np.uint8)
    for name in ("auto", "fixed"):
        Image.fromarray(labels).save(tmp_path / f"{name}.png")
    code = run(
        "evaluate", "quality", tmp_path / "auto.png", tmp_path / "fixed.png",
        "--json", "-",
    )  # fmt: skip
    assert code == 0
    table = json.loads(capfd.readouterr().out)["tables"][0]
    assert table["rows"] == [[2, 1, 1, 1, 0, 0]]


def test_dataset_with_plots(data, tmp_path, capfd):
    report = tmp_path / "report"
    assert run("evaluate", "dataset", data, "--report", report) == 0
    assert "4 masks in 2 images" in capfd.readouterr().out
    names = {path.stem for path in (report / "plots").iterdir()}
    assert names == {"masks-per-image", "relative-size", "concavity", "centres"}


def test_compare_two_results(data, tmp_path, capfd):
    files = [tmp_path / f"{model}.json" for model in ("tiny", "flood")]
    for file in files:
        run("evaluate", "boxes", "--data", data, "--model", file.stem, "--json", file)
    capfd.readouterr()
    assert run("evaluate", "compare", *files) == 0
    out, err = capfd.readouterr()
    header = out.strip().splitlines()[1]
    assert header.split()[:5] == ["domain", "images", "cases", "bright_region", "flood"]
    assert "no difference can be told in: bright, clear" in err
    assert run("evaluate", "compare", *files, "--measure", "pq") == 2
    assert "both results have: box" in capfd.readouterr().err


def test_missing_data_is_one_line_before_the_model_is_loaded(
    tmp_path, stand_in_model, capfd
):
    assert run("evaluate", "points", "--data", tmp_path / "nowhere") == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("Error: no manifest.csv in")
    assert len(err.strip().splitlines()) == 1
    assert stand_in_model == []


def test_a_file_that_cannot_be_written_is_said_before_the_work(
    data, tmp_path, stand_in_model, capfd
):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "boxes.json"
    assert run("evaluate", "boxes", "--data", data, "--json", place) == 1
    assert capfd.readouterr().err.startswith("Error: cannot write into")
    assert stand_in_model == []


def test_bad_labels_are_one_line_that_names_the_file(tmp_path, capfd):
    folder = write_pair(tmp_path / "cells", labels=squares_image())
    assert run("evaluate", "boxes", "--data", folder) == 1
    err = capfd.readouterr().err
    assert "labels/a.png' has shape" in err
    assert len(err.strip().splitlines()) == 1


def test_unknown_split(data, capfd):
    assert run("evaluate", "points", "--data", data, "--split", "test") == 1
    assert "its splits are: val" in capfd.readouterr().err

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tifffile
from distributed import LocalCluster

import tilesam
from tilesam.cli import everything_report, main
from tilesam.everything.job import TileResult
from tilesam.everything.progress import EverythingProgress
from tilesam.testing.models import bright_region_model
from tilesam.types import TileKey

HW = (200, 150)
SQUARES = [(8, 8, 24, 24), (28, 100, 44, 116), (100, 20, 180, 120)]
TILES = 17
QUICK = ("--points-per-side", 8, "--stability-score-thresh", 0.5)
OBJECTS = len(SQUARES) + 1
"""The background is one too."""


@pytest.fixture(autouse=True)
def stand_in_model(monkeypatch):
    loaded = []

    def load(name, *, device=None, refined=True):
        loaded.append((name, device))
        return bright_region_model()

    monkeypatch.setitem(vars(tilesam), "load_model", load)
    return loaded


@pytest.fixture
def decoded(monkeypatch):
    """Return a list that grows with every tile that is decoded."""
    from tilesam.everything import work

    calls, original = [], work.decode_tile

    def decode_tile(*arguments, **options):
        calls.append(arguments[1])
        return original(*arguments, **options)

    monkeypatch.setattr(work, "decode_tile", decode_tile)
    return calls


@pytest.fixture
def image_path(tmp_path):
    image = np.zeros(HW, np.uint8)
    for y0, x0, y1, x1 in SQUARES:
        image[y0:y1, x0:x1] = 255
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, tile=(64, 64))
    return path


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def run_json(capsys, *arguments):
    capsys.readouterr()
    assert run(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def one_line(capsys):
    """Return what an error said, having made sure that it is one line."""
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    return error


def test_objects_are_found_written_and_told(tmp_path, image_path, capsys):
    out = tmp_path / "out" / "a.tif"
    assert run("everything", image_path, "--out", out, *QUICK) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"Decoded {TILES} tiles in " in text
    assert "of the time decoding" in text
    assert f"Found {OBJECTS} objects: {OBJECTS} at level 0" in text
    assert "seen in another window too" in text
    assert text.endswith(f"Wrote {out}")
    labels = tifffile.imread(out)
    assert labels.max() == OBJECTS
    assert len({labels[(y0 + y1) // 2, (x0 + x1) // 2] for y0, x0, y1, x1 in SQUARES}
               - {0}) == len(SQUARES)  # fmt: skip
    assert [path.name for path in out.parent.iterdir()] == ["a.tif"]


def test_json_says_it_all_and_several_files_are_written(tmp_path, image_path, capsys):
    files = [tmp_path / name for name in ("a.geojson", "b.csv", "c.ome.zarr", "d.json")]
    options = [part for file in files for part in ("--out", file)]
    record = run_json(capsys, "everything", image_path, *options, *QUICK)
    assert all(file.exists() for file in files)
    assert record["out"] == [str(file) for file in files]
    assert (record["model"], record["work"]) == ("bright_region", None)
    assert (record["objects"], record["by_level"]) == (OBJECTS, {"0": OBJECTS})
    assert record["dropped"]["duplicate"] > 0
    assert record["hint"] is None
    assert record["funnel"]["asked"] == TILES * 3 * 64
    assert record["settings"]["pred_iou_thresh"] == 0.88
    assert record["run"]["decoded"] == record["run"]["tiles"] == TILES
    assert 0 < record["run"]["decoder_share"] <= 1


def test_nothing_found_is_no_error_and_says_why(tmp_path, image_path, capsys):
    found = ["everything", image_path, "--out", tmp_path / "b.tif", *QUICK[:2]]
    assert run(*found, "--pred-iou-thresh", 0.99) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Found nothing: pred_iou_thresh 0.99 removed everything" in text
    assert not tifffile.imread(tmp_path / "b.tif").any()


def test_ctrl_c_keeps_what_was_decoded_and_the_same_command_goes_on(
    tmp_path, image_path, capsys, monkeypatch
):
    from tilesam.everything import work

    original, calls = work.decode_tile, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(work, "decode_tile", interrupted)
    command = ["everything", image_path, "--out", tmp_path / "b.tif", *QUICK]
    assert run(*command) == 130
    error = " ".join(capsys.readouterr().err.split())
    assert f"of {TILES} tiles are done and kept in {tmp_path}/b.tif.unf" in error
    assert "The same command goes on" in error
    record = run_json(capsys, *command)
    assert record["run"]["present"] == 5
    assert record["run"]["decoded"] == TILES - 5
    assert record["objects"] == OBJECTS
    assert not (tmp_path / "b.tif.unfinished").exists()


def test_kept_masks_answer_for_higher_thresholds(tmp_path, image_path, capsys, decoded):
    command = ["everything", image_path, "--out", tmp_path / "b.tif", *QUICK[:3]]
    work = ("--work", tmp_path / "work", "--keep-work")
    first = run_json(capsys, *command, 0.5, *work)
    assert first["work"] == str(tmp_path / "work")
    assert len(decoded) == TILES
    again = run_json(capsys, *command, 0.95, *work)
    assert again["objects"] < first["objects"]
    assert run(*command, 0.4, *work) == 1
    assert "lowest_stability_score 0.5" in one_line(capsys)
    assert len(decoded) == TILES
    run_json(capsys, *command, 0.5, "--work", tmp_path / "work")
    assert not (tmp_path / "work").exists()


@pytest.fixture
def meanwhile(monkeypatch):
    """Return what has another run act while this one decodes its third tile."""
    from tilesam.everything import work

    original = work.decode_tile

    def do(act):
        calls = []

        def decode_tile(*arguments, **options):
            calls.append(arguments)
            if len(calls) == 3:
                act()
            return original(*arguments, **options)

        monkeypatch.setattr(work, "decode_tile", decode_tile)

    return do


def test_masks_that_another_run_uses_too_are_kept(
    tmp_path, image_path, capsys, meanwhile
):
    ours, theirs = tmp_path / "work", tmp_path / "theirs"
    command = ["everything", image_path, "--out", tmp_path / "b.tif", *QUICK]
    run_json(capsys, *command, "--work", theirs, "--keep-work")
    last = max(theirs.glob("level_0/*.masks")).relative_to(theirs)
    meanwhile(lambda: shutil.copy(theirs / last, ours / last))
    assert run(*command, "--work", ours) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"Kept {ours}, which another run uses too" in said
    assert len(list(ours.glob("level_*/*.masks"))) == TILES
    # Nobody was there this time.
    assert run_json(capsys, *command, "--work", ours)["work"] is None
    assert not ours.exists()


def test_masks_that_are_removed_meanwhile_are_told_with_what_to_do(
    tmp_path, image_path, capsys, meanwhile
):
    work = tmp_path / "b.tif.unfinished"
    meanwhile(lambda: work.rename(tmp_path / "elsewhere"))
    assert run("everything", image_path, "--out", tmp_path / "b.tif", *QUICK) == 1
    assert "another run that shared it and ended; begin again" in one_line(capsys)
    assert not work.exists()


def test_adjustable_masks_answer_for_lower_ones_too(
    tmp_path, image_path, capsys, decoded
):
    command = ["everything", image_path, "--out", tmp_path / "b.tif", *QUICK[:3]]
    first = run_json(capsys, *command, 0.8, "--adjustable")
    assert first["work"] == str(tmp_path / "b.tif.unfinished")
    again = run_json(capsys, *command, 0.5)
    assert len(decoded) == TILES
    assert again["objects"] == OBJECTS > first["objects"]


def test_a_work_folder_of_another_image_is_refused(
    tmp_path, image_path, capsys, stand_in_model
):
    common = ["--work", tmp_path / "work", "--out", tmp_path / "b.tif", *QUICK]
    assert run("everything", image_path, *common, "--keep-work") == 0
    tifffile.imwrite(tmp_path / "other.tif", np.zeros((90, 80), np.uint8))
    capsys.readouterr()
    stand_in_model.clear()
    assert run("everything", tmp_path / "other.tif", *common) == 1
    assert "masks of another image: of 200 x 150 pixels" in one_line(capsys)
    assert not stand_in_model


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--pred-iou-thresh", 3), "pred_iou_thresh is 3"),
        (("--stability-score-thresh", -0.1), "stability_score_thresh is -0.1"),
        (("--points-per-side", 0), "points_per_side is 0"),
        (("--overlap", "widest"), "smallest, largest, most_confident"),
        (("--out", "labels.xyz"), "'.xyz'"),
        (("--out", "a.tif/b.csv"), "a.tif is a file"),
        (("--work", "a.tif"), "is a file"),
        (("--store", "a.tif"), "is a file"),
    ],
)
def test_what_costs_nothing_is_checked_before_the_weights_are_loaded(
    tmp_path, image_path, capsys, stand_in_model, monkeypatch, options, words
):
    monkeypatch.chdir(tmp_path)
    assert run("everything", image_path, "--out", "b.tif", *options) == 1
    assert words in one_line(capsys)
    assert not stand_in_model
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_the_image_is_never_written_over(tmp_path, image_path, capsys, stand_in_model):
    assert run("everything", image_path, "--out", image_path) == 1
    assert "it is the image itself" in one_line(capsys)
    assert not stand_in_model


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--level", 9), "there is no level 9"),
        (("--region", 500, 0, 600, 50), "no pixel of the image"),
        (("--region", 50, 50, 40, 60), "no pixel of the image"),
    ],
)
def test_places_that_are_not_in_the_image_decode_nothing(
    tmp_path, image_path, capsys, decoded, options, words
):
    out = tmp_path / "b.tif"
    assert run("everything", image_path, "--out", out, *options) == 1
    assert words in one_line(capsys)
    assert not decoded
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--region", 0, 0, 9.5, 9), "expected whole numbers"),
        (("--region", 0, 0, 9), "expected 4 numbers"),
        (("--scheduler", "tcp://127.0.0.1:9"), "needs --store"),
    ],
)
def test_wrong_usage(tmp_path, image_path, capsys, options, words):
    out = tmp_path / "b.tif"
    assert run("everything", image_path, *options, "--out", out) == 2
    assert words in capsys.readouterr().err


def test_a_region_and_levels_limit_the_work(tmp_path, image_path, capsys, decoded):
    record = run_json(
        capsys, "everything", image_path, "--out", tmp_path / "b.csv", *QUICK,
        "--region", 0, 0, 30, 30, "--level", 0,
    )  # fmt: skip
    assert decoded == [TileKey(0, 0, 0)]
    assert record["objects"] == 2


def test_embeddings_are_kept_in_a_store_and_found_there(tmp_path, image_path, capsys):
    store = ("--store", tmp_path / "store")
    run_json(capsys, "embed", image_path, *store)
    command = ["everything", image_path, "--out", tmp_path / "b.csv", *QUICK, *store]
    first = run_json(capsys, *command)
    assert first["run"]["embedded"] == TILES - 12
    again = run_json(capsys, *command)
    assert (again["run"]["embedded"], again["run"]["decoded"]) == (0, TILES)


def test_a_cluster_finds_the_same(tmp_path, image_path, capsys):
    here, there = tmp_path / "here.tif", tmp_path / "there.tif"
    run_json(capsys, "everything", image_path, "--out", here, *QUICK)
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        dashboard_address=":0",
    ) as cluster:
        run_json(
            capsys, "everything", image_path, "--out", there, *QUICK,
            "--store", tmp_path / "store", "--scheduler", cluster.scheduler_address,
        )  # fmt: skip
    np.testing.assert_array_equal(tifffile.imread(here), tifffile.imread(there))


def progress(**numbers):
    defaults = {
        "done": 5, "total": 9, "decoded": 4, "present": 1, "skipped": 0,
        "embedded": 4, "masks": 70, "tiles_per_second": 2.0, "seconds_left": 2.0,
        "decoder_share": 0.7, "encoder_share": 0.2,
    }  # fmt: skip
    outcome = TileResult(TileKey(0, 0, 0), "decoded")
    return EverythingProgress(**{**defaults, **numbers}, outcome=outcome)


def test_a_run_in_words():
    assert everything_report.describe_run(progress(), 5.0) == (
        "Decoded 4 tiles in 5.0 s, 1 decoded before (70% of the time decoding, "
        "20% encoding, 10% anything else)"
    )
    assert everything_report.describe_run(
        progress(decoded=0, present=5, skipped=4), 90.0
    ) == ("Decoded 0 tiles in 2 min, 5 decoded before, 4 skipped as background")
    assert everything_report.describe_run(None, 0.0) == "There was no tile to look at"


def test_the_bar_shows_speed_masks_and_the_time_left(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "tilesam.cli.run_bar.Progress.update",
        lambda _self, _task, **fields: shown.append(fields),
    )
    with everything_report.everything_bar(9) as show:
        show(progress())
        show(progress(seconds_left=None))
    assert shown == [
        {"completed": 5, "details": "2.0 tiles/s, 70 masks, 2.0 s left"},
        {"completed": 5, "details": "2.0 tiles/s, 70 masks"},
    ]

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import tifffile
from distributed import LocalCluster

import tilesam
from tilesam.cli import main
from tilesam.cli.embed_report import in_bytes, in_time
from tilesam.model.runtime import SamModel
from tilesam.store import open_store, recorded_contents
from tilesam.testing.image_files import write_geotiff, write_ome_tiff, write_ome_zarr
from tilesam.testing.models import tiny_random_model
from tilesam.tiling import Grid
from tilesam.types import TileKey

HW = (200, 150)
TILES = 12
TILE_BYTES = 256 * 4 * 4 * 2


@pytest.fixture(autouse=True)
def stand_in_model(monkeypatch):
    loaded = []

    def load(name, *, device=None, refined=True):
        loaded.append((name, device))
        return tiny_random_model(0)

    monkeypatch.setitem(vars(tilesam), "load_model", load)
    return loaded


@pytest.fixture
def encoded(monkeypatch):
    """Return a list that grows with every tile that is encoded."""
    calls = []
    original = SamModel.embed

    def embed(self, windows):
        calls.extend(windows)
        return original(self, windows)

    monkeypatch.setattr(SamModel, "embed", embed)
    return calls


def textured(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*HW, 3), np.uint8)


@pytest.fixture
def image_path(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, textured(), tile=(64, 64), photometric="rgb")
    return path


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def run_json(capsys, *arguments):
    capsys.readouterr()
    assert run(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def stored_keys(folder):
    (contents,) = recorded_contents(folder)
    return open_store(folder, contents, read_only=True).keys()


def joined(text):
    """Return text without the breaks of lines that were too long for the console."""
    return " ".join(text.split())


def test_all_tiles_are_embedded_after_an_estimate(tmp_path, image_path, capsys):
    assert run("embed", image_path, "--store", tmp_path / "store") == 0
    out = joined(capsys.readouterr().out)
    assert out.startswith("12 of 12 tiles to embed, 96.0 KiB, about ")
    assert "Embedded 12 tiles in " in out
    assert "background" not in out
    assert stored_keys(tmp_path / "store") == set(Grid(HW, 64).coverage(0))


def test_json_has_estimate_and_result(tmp_path, image_path, capsys):
    embedding = ["embed", image_path, "--store", tmp_path / "store"]
    first = run_json(capsys, *embedding)
    assert first["estimate"] == {
        "tiles": TILES,
        "missing": TILES,
        "nbytes": TILES * TILE_BYTES,
        "seconds": pytest.approx(first["estimate"]["seconds"]),
    }
    assert first["model"] == "tiny_random"
    assert first["result"]["embedded"] == TILES
    assert first["result"]["nbytes"] == TILES * TILE_BYTES
    again = run_json(capsys, *embedding)
    assert again["estimate"]["missing"] == 0
    assert again["result"]["present"] == TILES
    assert again["result"]["embedded"] == 0


def test_a_dry_run_estimates_and_does_nothing(tmp_path, image_path, capsys):
    store = tmp_path / "store"
    record = run_json(capsys, "embed", image_path, "--store", store, "--dry-run")
    assert record["estimate"]["missing"] == TILES
    assert record["result"] is None
    assert not store.exists()

    run("embed", image_path, "--store", store)
    capsys.readouterr()
    assert run("embed", image_path, "--store", store, "--dry-run") == 0
    assert "All 12 tiles are there" in capsys.readouterr().out
    assert run("embed", image_path, "--store", store) == 0
    assert "12 were there already" in joined(capsys.readouterr().out)


WRITERS = {
    "slide.ome.zarr": partial(write_ome_zarr, axes="yxc"),
    "slide.ome.tif": partial(write_ome_tiff, axes="YXS"),
    "ortho.tif": partial(write_geotiff, transform=(0.5, 0, 5e5, 0, -0.5, 4e6)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_prompts_find_what_was_embedded(tmp_path, capsys, encoded, name):
    WRITERS[name](tmp_path / name, textured())
    store = tmp_path / "store"
    run_json(capsys, "embed", tmp_path / name, "--store", store, "--near", 100, 75)
    encoded.clear()
    record = run_json(
        capsys, "prompt", tmp_path / name, "--box", 90, 65, 110, 85,
        "--store", store, "--out", tmp_path / "out",
    )  # fmt: skip
    assert record["store"]["tiles"] - record["store"]["embedded_now"] == TILES
    # The first tile that is asked was embedded; a mask cut by its edge may need others.
    assert len(encoded) == record["store"]["embedded_now"]
    run_json(
        capsys, "prompt", tmp_path / name, "--box", 90, 65, 110, 85,
        "--store", store, "--out", tmp_path / "out",
    )  # fmt: skip
    assert len(encoded) == record["store"]["embedded_now"]


def test_ctrl_c_keeps_the_nearest_tiles_and_says_how_to_go_on(
    tmp_path, image_path, capsys, monkeypatch
):
    original, calls = SamModel.embed, []

    def interrupted(self, windows):
        calls.extend(windows)
        if len(calls) == 5 + 3:  # three of them for the estimate
            raise KeyboardInterrupt
        return original(self, windows)

    monkeypatch.setattr(SamModel, "embed", interrupted)
    embedding = ["embed", image_path, "--store", tmp_path / "store", "--near", 0, 0]
    assert run(*embedding) == 130
    error = joined(capsys.readouterr().err)
    assert "4 of 12 tiles are stored. The same command goes on" in error
    near = {TileKey(0, 0, 0), TileKey(0, 0, 3), TileKey(0, 3, 0), TileKey(0, 3, 3)}
    assert stored_keys(tmp_path / "store") == near

    record = run_json(capsys, *embedding)
    assert record["result"]["embedded"] == TILES - 4
    assert record["result"]["present"] == 4


def test_levels_can_be_chosen(tmp_path, image_path):
    store = tmp_path / "store"
    code = run("embed", image_path, "--store", store, "--level", 2, "--level", 1)
    assert code == 0
    grid = Grid(HW, 64)
    assert stored_keys(store) == {*grid.coverage(1), *grid.coverage(2)}


def test_a_level_that_does_not_exist_makes_no_store(tmp_path, image_path, capsys):
    store = tmp_path / "store"
    assert run("embed", image_path, "--store", store, "--level", 9) == 1
    assert "there is no level 9" in joined(capsys.readouterr().err)
    assert not store.exists()


def test_background_is_left_out_and_counted_only_when_asked_for(tmp_path, capsys):
    image = np.full((*HW, 3), 245, np.uint8)
    image[:30, :30] = textured()[:30, :30]
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb")
    embedding = ["embed", tmp_path / "a.tif", "--store", tmp_path / "store"]
    assert run(*embedding, "--skip-background") == 0
    assert "11 were skipped as background" in joined(capsys.readouterr().out)
    assert stored_keys(tmp_path / "store") == {TileKey(0, 0, 0)}
    assert run_json(capsys, *embedding)["result"]["embedded"] == 11


def test_a_changed_image_is_an_error_or_replaced(tmp_path, image_path, capsys):
    embedding = ["embed", image_path, "--store", tmp_path / "store"]
    run(*embedding)
    tifffile.imwrite(image_path, textured(1), tile=(64, 64), photometric="rgb")
    capsys.readouterr()
    assert run(*embedding) == 1
    error = capsys.readouterr().err
    assert "--replace-changed" in error
    assert error.count("\n") == 1
    record = run_json(capsys, *embedding, "--replace-changed")
    assert record["result"]["embedded"] == TILES
    assert run_json(capsys, *embedding)["result"]["present"] == TILES


def test_a_cluster_does_the_work(tmp_path, image_path, capsys):
    store = tmp_path / "store"
    with LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp://",
        dashboard_address=":0",
        resources={"GPU": 1},
    ) as cluster:
        record = run_json(
            capsys, "embed", image_path, "--store", store, "--resource", "GPU=1",
            "--scheduler", cluster.scheduler_address,
        )  # fmt: skip
    assert record["estimate"]["seconds"] is None
    assert record["result"]["embedded"] == TILES
    assert len(stored_keys(store)) == TILES


def test_model_device_and_threads_are_passed_on(
    tmp_path, image_path, stand_in_model, monkeypatch
):
    from tilesam.embedding import run as run_module

    threads = []
    original = run_module.embed_tiles

    def spy(*arguments, **options):
        threads.append(options["torch_threads"])
        return original(*arguments, **options)

    monkeypatch.setattr(run_module, "embed_tiles", spy)
    run(
        "embed", image_path, "--store", tmp_path / "store", "--model", "vit_b",
        "--device", "mps", "--threads", 1,
    )  # fmt: skip
    assert stand_in_model == [("vit_b", "mps")]
    assert threads == [1]


@pytest.mark.parametrize("text", ["GPU", "GPU=", "GPU=one"])
def test_a_resource_without_a_number_is_wrong_usage(tmp_path, image_path, capsys, text):
    code = run(
        "embed", image_path, "--store", tmp_path / "store", "--scheduler", "tcp://a:1",
        "--resource", text,
    )  # fmt: skip
    assert code == 2
    assert "NAME=AMOUNT" in capsys.readouterr().err


def test_a_store_that_is_a_file_is_one_line_before_a_model_is_loaded(
    tmp_path, image_path, capsys, stand_in_model
):
    (tmp_path / "store").write_text("a file")
    assert run("embed", image_path, "--store", tmp_path / "store") == 1
    error = capsys.readouterr().err
    assert "is a file" in error
    assert error.count("\n") == 1
    assert not stand_in_model


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (2048, "2.0 KiB"),
        (33 * 2**30, "33.0 GiB"),
        (2**52, "4096.0 TiB"),
    ],
)
def test_bytes_in_words(count, text):
    assert in_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (90, "2 min"), (7000, "117 min"), (36e3, "10.0 h")],
)
def test_time_in_words(seconds, text):
    assert in_time(seconds) == text

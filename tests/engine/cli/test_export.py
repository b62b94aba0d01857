from __future__ import annotations

import csv
import json

import pytest
from PIL import Image

from tilesam import Session
from tilesam.cli import main
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model

OBJECTS = [(8, 8, 24, 24), (40, 40, 56, 56)]


@pytest.fixture
def image_path(tmp_path):
    path = tmp_path / "squares.png"
    Image.fromarray(bright_rectangles((64, 64), OBJECTS)).save(path)
    return path


@pytest.fixture
def saved(tmp_path, image_path):
    return save(tmp_path / "work.sam.json", image_path)


def save(path, image_path, **options):
    session = Session.open(image_path, model=bright_region_model(), **options)
    session.save(path)
    for y0, x0, _, _ in OBJECTS:
        session.accept(session.prompt(points_yx=[(y0 + 4, x0 + 4)])[0])
    session.close()
    return path


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in ("export", *arguments)])
    return caught.value.code


def test_objects_of_the_journal_are_written_too(saved, tmp_path, capsys):
    out = [tmp_path / "o.geojson", tmp_path / "o.csv", tmp_path / "o.png"]
    assert run(saved, *(part for file in out for part in ("--out", file))) == 0
    assert len(json.loads(out[0].read_text())["features"]) == 2
    with out[1].open() as file:
        assert [row["label"] for row in csv.DictReader(file)] == ["1", "2"]
    assert out[2].stat().st_size > 0
    assert capsys.readouterr().out.startswith("Wrote 2 object(s) to ")


def test_machines_get_a_document(saved, tmp_path, capsys):
    out = tmp_path / "o.ome.zarr"
    assert run(saved, "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "session": str(saved),
        "out": [str(out)],
        "model": "bright_region",
        "objects": 2,
    }


def test_without_the_image_all_but_a_picture_is_written(
    saved, image_path, tmp_path, capsys
):
    moved = image_path.rename(tmp_path / "moved.png")
    assert run(saved, "--out", tmp_path / "o.json") == 0
    assert capsys.readouterr().err.startswith("Without the image: ")
    assert run(saved, "--out", tmp_path / "o.png") == 1
    assert not (tmp_path / "o.png").exists()
    assert run(saved, "--out", tmp_path / "o.png", "--image", moved) == 0


def test_another_image_is_refused(saved, tmp_path, capsys):
    other = tmp_path / "other.png"
    Image.new("RGB", (10, 10)).save(other)
    assert run(saved, "--out", tmp_path / "o.csv", "--image", other) == 1
    error = capsys.readouterr().err
    assert "64 x 64 pixels" in error
    assert error.count("\n") == 1


def test_a_session_that_is_open_elsewhere_can_be_read(saved, image_path, tmp_path):
    model = bright_region_model()
    with Session.replay(saved, model=model):
        assert run(saved, "--out", tmp_path / "o.csv") == 0


def test_labels_in_zarr_are_read_by_one_at_a_time(image_path, tmp_path, capsys):
    saved = save(tmp_path / "w.sam.json", image_path, labels=tmp_path / "w.zarr")
    assert run(saved, "--out", tmp_path / "o.csv") == 0
    with Session.replay(saved, model=bright_region_model()):
        assert run(saved, "--out", tmp_path / "o2.csv") == 1
    assert "is open already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("session", "out", "words"),
    [
        ("missing.sam.json", "o.csv", "there is no session"),
        ("squares.png", "o.csv", "cannot be read as a session"),
        ("work.sam.json", "o.docx", "suffix"),
        ("work.sam.json", "squares.png/o.csv", "is a file"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    saved, tmp_path, capsys, session, out, words
):
    assert run(tmp_path / session, "--out", tmp_path / out) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1

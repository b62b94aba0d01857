from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.annotation.making import (
    SHAPE,
    actions,
    build_bench,
    build_document,
    build_prompts,
    foreign_labels,
    paint_foreign,
)
from tests.engine.model.refining.scripted import bright, scripted_refiner
from tilesam.annotation import (
    ArrayTarget,
    ImageRecord,
    LabelsRecord,
    LoadedSession,
    ModelRecord,
    ObjectRows,
    SessionDocument,
    StoredObject,
    collect_objects,
    new_label_array,
    objects_without_masks,
    open_label_array,
    read_document,
    replay,
)
from tilesam.annotation.document import write_document
from tilesam.annotation.pieces import Piece
from tilesam.errors import SessionFileError
from tilesam.testing.models import bright_region_model, tiny_random_model
from tilesam.types import ImageIdentity, MaskInput, TileKey


@given(foreign_labels, st.lists(actions, max_size=8))
def test_objects_come_back_as_they_were(foreign, script):
    bench = build_bench(paint_foreign(foreign))
    for action in script:
        bench.act(action)
    document = build_document(
        objects=collect_objects(bench.objects.target, bench.rows),
        labels=LabelsRecord(SHAPE, "uint16", None, bench.rows.foreign_highest),
    )
    plain = json.loads(json.dumps(document.to_plain(Path())))
    read = SessionDocument.from_plain(plain, Path())
    labels = open_label_array(read.labels)
    again = replay(LoadedSession(read), ArrayTarget(labels))
    assert labels.dtype == bench.labels.dtype
    assert (labels == bench.labels).all()
    assert list(again.rows) == list(bench.rows)
    assert again.rows.next_label == bench.rows.next_label


def test_objects_of_several_blocks_come_back(monkeypatch):
    monkeypatch.setattr("tilesam.annotation.scanning.BLOCK_SIDE", 4)
    bench = build_bench()
    bench.act(("accept", 1, (1, 1), (8, 10), "keep", None))
    (stored,) = collect_objects(bench.objects.target, bench.rows)
    assert len(stored.pieces) > 1
    labels = np.zeros_like(bench.labels)
    replay(LoadedSession(build_document(objects=(stored,))), ArrayTarget(labels))
    assert (labels == bench.labels).all()


def test_everything_else_comes_back(tmp_path):
    logits = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    prompts = build_prompts([(1.5, 2)], [(0, 0, 3.25, 4)])
    object.__setattr__(prompts, "mask_input", MaskInput(logits, TileKey(-1, 2, 3)))
    document = build_document(
        plane=(3, 1),
        settings={"policy": "ask", "chosen": 1},
        prompts=prompts,
        journal="new",
        replaces="old",
    )
    write_document(tmp_path / "work.sam.json", document)
    read = read_document(tmp_path / "work.sam.json")
    assert read.to_plain(tmp_path) == document.to_plain(tmp_path)
    assert (read.image, read.model, read.labels) == (
        document.image, document.model, document.labels
    )  # fmt: skip
    assert (read.plane, read.settings) == (document.plane, document.settings)
    assert np.array_equal(read.prompts.mask_input.low_res_logits, logits)
    assert read.prompts.mask_input.tile == TileKey(-1, 2, 3)
    assert read.prompts.bounds_yxyx == prompts.bounds_yxyx
    assert read.prompts.point_labels.dtype == np.int64


@pytest.mark.parametrize("outside", [True, False])
def test_a_folder_can_be_moved_with_all_that_is_in_it(tmp_path, outside):
    folder, other = tmp_path / "a", tmp_path / "b"
    identity = ImageIdentity(SHAPE[-2:], "uint8", 3)
    image = (tmp_path if outside else folder) / "cells.tif"
    write_document(
        folder / "work.sam.json",
        build_document(
            image=ImageRecord("cells", image, identity),
            labels=LabelsRecord(SHAPE, path="s3://bucket/labels.zarr"),
        ),
    )
    folder.rename(other)
    read = read_document(other / "work.sam.json")
    assert read.image.path == (image if outside else other / "cells.tif")
    assert read.labels.path == "s3://bucket/labels.zarr"


def test_labels_in_a_zarr_are_opened_again(tmp_path):
    path = tmp_path / "labels.zarr"
    new_label_array(SHAPE, path=path)[0, 1, 2] = 5
    record = LabelsRecord(SHAPE, path=path)
    assert open_label_array(record)[0, 1, 2] == 5
    with pytest.raises(SessionFileError, match="choose a new folder"):
        new_label_array(SHAPE, path=path)
    with pytest.raises(SessionFileError, match=r"expected uint32 of shape \(3, 3\)"):
        open_label_array(LabelsRecord((3, 3), path=path))
    with pytest.raises(SessionFileError, match="put them back"):
        open_label_array(LabelsRecord(SHAPE, path=tmp_path / "missing.zarr"))
    bench = build_bench()
    bench.act(("accept", 0, (0, 0), (2, 2), "keep", None))
    assert objects_without_masks(bench.rows) == (StoredObject(1, bench.rows.get(1)),)


def test_another_image_is_told():
    document = build_document()
    document.require_image(ImageIdentity(SHAPE[-2:], "uint8", 3))
    with pytest.raises(SessionFileError, match=r"cells, 9 x 11 .*3 channel"):
        document.require_image(ImageIdentity(SHAPE[-2:], "uint8", 1))
    with pytest.raises(SessionFileError, match=r"shape \(2, 2\)"):
        replay(LoadedSession(document), ArrayTarget(np.zeros((2, 2), np.uint8)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a session"),
        (b"{", "cannot be read as a session"),
        (b"\xff", "cannot be read as a session"),
        (b"[]", "something else"),
        (b'{"images": []}', "something else"),
        (b'{"format": "napari-sam-session", "version": 2}', "version 2"),
        (b'{"format": "napari-sam-session", "version": 1}', "damaged: KeyError"),
    ],
)
def test_what_is_no_session_is_told(tmp_path, content, message):
    path = tmp_path / "work.sam.json"
    path.write_bytes(content)
    with pytest.raises(SessionFileError, match=message):
        read_document(path)
    with pytest.raises(SessionFileError, match="there is no session"):
        read_document(tmp_path / "other")


def test_a_session_that_cannot_be_saved_leaves_the_old_one(tmp_path):
    path = tmp_path / "work.sam.json"
    write_document(path, build_document(plane=(7,)))
    for settings in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises(SessionFileError, match="expected settings of numbers"):
            write_document(path, build_document(settings=settings))
    assert read_document(path).plane == (7,)
    assert [file.name for file in tmp_path.iterdir()] == ["work.sam.json"]
    with pytest.raises(SessionFileError, match="cannot write"):
        write_document(path / "inside", build_document())


@pytest.mark.parametrize(
    "piece",
    [
        Piece((0,), (8, 0), (2, 1), "02"),
        Piece((2,), (0, 0), (2, 1), "02"),
        Piece((0,), (-1, 0), (2, 1), "02"),
        Piece((), (0, 0), (2, 1), "02"),
        Piece((0,), (0, 0), (2, 1), "!"),
    ],
)
def test_masks_that_do_not_fit_are_told(piece):
    document = build_document(objects=(StoredObject(1, None, (piece,)),))
    labels = np.zeros(SHAPE, np.uint8)
    with pytest.raises(SessionFileError, match="saved objects cannot be made again"):
        replay(LoadedSession(document), ArrayTarget(labels))


def test_rows_begin_where_the_document_says():
    rows = ObjectRows(foreign_highest=41)
    assert rows.next_label == 42


def refined_model():
    model = bright_region_model()
    model.refiner = scripted_refiner(bright)
    return model


@pytest.mark.parametrize("model", [bright_region_model(), refined_model()])
def test_the_model_comes_back(model):
    document = build_document(model=ModelRecord.of(model))
    plain = json.loads(json.dumps(document.to_plain(Path())))
    read = SessionDocument.from_plain(plain, Path()).model
    assert read == document.model
    assert read.differs_from(model) is None


def test_what_a_model_has_others_of_is_told():
    plain, refined = (
        ModelRecord.of(model) for model in (bright_region_model(), refined_model())
    )
    assert plain.differs_from(refined_model()) == "weights of the refiner"
    assert refined.differs_from(bright_region_model()) == "weights of the refiner"
    assert refined.differs_from(tiny_random_model(1)) == "weights"


def test_a_refiner_that_nobody_wrote_down_may_be_any():
    """As in files of earlier versions."""
    record = ModelRecord.of(refined_model())
    plain = build_document(model=record).to_plain(Path())
    del plain["model"]["refiner_sha256"]
    read = SessionDocument.from_plain(plain, Path()).model
    assert read.differs_from(refined_model()) is None
    assert read.differs_from(bright_region_model()) is None
    assert read.differs_from(tiny_random_model(1)) == "weights"

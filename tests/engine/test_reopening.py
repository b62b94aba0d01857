"""Sessions that are opened again: image, model, labels, and what may have changed."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import zarr
from numpy.testing import assert_array_equal
from PIL import Image

from tests.engine.annotation.making import build_document, build_prompts
from tests.engine.model.refining.scripted import bright, scripted_refiner
from tilesam import ImageReadError, Session, UnknownModelError
from tilesam.annotation import ImageRecord, ModelRecord, SessionFile, read_document
from tilesam.errors import SessionFileError
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model, tiny_random_model
from tilesam.types import ImageIdentity

HW = (64, 64)
FIRST, SECOND = (12, 12), (44, 44)
IMAGE = bright_rectangles(HW, [(8, 8, 24, 24), (40, 36, 56, 60)])


@pytest.fixture(scope="module")
def model():
    return bright_region_model()


@pytest.fixture
def image_path(tmp_path):
    path = tmp_path / "image" / "cells.png"
    path.parent.mkdir()
    Image.fromarray(IMAGE).save(path)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "work.sam.json"


@pytest.fixture
def saved(path, image_path, model):
    """A session of two objects, the second of which was accepted after saving."""
    with Session.open(image_path, model=model) as session:
        accept(session, FIRST)
        session.save(path)
        accept(session, SECOND)
    return session


def accept(session, point_yx):
    return session.accept(session.prompt(points_yx=[point_yx])[0])


def test_a_session_goes_on_where_it_stopped(path, saved, model):
    with Session.replay(path, model=model) as session:
        assert_array_equal(session.labels, saved.labels)
        assert list(session.objects) == list(saved.objects)
        assert session.undo().name == "accept object 2"
        assert session.undo() is None  # what was before the file is not undone
        assert session.redo().name == "accept object 2"
        session.delete(1)
    with Session.replay(path, model=model) as session:
        assert [row.label for row in session.objects] == [2]


def test_an_image_that_moved_is_asked_for(path, image_path, saved, model):
    moved = image_path.rename(image_path.with_name("moved.png"))
    with pytest.raises(ImageReadError, match=r"of cells\.png.*image="):
        Session.replay(path, model=model)
    with Session.replay(path, image=moved, model=model) as session:
        session.save()
    assert read_document(path).image.path == moved


def test_pixels_that_were_never_in_a_file_are_asked_for(path, model):
    with Session.open(IMAGE, model=model) as session:
        session.save(path)
    with pytest.raises(SessionFileError, match="was not in a file"):
        Session.replay(path, model=model)
    Session.replay(path, image=IMAGE, model=model).close()


def test_another_image_is_refused_and_the_file_let_go(path, saved, model):
    with pytest.raises(SessionFileError, match=r"64 x 64 pixels.*open the image"):
        Session.replay(path, image=IMAGE[:32], model=model)
    Session.replay(path, model=model).close()


def test_a_session_that_is_open_is_not_opened_twice(path, saved, model):
    with (
        Session.replay(path, model=model),
        pytest.raises(SessionFileError, match="is open already"),
    ):
        Session.replay(path, model=model)


def test_other_weights_are_said(path, saved):
    other = tiny_random_model(1)
    with pytest.warns(UserWarning, match="bright_region.*goes on with tiny_random"):
        session = Session.replay(path, model=other)
    assert_array_equal(session.labels, saved.labels)
    session.close()


def test_another_refiner_is_said(path, saved):
    same = bright_region_model()
    same.refiner = scripted_refiner(bright)
    with pytest.warns(UserWarning, match="with other weights of the refiner"):
        Session.replay(path, model=same).close()
    Session.replay(path, model=bright_region_model()).close()


def test_a_model_without_a_name_here_is_asked_for(path, saved):
    with pytest.raises(UnknownModelError, match=r"'bright_region'.*model="):
        Session.replay(path)


def test_labels_in_zarr_are_found_where_they_are(path, image_path, model, tmp_path):
    labels = tmp_path / "work.labels.zarr"
    with Session.open(image_path, model=model, labels=labels) as session:
        session.save(path)
        accept(session, FIRST)
        expected = session.labels[:]
    assert read_document(path).labels.path == labels
    with Session.replay(path, model=model) as session:
        assert_array_equal(session.labels[:], expected)
        session.undo()
        assert not session.labels[:].any()


def test_the_image_is_seen_as_it_was(path, tmp_path, model):
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 4000, (2, 5, *HW), np.uint16)
    stack[1, 3] += IMAGE[..., 0] * np.uint16(10)
    image_path = tmp_path / "stack.tif"
    tifffile.imwrite(image_path, stack, metadata={"axes": "TCYX"})
    options = {"channels": [3], "plane": 1, "contrast_limits": (200, 5000)}
    session = Session.open(image_path, model=model, object_diameter=9, **options)
    session.save(path)
    session.close()
    again = Session.replay(path, model=model)
    again.close()
    seen = [one.source.read_window(one.grid.window(one.plan()[0])) for one in
            (session, again)]  # fmt: skip
    assert_array_equal(*seen)
    assert again.finest_level == session.finest_level
    assert again.store.contents.digest == session.store.contents.digest


def test_what_the_plugin_keeps_is_kept_for_it(path, saved, model):
    prompts = build_prompts()
    with SessionFile.open(path) as file:
        file.record_settings({"policy": "ask"})
        file.record_prompts(prompts)
    with Session.replay(path, model=model) as session:
        session.save()
    document = read_document(path)
    assert document.settings["policy"] == "ask"
    assert document.prompts.points_yx.tolist() == prompts.points_yx.tolist()
    Session.replay(path, model=model).close()


def test_settings_that_say_nothing_of_the_image_will_do(path, saved, model):
    with SessionFile.open(path) as file:
        document = file.loaded.document
        document.settings.clear()
        file.save(document)
    Session.replay(path, model=model).close()


def test_a_large_image_without_objects_so_far_takes_no_memory(path, tmp_path, model):
    # The plugin saves such a session at the first prompt.
    image = zarr.create_array(
        str(tmp_path / "large.zarr"), shape=(40000, 50000), dtype="uint8", fill_value=40
    )
    image[20000:20016, 20000:20016] = 230
    identity = ImageIdentity(image.shape, "uint8", 1)
    document = build_document(
        image.shape,
        image=ImageRecord("large", tmp_path / "large.zarr", identity),
        model=ModelRecord.of(model),
    )
    SessionFile.create(path, document).close()
    with Session.replay(path, model=model) as session:
        assert accept(session, (20008, 20008)) == 1
        assert session.labels.nchunks_initialized <= 4

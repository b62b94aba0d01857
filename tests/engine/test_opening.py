"""An image and a store that fit each other."""

from __future__ import annotations

import numpy as np
import pytest

from tilesam import Session, StoreMismatchError
from tilesam.errors import OutputError, StoreError
from tilesam.image import open_image
from tilesam.opening import open_source, require_store_place
from tilesam.testing.models import tiny_random_model

SIZE = 64


@pytest.fixture(scope="module")
def model():
    return tiny_random_model(0, input_size=SIZE)


@pytest.fixture
def stack():
    return np.random.default_rng(0).integers(0, 4000, (3, 70, 90), np.uint16)


def test_each_plane_of_a_stack_has_its_own_embeddings(model, stack, tmp_path, caplog):
    path = tmp_path / "store"
    for plane in (0, 2):
        session = Session.open(stack, model=model, store=path, plane=plane)
        session.embed()
        assert session.store.keys() == set(session.plan())
        assert session.store.contents.plane == (plane,)
    first = Session.open(stack, model=model, store=path, plane=0)
    first.embeddings.get(first.plan()[0])
    assert first.embeddings.embedded_count == 0
    assert not caplog.text


def test_a_store_keeps_the_limits_it_was_made_with(model, stack, tmp_path):
    path = tmp_path / "store"
    made = Session.open(stack[0], model=model, store=path)
    changed = stack[0].copy()
    changed[:20] = 60_000
    assert open_image(changed).normalization != made.source.normalization
    again = open_source(changed, path)
    assert again.normalization == made.source.normalization


def test_limits_that_are_asked_for_come_before_those_of_a_store(model, stack, tmp_path):
    path = tmp_path / "store"
    Session.open(stack[0], model=model, store=path)
    source = open_source(stack[0], path, contrast_limits=(0, 9))
    assert source.normalization.limits == ((0.0, 9.0),)


def test_a_store_of_another_image_is_refused(model, stack, tmp_path):
    path = tmp_path / "store"
    Session.open(stack[0], model=model, store=path)
    with pytest.raises(StoreMismatchError, match="70 x 90"):
        require_store_place(path, open_image(stack[0, :60]))


def test_places_where_no_store_can_be_are_refused(stack, tmp_path):
    source = open_image(stack[0])
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    with pytest.raises(StoreError, match="is a file"):
        require_store_place(file, source)
    with pytest.raises(OutputError, match="is a file"):
        require_store_place(file / "store", source)
    assert file.read_text() == "mine"
    require_store_place(tmp_path / "new" / "store", source)
    assert not (tmp_path / "new").exists()

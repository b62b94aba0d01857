"""Objects of a session ranked by their likeness to one of them."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from numpy.testing import assert_allclose, assert_array_equal

from tilesam import Session, load_model
from tilesam.annotation import ObjectLabels, PixelChange
from tilesam.errors import AnnotationError, SimilarityError
from tilesam.similarity import object_vectors
from tilesam.similarity.label_boxes import BLOCK_SIDE
from tilesam.testing.models import tiny_random_model

SIZE = 64
BRIGHT, DARK, STRIPED = 1, 2, 3


@pytest.fixture(scope="module")
def model():
    return tiny_random_model(3, input_size=SIZE)


def pixels_of(kind, hw):
    """Return light that a network with any weights can tell apart."""
    x = np.arange(hw[1])
    light = {BRIGHT: 230.0, DARK: 10.0, STRIPED: np.where(x % 4 < 2, 230.0, 10.0)}
    return np.broadcast_to(light[kind], hw)


def scene(hw=(232, 328), side=32, step=48, seed=0):
    """Return an image with objects of three kinds, their labels, and each one's kind.

    Labels are 10, 20, 30 ... row by row.
    """
    rng = np.random.default_rng(seed)
    image = np.full(hw, 110.0)
    labels, kinds = np.zeros(hw, np.uint32), {}
    for y in range(8, hw[0] - side, step):
        for x in range(8, hw[1] - side, step):
            label = 10 * (len(kinds) + 1)
            kinds[label] = int(rng.integers(1, 4))
            image[y : y + side, x : x + side] = pixels_of(kinds[label], (side, side))
            labels[y : y + side, x : x + side] = label
    image += rng.normal(scale=4, size=hw)
    return np.clip(image, 0, 255).astype(np.uint8), labels, kinds


def precision(ranked, kinds):
    """Return the share of the query's kind in as many as there are of it."""
    own = kinds[ranked.label]
    count = sum(kind == own for kind in kinds.values()) - 1
    return np.mean([kinds[label] == own for label in ranked.labels[:count].tolist()])


def mean_precision(session, kinds):
    return np.mean([precision(session.similar(label, None), kinds) for label in kinds])


def test_objects_of_the_same_kind_come_first(model):
    image, labels, kinds = scene()
    session = Session.open(image, model=model, labels=labels)
    ranked = session.similar(10, None)
    assert sorted([*ranked.labels.tolist(), ranked.label]) == sorted(kinds)
    assert (np.diff(ranked.similarities) <= 0).all()
    assert np.abs(ranked.similarities).max() <= 1
    # By chance it is a third.
    assert mean_precision(session, kinds) >= 0.85


def test_the_embedded_model_tells_kinds_apart():
    image, labels, kinds = scene((420, 620), side=36, step=64)
    session = Session.open(image, model=load_model("tiny"), labels=labels)
    assert mean_precision(session, kinds) >= 0.8


def test_k_is_how_many_at_most(model):
    image, labels, kinds = scene()
    session = Session.open(image, model=model, labels=labels)
    every = session.similar(10, None)
    assert len(every) == len(kinds) - 1 > 10
    assert len(session.similar(10)) == 10
    assert_array_equal(session.similar(10, 3).labels, every.labels[:3])
    assert len(session.similar(10, 10**6)) == len(every)


def test_accepted_objects_are_ranked_like_foreign_ones(model):
    image, labels, kinds = scene()
    foreign = labels.copy()
    foreign[labels == 20] = 0
    session = Session.open(image, model=model, labels=foreign)
    best = session.prompt(boxes_yxyx=[(8, 56, 39, 87)])[0]
    own = session.accept(best)
    ranked = session.similar(own, None)
    assert set(ranked.labels.tolist()) == set(kinds) - {20}
    assert own in session.similar(10, None).labels


def test_each_tile_is_embedded_once_and_each_object_asked_once(model, monkeypatch):
    image, labels, kinds = scene()
    asked = []
    tokens = object_vectors.mask_tokens
    monkeypatch.setattr(
        object_vectors, "mask_tokens",
        lambda *given: asked.append(len(given[2])) or tokens(*given),
    )  # fmt: skip
    session = Session.open(image, model=model, labels=labels)
    session.similar(10)
    embedded = session.embeddings.embedded_count
    boxes = vectors_of(session)._scan.boxes.extents_yxyx - (0, 0, 1, 1)
    assert embedded == len({session.grid.choose(tuple(box)) for box in boxes}) > 1
    assert sum(asked) == len(kinds)
    assert max(asked) <= object_vectors.AT_ONCE
    session.similar(20)
    assert session.embeddings.embedded_count == embedded
    assert sum(asked) == len(kinds)


def vectors_of(session):
    return session._similarity._latest[1]


def test_a_vector_is_forgotten_when_pixels_of_its_object_change(model):
    image, labels, _ = scene()
    session = Session.open(image, model=model, labels=labels)
    before = session.similar(10, None)
    vectors = vectors_of(session)
    kept = dict(vectors._vectors)

    def remade():
        session.similar(10, None)
        now = vectors._vectors
        made = {name for name in now if kept.get(name) is not now[name]}
        kept.clear()
        kept.update(now)
        return made

    session.delete(20)
    assert 20 not in session.similar(10, None).labels
    assert remade() == set()
    session.undo()
    assert remade() == {20}
    after = session.similar(10, None)
    assert_array_equal(after.labels, before.labels)
    assert_array_equal(after.similarities, before.similarities)

    # A stroke of a brush that takes a part of one and gives it to another.
    rows, columns = (index.ravel() for index in np.mgrid[90:96, 90:100])
    history = session._objects.history
    taken = session.labels[rows, columns]
    change = PixelChange((rows, columns), taken, np.asarray(10))
    session.labels[rows, columns] = 10
    history.note(ObjectLabels(history.target, history.rows).drawn([change]))
    assert remade() == {10, *np.unique(taken[taken > 0]).tolist()}
    session.undo()
    assert_array_equal(session.similar(10, None).similarities, before.similarities)


def test_a_run_that_is_stopped_goes_on_where_it_was(model):
    image, labels, kinds = scene()
    session = Session.open(image, model=model, labels=labels)

    class StopError(Exception):
        pass

    def stop(step):
        if step.done:
            raise StopError

    with pytest.raises(StopError):
        session.similar(10, progress=stop)
    done = len(vectors_of(session).known)
    assert 0 < done < len(kinds)
    steps = []
    session.similar(10, progress=steps.append)
    assert [step.done for step in steps] == sorted({step.done for step in steps})
    assert steps[0].done > done
    assert steps[-1].done == steps[-1].total == len(kinds)
    assert session.similar(10, progress=pytest.fail)


def test_what_is_known_does_not_depend_on_the_order_of_asking(model):
    image, labels, _ = scene()
    fresh = Session.open(image, model=model, labels=labels.copy()).similar(10, None)
    session = Session.open(image, model=model, labels=labels)
    for label in (20, 30):
        session.delete(label)
    session.similar(10)
    session.undo()
    session.undo()
    again = session.similar(10, None)
    assert_array_equal(again.labels, fresh.labels)
    assert_allclose(again.similarities, fresh.similarities, atol=1e-6)


def test_an_object_larger_than_a_tile_is_seen_at_a_coarser_level(model):
    image, labels, kinds = scene()
    labels[:] = np.where(labels > 0, labels, 7)
    session = Session.open(image, model=model, labels=labels)
    ranked = session.similar(7, None)
    assert set(ranked.labels.tolist()) == set(kinds)
    assert 7 in session.similar(10, None).labels
    assert session.grid.choose((0, 0, 231, 327)).level > 0


@pytest.mark.parametrize("are_labels_of_a_stack", [True, False])
def test_objects_of_the_plane_are_compared(model, are_labels_of_a_stack):
    image, labels, kinds = scene()
    stack = np.stack([np.zeros_like(image), image])
    if are_labels_of_a_stack:
        other = np.where(labels > 0, 5, 0).astype(np.uint32)
        labels = np.stack([other, labels])
    session = Session.open(stack, model=model, plane=1, labels=labels)
    ranked = session.similar(10, None)
    assert set(ranked.labels.tolist()) == set(kinds) - {10}
    if are_labels_of_a_stack:
        with pytest.raises(SimilarityError, match="no object 5 in this plane"):
            session.similar(5)


def test_labels_in_zarr_are_read_in_blocks_and_no_more_than_twice(model, tmp_path):
    side = 2 * BLOCK_SIDE
    labels = zarr.create_array(
        tmp_path / "labels.zarr", shape=(side, side), chunks=(512, 512), dtype="u4"
    )
    for label, y in enumerate((30, side // 2 - 10, side - 60), start=1):
        labels[y : y + 20, y : y + 25] = label
    image = np.broadcast_to(np.uint8(60), (side, side))
    session = Session.open(image, model=model, labels=labels)
    reads = []
    target = session._objects.history.target
    read = target.read
    target.read = lambda slices: reads.append(slices) or read(slices)
    assert set(session.similar(1).labels.tolist()) == {2, 3}
    pixels = [np.prod([part.stop - part.start for part in block]) for block in reads]
    assert max(pixels) <= BLOCK_SIDE**2
    assert side**2 <= sum(pixels) < 1.01 * side**2


@pytest.mark.parametrize(
    ("label", "k", "words"),
    [
        (11, 10, "no object 11 in this plane; expected one of the 24 labels"),
        (0, 10, "the label is 0"),
        (-1, 10, "the label is -1"),
        (1.5, 10, "the label is 1.5"),
        (True, 10, "the label is True"),
        ("10", 10, "the label is '10'"),
        (10, 0, "k is 0; expected 1 or more, or None"),
        (10, "all", "k is 'all'"),
    ],
)
def test_what_cannot_be_compared_is_said(model, label, k, words):
    image, labels, _ = scene()
    session = Session.open(image, model=model, labels=labels)
    with pytest.raises(SimilarityError, match=words):
        session.similar(label, k)


def test_an_object_alone_is_said(model):
    image, labels, _ = scene()
    labels[labels != 10] = 0
    session = Session.open(image, model=model, labels=labels)
    with pytest.raises(SimilarityError, match="object 10 is the only one"):
        session.similar(10)


def test_an_image_without_labels_says_what_it_needs(model):
    image = np.broadcast_to(np.uint8(60), (2**14, 2**13))
    session = Session.open(image, model=model)
    with pytest.raises(AnnotationError, match="not kept in memory"):
        session.similar(1)

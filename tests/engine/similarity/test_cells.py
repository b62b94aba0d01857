"""Pixels of objects in the cells of an embedding, counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from tilesam.similarity import cells
from tilesam.similarity.cells import count_cells, mean_and_spread
from tilesam.types import Window

SIZE, SIDE = 64, 4

LABELS = arrays(np.uint16, (12, 10), elements=st.sampled_from([0, 0, 3, 4, 9]))


def counted(labels, names, window):
    """Return the cells of each pixel by itself."""
    counts = np.zeros((len(names), SIDE, SIDE), np.int64)
    scale = SIZE / max(window.height, window.width)
    for (y, x), value in np.ndenumerate(labels):
        if value in names:
            row = int((y - window.y0 + 0.5) * scale // 16)
            column = int((x - window.x0 + 0.5) * scale // 16)
            counts[names.index(value), row, column] += 1
    return counts


def test_an_object_in_one_corner_of_a_cell():
    labels = np.zeros((64, 64), np.int64)
    labels[14:18, 30:33] = 7
    found = count_cells(
        np.array([7]), [(labels, (0, 0))], Window(0, 0, 64, 64), SIZE
    ).toarray()
    expected = np.zeros((4, 4), np.int64)
    expected[0:2, 1:3] = [[4, 2], [4, 2]]
    assert_array_equal(found.reshape(4, 4), expected)


@pytest.mark.parametrize("side", [32, 64, 128, 256])
@given(labels=LABELS)
def test_every_pixel_counts_once_in_its_cell(side, labels):
    window = Window(0, 0, side, side)
    place = 0, 0
    found = count_cells(np.array([3, 9]), [(labels, place)], window, SIZE)
    expected = counted(labels, [3, 9], window)
    assert_array_equal(found.toarray().reshape(expected.shape), expected)
    assert found.sum() == np.isin(labels, [3, 9]).sum()


@given(labels=LABELS, cut=st.integers(1, 11), y0=st.integers(0, 40))
def test_how_labels_are_cut_into_blocks_does_not_matter(labels, cut, y0):
    window = Window(0, 0, 64, 64)
    names = np.array([3, 4, 9])
    whole = count_cells(names, [(labels, (y0, 5))], window, SIZE)
    parts = [(labels[cut:], (y0 + cut, 5)), (labels[:cut], (y0, 5))]
    assert_array_equal(
        count_cells(names, parts, window, SIZE).toarray(), whole.toarray()
    )


def test_tall_blocks_are_looked_at_in_strips(monkeypatch):
    monkeypatch.setattr(cells, "ROWS_AT_ONCE", 5)
    labels = np.arange(12 * 10).reshape(12, 10) % 3
    window = Window(0, 0, 64, 64)
    found = count_cells(np.array([1, 2]), [(labels, (0, 0))], window, SIZE)
    expected = counted(labels, [1, 2], window)
    assert_array_equal(found.toarray().reshape(expected.shape), expected)


def test_nothing_to_look_at():
    found = count_cells(np.array([1]), [], Window(0, 0, 64, 64), SIZE)
    assert found.shape == (1, 16)
    assert found.sum() == 0


def test_mean_and_spread_are_those_of_the_pixels():
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(5, 4, 4)).astype(np.float32)
    labels = rng.integers(0, 3, size=(64, 64))
    window = Window(0, 0, 64, 64)
    counts = count_cells(np.array([1, 2]), [(labels, (0, 0))], window, SIZE)
    found = mean_and_spread(counts, embedding)
    every = embedding.repeat(16, axis=1).repeat(16, axis=2).astype(np.float64)
    for row, name in enumerate((1, 2)):
        own = every[:, labels == name]
        assert_allclose(found[row, :5], own.mean(axis=1), atol=1e-9)
        assert_allclose(found[row, 5:], own.std(axis=1), atol=1e-7)


def test_an_object_in_one_cell_has_its_value_and_no_spread():
    embedding = np.arange(2 * 16, dtype=np.float32).reshape(2, 4, 4)
    labels = np.zeros((64, 64), np.int64)
    labels[20, 40] = 1
    counts = count_cells(np.array([1]), [(labels, (0, 0))], Window(0, 0, 64, 64), SIZE)
    assert_array_equal(
        mean_and_spread(counts, embedding), [[*embedding[:, 1, 2], 0, 0]]
    )

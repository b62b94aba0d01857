"""Labels of large images: painted at all resolutions, shown without reading all."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Labels

from napari_sam.layers.pyramid_target import PyramidTarget
from tilesam.annotation import label_levels
from tilesam.annotation.edits import Edit, PixelChange
from tilesam.annotation.history import EditHistory
from tilesam.annotation.label_levels import is_large, level_shapes, open_label_levels
from tilesam.annotation.rows import ObjectRows
from tilesam.errors import AnnotationError


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(label_levels, "CHUNK", 16)


def block(z: int, y: slice, x: slice) -> tuple[np.ndarray, ...]:
    return tuple(axis.ravel() for axis in np.mgrid[z : z + 1, y, x])


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_levels_halve_until_one_fits_into_a_chunk(rows, columns):
    shapes = level_shapes((3, rows, columns))

    assert shapes[0] == (3, rows, columns)
    assert max(shapes[-1]) <= label_levels.CHUNK
    for finer, coarser in pairwise(shapes):
        assert coarser == (3, len(range(0, finer[1], 2)), len(range(0, finer[2], 2)))


@pytest.mark.usefixtures("small_chunks")
@settings(max_examples=20)
@given(st.integers(17, 90), st.integers(17, 90), st.data())
def test_every_level_is_every_nth_pixel_of_the_finest(tmp_path_factory, h, w, data):
    folder = tmp_path_factory.mktemp("labels")
    levels = open_label_levels(folder / "a.zarr", (h, w))
    target = PyramidTarget(Labels(levels, multiscale=True))

    for label in (1, 2):
        y0, x0 = data.draw(st.integers(0, h - 1)), data.draw(st.integers(0, w - 1))
        _, y, x = block(0, slice(y0, min(h, y0 + 20)), slice(x0, min(w, x0 + 9)))
        target.write((y, x), np.full(len(y), label))

    finest = np.asarray(levels[0][...])
    assert set(np.unique(finest)) - {0}
    for k, level in enumerate(levels):
        np.testing.assert_array_equal(level[...], finest[:: 2**k, :: 2**k])


@pytest.mark.usefixtures("small_chunks")
def test_labels_are_found_again_and_other_ones_refused(tmp_path):
    levels = open_label_levels(tmp_path / "a.zarr", (2, 40, 50))
    target = PyramidTarget(Labels(levels, multiscale=True))
    target.write(block(1, slice(4, 20), slice(4, 20)), 7)

    again = open_label_levels(tmp_path / "a.zarr", (2, 40, 50))

    assert [level.shape for level in again] == [(2, 40, 50), (2, 20, 25), (2, 10, 13)]
    for level, before in zip(again, levels, strict=True):
        np.testing.assert_array_equal(level[...], before[...])
    with pytest.raises(
        AnnotationError, match=r"shape \(2, 40, 50\).*expected \(40, 50"
    ):
        open_label_levels(tmp_path / "a.zarr", (40, 50))


@pytest.mark.usefixtures("small_chunks")
def test_edits_are_undone_at_all_levels(tmp_path):
    levels = open_label_levels(tmp_path / "a.zarr", (2, 40, 50))
    target = PyramidTarget(Labels(levels, multiscale=True))
    history = EditHistory(target, ObjectRows())
    here = block(1, slice(4, 20), slice(4, 20))
    zeros = np.zeros(len(here[0]), np.uint32)

    history.do(Edit((PixelChange(here, zeros, zeros + 9),)))
    assert (target.read((slice(1, 2), slice(4, 20), slice(4, 20))) == 9).all()
    assert all(np.asarray(level[...]).any() for level in levels)

    history.undo()
    assert not any(np.asarray(level[...]).any() for level in levels)
    target.end_strokes()
    target.close()


@pytest.mark.usefixtures("small_chunks")
def test_what_is_written_is_shown_at_the_level_in_view(tmp_path):
    viewer = ViewerModel()
    levels = open_label_levels(tmp_path / "a.zarr", (64, 64))
    layer = viewer.add_labels(levels, multiscale=True)
    target = PyramidTarget(layer)

    for data_level in range(len(levels)):
        layer.data_level = data_level
        layer.corner_pixels = np.array([[0, 0], [63, 63]])
        label = data_level + 1
        target.write(block(0, slice(0, 32), slice(0, 32))[1:], label)
        assert layer.get_value((16, 16)) == (data_level, label)


def test_other_layers_and_labels_that_do_not_fit_are_refused():
    with pytest.raises(
        AnnotationError, match="'one' has one resolution; expected a mul"
    ):
        PyramidTarget(Labels(np.zeros((8, 8), np.uint8), name="one"))

    levels = [np.zeros((64, 64), np.uint8), np.zeros((32, 32), np.uint8)]
    target = PyramidTarget(Labels(levels, multiscale=True))
    with pytest.raises(AnnotationError, match=r"label 256 does not fit .* uint8"):
        target.write((np.array([1]), np.array([1])), np.array([256]))
    assert not levels[0].any()


def test_levels_that_are_no_nth_pixels_are_refused():
    levels = [np.zeros((64, 64), np.uint8), np.zeros((50, 32), np.uint8)]

    with pytest.raises(AnnotationError, match=r"\(50, 32\), the finest one \(64, 64\)"):
        PyramidTarget(Labels(levels, multiscale=True))


def test_a_slide_is_large_and_a_field_of_view_is_not():
    assert is_large((20000, 5000))
    assert is_large((9, 8193, 8192))
    assert not is_large((5000, 8192, 8192))  # napari edits it plane by plane

"""Objects that are painted through napari are seen, and hand edits are told apart."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.components import ViewerModel
from napari.layers import Labels

from napari_sam.layers.layer_target import LayerTarget
from tilesam.annotation.edits import Edit, PixelChange
from tilesam.annotation.history import EditHistory
from tilesam.annotation.rows import ObjectRows
from tilesam.errors import AnnotationError

SHAPE = 3, 20, 24


def in_zarr(array: np.ndarray) -> zarr.Array:
    stored = zarr.create_array(
        store={}, shape=array.shape, dtype=array.dtype, chunks=(1, 8, 8)
    )
    stored[...] = array
    return stored


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture(params=[np.asarray, in_zarr], ids=["numpy", "zarr"])
def layer(request, viewer):
    data = request.param(np.zeros(SHAPE, np.uint16))
    layer = viewer.add_labels(data, scale=(2, 0.5, 0.5), name="objects")
    viewer.dims.set_current_step(0, 1)
    return layer


@pytest.fixture
def told(layer):
    """Return a target and the list of what it tells of hand edits."""
    target, told = LayerTarget(layer), []
    target.edited.connect(told.append)
    return target, told


def block(z: int, y: slice, x: slice) -> tuple[np.ndarray, ...]:
    grid = np.mgrid[z : z + 1, y, x]
    return tuple(axis.ravel() for axis in grid)


HERE = block(1, slice(2, 6), slice(3, 9))


def seen(layer: Labels, z: int, y: int, x: int) -> int:
    """Return what napari shows at a pixel, not what the array holds."""
    return int(layer.get_value((z, y, x)) or 0)


def test_what_is_written_is_in_the_array_and_on_the_screen(layer, told):
    target, edits = told
    drawn = []
    layer.events.labels_update.connect(lambda event: drawn.append(event.offset))

    target.write(HERE, np.full(24, 7, np.uint16))

    assert (np.asarray(layer.data[1, 2:6, 3:9]) == 7).all()
    assert np.count_nonzero(np.asarray(layer.data)) == 24
    assert seen(layer, 1, 3, 4) == 7
    assert drawn
    assert edits == []


def test_a_part_is_read_as_a_copy_with_all_its_axes(layer, told):
    target, _ = told
    target.write(HERE, 7)

    part = target.read((slice(1, 2), slice(0, 6), slice(0, 9)))
    part[...] = 9

    assert part.shape == (1, 6, 9)
    assert int(np.asarray(layer.data[1, 3, 4])) == 7
    assert target.shape == SHAPE
    assert target.dtype == np.uint16


@pytest.mark.parametrize("state", ["other plane", "beyond", "3-D", "rolled", "hidden"])
def test_it_is_written_whatever_is_shown(viewer, layer, told, state):
    target, _ = told
    if state == "other plane":
        viewer.dims.set_current_step(0, 0)
    elif state == "beyond":
        viewer.add_image(np.zeros((30, 4, 4)))
        viewer.dims.set_point(0, 25)
    elif state == "3-D":
        viewer.dims.ndisplay = 3
    elif state == "rolled":
        viewer.dims.order = (1, 0, 2)
    else:
        layer.visible = False

    target.write(HERE, np.full(24, 300, np.uint16))

    assert (np.asarray(layer.data[1, 2:6, 3:9]) == 300).all()
    assert np.count_nonzero(np.asarray(layer.data)) == 24
    viewer.dims.ndisplay, viewer.dims.order = 2, (0, 1, 2)
    layer.visible = True
    viewer.dims.set_point(0, 2.0)
    assert seen(layer, 1, 3, 4) == 300


def test_hand_edits_are_told_once_a_stroke(layer, told):
    target, edits = told
    target.write(HERE, 7)

    with layer.block_history():
        layer.paint((1, 3, 4), 5)
        layer.paint((1, 3, 5), 5)
    layer.fill((1, 19, 23), 4)

    brush, bucket = edits
    assert set(brush.after) == {5}
    assert set(brush.before) <= {0, 7}
    assert (1, 3, 5) in set(zip(*map(np.ndarray.tolist, brush.indices), strict=True))
    assert set(bucket.after) == {4}


def test_writing_while_the_mouse_is_down_tells_of_the_stroke_so_far(layer, told):
    target, edits = told

    with layer.block_history():
        layer.paint((1, 15, 15), 5)
        target.write(HERE, 7)
        assert [set(edit.after) for edit in edits] == [{5}]
        layer.paint((1, 15, 17), 6)

    assert [set(edit.after) for edit in edits] == [{5}, {6}]


def test_hand_edits_and_objects_share_one_history(layer, told):
    target, edits = told
    history = EditHistory(target, ObjectRows())
    target.edited.connect(lambda change: history.note(Edit((change,), name="brush")))
    states = [np.array(layer.data)]

    def after(action):
        action()
        states.append(np.array(layer.data))

    zeros = np.zeros(24, np.uint16)
    after(lambda: history.do(Edit((PixelChange(HERE, zeros, zeros + 7),))))
    after(lambda: layer.paint((1, 3, 4), 5))
    after(lambda: layer.fill((1, 4, 8), 6))

    for state in reversed(states[:-1]):
        history.undo()
        np.testing.assert_array_equal(np.asarray(layer.data), state)
    for state in states[1:]:
        history.redo()
        np.testing.assert_array_equal(np.asarray(layer.data), state)
    assert len(edits) == 2


def test_a_stroke_that_is_not_finished_is_undone_first(layer, told):
    target, _ = told
    history = EditHistory(target, ObjectRows())
    target.edited.connect(lambda change: history.note(Edit((change,), name="brush")))
    zeros = np.zeros(24, np.uint16)
    history.do(Edit((PixelChange(HERE, zeros, zeros + 7),)))
    before = np.array(layer.data)

    with layer.block_history():
        layer.paint((1, 3, 4), 5)
        target.end_strokes()
        history.undo()

    np.testing.assert_array_equal(np.asarray(layer.data), before)
    assert history.undo_names == ["edit"]


@pytest.mark.parametrize("label", [-1, 70000])
def test_a_label_that_does_not_fit_is_refused_and_nothing_written(layer, told, label):
    target, _ = told

    with pytest.raises(AnnotationError, match=r"label .* 'objects' .*uint16.* 65535"):
        target.write(HERE, np.full(24, label))

    assert not np.asarray(layer.data).any()


def test_what_cannot_be_written_is_no_hand_edit(layer, told, monkeypatch):
    target, edits = told

    class FullDisk:
        """Labels on a disk that has no room left."""

        def __init__(self, array):
            self.array, self.shape, self.dtype = array, array.shape, array.dtype
            self.ndim = array.ndim

        def __getitem__(self, key):
            return np.asarray(self.array[key])

        def __setitem__(self, key, value):
            raise OSError("no space left")

    good = layer.data
    layer.data = FullDisk(good)
    with pytest.raises(OSError, match="no space left"):
        target.write(HERE, 7)
    layer.data = good
    layer.paint((1, 15, 15), 5)

    (brush,) = edits
    assert set(brush.after) == {5}


def test_no_pixels_are_no_step(layer, told):
    target, _ = told
    painted = []
    layer.events.paint.connect(lambda event: painted.append(event.value))

    target.write(tuple(np.empty(0, np.int64) for _ in range(3)), np.empty(0, np.uint16))

    assert painted == []


def test_another_array_is_told_and_used(layer, told):
    target, _ = told
    replaced = []
    target.replaced.connect(lambda: replaced.append(target.shape))

    layer.data = layer.data
    assert replaced == []

    layer.data = np.zeros(SHAPE, np.uint32)
    target.write(HERE, 70000)
    assert replaced == [SHAPE]
    assert int(layer.data[1, 3, 4]) == 70000

    layer.data = np.zeros((3, 5, 5), np.uint32)
    assert replaced == [SHAPE, (3, 5, 5)]


def test_after_closing_nothing_is_told(layer, told):
    target, edits = told
    target.close()

    layer.paint((1, 3, 4), 5)

    assert edits == []


def test_a_layer_that_napari_cannot_edit_is_refused():
    pyramid = [np.zeros((64, 64), np.uint8), np.zeros((32, 32), np.uint8)]
    read_only = np.zeros((8, 8), np.uint8)
    read_only.flags.writeable = False

    with pytest.raises(AnnotationError, match="'pyramid' is multiscale"):
        LayerTarget(Labels(pyramid, multiscale=True, name="pyramid"))
    for data in (da.zeros((8, 8), dtype=np.uint8), read_only):
        with pytest.raises(AnnotationError, match="cannot be written to"):
            LayerTarget(Labels(data))

"""What an image layer shows is what the engine gets."""

from __future__ import annotations

import dask.array as da
import npe2
import numpy as np
import pytest
import tifffile
import zarr
from napari.components import ViewerModel
from napari.layers import Image

from napari_sam.opening.sources import open_layer, view_layer
from tilesam import ImageError
from tilesam.image import open_image
from tilesam.testing.image_files import write_geotiff
from tilesam.types import Window

HW = 40, 56
ALL = Window(0, 0, *HW)


@pytest.fixture
def viewer():
    npe2.PluginManager.instance().discover()
    return ViewerModel()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def pixels(layer, viewer) -> np.ndarray:
    return open_layer(layer, viewer.dims).read_window(ALL)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., np.newaxis], 3, axis=-1)


def in_zarr(array: np.ndarray) -> zarr.Array:
    stored = zarr.create_array(
        store={}, shape=array.shape, dtype=array.dtype, chunks=(16,) * array.ndim
    )
    stored[...] = array
    return stored


@pytest.mark.parametrize("wrap", [np.asarray, da.from_array, in_zarr], ids=str)
def test_grey_of_8_bits_is_taken_as_it_is_from_any_array(viewer, rng, wrap):
    image = rng.integers(0, 256, HW, np.uint8)
    layer = viewer.add_image(wrap(image), contrast_limits=(0, 255))

    np.testing.assert_array_equal(pixels(layer, viewer), grey(image))


@pytest.mark.parametrize("channels", [3, 4])
def test_rgb_is_taken_as_it_is_and_alpha_is_left_out(viewer, rng, channels):
    image = rng.integers(0, 256, (*HW, channels), np.uint8)
    layer = viewer.add_image(image, rgb=True)

    source = open_layer(layer, viewer.dims)

    np.testing.assert_array_equal(source.read_window(ALL), image[..., :3])
    assert source.channels == (0, 1, 2)


def test_three_columns_are_not_taken_for_channels(viewer, rng):
    image = rng.integers(0, 256, (40, 3), np.uint8)
    layer = viewer.add_image(image, rgb=False, contrast_limits=(0, 255))

    shown = open_layer(layer, viewer.dims).read_window(Window(0, 0, 40, 3))

    np.testing.assert_array_equal(shown, grey(image))


def test_floats_are_seen_between_the_contrast_limits_of_the_layer(viewer):
    image = np.linspace(-1, 3, HW[0] * HW[1]).reshape(HW)
    layer = viewer.add_image(image, contrast_limits=(0, 2))

    shown = pixels(layer, viewer)[..., 0]

    expected = np.rint(np.clip(image / 2, 0, 1) * 255)
    np.testing.assert_allclose(shown, expected, atol=1)


def test_booleans_are_black_and_white(viewer, rng):
    image = rng.random(HW) < 0.5
    layer = viewer.add_image(image)

    np.testing.assert_array_equal(pixels(layer, viewer), grey(image * np.uint8(255)))


@pytest.mark.parametrize("rgb", [False, True])
def test_of_a_stack_the_current_plane_is_taken(viewer, rng, rgb):
    shape = (3, 5, *HW, 3) if rgb else (3, 5, *HW)
    image = rng.integers(0, 256, shape, np.uint8)
    layer = viewer.add_image(image, rgb=rgb, scale=(2, 0.5, 1, 1))
    viewer.dims.set_current_step((0, 1), (2, 3))

    source = open_layer(layer, viewer.dims)

    plane = image[2, 3] if rgb else grey(image[2, 3])
    np.testing.assert_array_equal(source.read_window(ALL), plane)
    assert source.plane == (2, 3)


def test_channels_on_an_axis_of_their_own_are_a_layer_each(viewer, rng):
    image = rng.integers(0, 256, (2, *HW), np.uint8)
    layers = viewer.add_image(image, channel_axis=0, contrast_limits=(0, 255))

    for layer, channel in zip(layers, image, strict=True):
        np.testing.assert_array_equal(pixels(layer, viewer), grey(channel))


@pytest.mark.parametrize("rgb", [False, True])
def test_all_levels_of_a_multiscale_layer_are_used(viewer, rng, rgb):
    image = rng.integers(0, 256, (*HW, 3) if rgb else HW, np.uint8)
    # Levels that show something else, so that it is seen which of them was read.
    levels = [image, np.full_like(image[::2, ::2], 7)]
    layer = viewer.add_image(levels, rgb=rgb, multiscale=True, contrast_limits=(0, 255))

    source = open_layer(layer, viewer.dims)

    assert source.hw == HW
    np.testing.assert_array_equal(
        source.read_window(ALL)[..., 0], image.reshape(*HW, -1)[..., 0]
    )
    assert (source.read_resampled(ALL, (20, 28)) == 7).all()


def test_a_layer_is_looked_at_without_reading_its_pixels(viewer):
    asked = []

    def block(block_info=None):
        place = block_info[None]["array-location"]
        asked.append(place)
        return np.zeros([stop - start for start, stop in place], np.uint8)

    lazy = da.map_blocks(block, chunks=((1,) * 4, (64,) * 8, (64,) * 8), dtype=np.uint8)
    layer = Image(lazy, contrast_limits=(0, 255))
    viewer.add_layer(layer)
    asked.clear()

    view = view_layer(layer, viewer.dims)
    assert asked == []

    view.open().read_window(Window(70, 70, 20, 20))
    assert asked == [[(1, 2), (64, 128), (64, 128)]]


def test_what_has_changed_is_named(viewer):
    layer = viewer.add_image(np.zeros((4, *HW)), contrast_limits=(0, 1))
    before = view_layer(layer, viewer.dims)
    assert not view_layer(layer, viewer.dims).changes_since(before)

    viewer.dims.set_point(0, 2)
    layer.contrast_limits = (0, 0.5)
    assert view_layer(layer, viewer.dims).changes_since(before) == {
        "plane",
        "contrast limits",
    }

    layer.data = np.zeros((4, *HW))
    assert "data" in view_layer(layer, viewer.dims).changes_since(before)


def test_names_places_and_colours_change_nothing(viewer):
    layer = viewer.add_image([np.zeros((64, 64)), np.zeros((32, 32))])
    before = view_layer(layer, viewer.dims)

    layer.name, layer.scale, layer.colormap, layer.visible = "x", (2, 2), "green", False

    assert not view_layer(layer, viewer.dims).changes_since(before)


def test_other_layers_are_refused(viewer):
    labels = viewer.add_labels(np.zeros(HW, np.uint8), name="cells")

    with pytest.raises(
        ImageError, match="'cells' is a Labels layer; expected an Image"
    ):
        open_layer(labels, viewer.dims)


def test_what_is_not_shown_is_refused(viewer):
    layer = viewer.add_image(np.zeros((4, *HW)))
    viewer.dims.ndisplay = 3

    with pytest.raises(ImageError, match="3-D"):
        view_layer(layer, viewer.dims)


def test_a_geotiff_is_where_it_is_on_earth(viewer, rng, tmp_path):
    path = tmp_path / "a.tif"
    write_geotiff(
        path,
        rng.integers(0, 255, HW, np.uint8),
        transform=(500_000.0, 0.5, 0.0, 4_000_000.0, 0.0, -0.5),
        epsg=32633,
    )
    (layer,) = viewer.open(path, plugin="napari")
    found = open_layer(layer, viewer.dims).georeference
    assert found == open_image(path).georeference
    assert found is not None

    layer.data = np.zeros((7, 9), np.uint8)  # not what is in the file
    assert open_layer(layer, viewer.dims).georeference is None


def test_a_file_that_is_gone_says_nothing_of_the_earth(viewer, rng, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, rng.integers(0, 255, HW, np.uint8))
    (layer,) = viewer.open(path, plugin="napari")
    path.unlink()
    assert open_layer(layer, viewer.dims).georeference is None

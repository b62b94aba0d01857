"""Slides and OME-Zarrs become lazy layers of the right scale."""

from __future__ import annotations

import gc

import dask.array as da
import npe2
import numpy as np
import pytest
import tifffile
import zarr
from napari.components import ViewerModel
from numpy.testing import assert_array_equal

from napari_sam.files import opening_images
from napari_sam.files.opening_images import add_image, open_large_image
from napari_sam.files.reading_images import get_reader, read_image
from tilesam.errors import ImageError, ImageReadError
from tilesam.testing.image_files import write_geotiff, write_ome_tiff, write_ome_zarr

PLUGIN = "napari-sam-tiles"
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True, scope="module")
def plugin():
    npe2.PluginManager.instance().discover()


def random_image(*shape):
    return RNG.integers(0, 256, shape, np.uint8)


def write_slide(path, image, **options):
    """Write tiles with a coarser level, as scanners do."""
    tiles = {"tile": (64, 64), "compression": "zlib", "photometric": "rgb"}
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        tiff.write(image, subifds=1, metadata=None, **tiles, **options)
        tiff.write(image[::4, ::4], subfiletype=1, metadata=None, **tiles)


@pytest.mark.parametrize("suffix", ["svs", "ndpi", "scn", "bif", "qptiff"])
def test_a_slide_opens_in_napari_by_its_suffix(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    image = random_image(256, 320, 3)
    write_slide(path, image)
    viewer = ViewerModel()
    (layer,) = viewer.open(path, plugin=PLUGIN)
    assert layer.rgb
    assert layer.multiscale
    assert [level.shape for level in layer.data] == [(256, 320, 3), (64, 80, 3)]
    assert_array_equal(np.asarray(layer.data[0]), image)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg", "a.ome.tif"])
def test_pictures_and_tiffs_are_left_to_others(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    readers = npe2.PluginManager.instance().iter_compatible_readers(
        [str(tmp_path / name)]
    )
    assert PLUGIN not in {reader.plugin_name for reader in readers}


def test_folders_and_several_files_are_left_to_others(tmp_path):
    zarr.save_array(tmp_path / "a.zarr", random_image(60, 70))
    for folder in (tmp_path, tmp_path / "a.zarr"):
        manager = npe2.PluginManager.instance()
        readers = manager.iter_compatible_readers([str(folder)])
        assert PLUGIN not in {reader.plugin_name for reader in readers}
    assert get_reader(["a.svs", "b.svs"]) is None


def test_pixels_are_read_when_they_are_looked_at(tmp_path, monkeypatch):
    write_slide(tmp_path / "a.svs", random_image(640, 640, 3))
    decoded = []
    original = tifffile.TiffPage.decode.func

    def counting(page):
        decode = original(page)

        def count(data, index, **options):
            decoded.append(index)
            return decode(data, index, **options)

        return count

    monkeypatch.setattr(tifffile.TiffPage, "decode", property(counting))
    ((levels, _options, _),) = read_image(tmp_path / "a.svs")
    assert decoded == []
    levels[0][70:100, 70:100]
    assert len(decoded) == 1


def test_the_file_stays_open_as_long_as_the_layer(tmp_path):
    image = random_image(256, 320, 3)
    write_slide(tmp_path / "a.svs", image)
    viewer = ViewerModel()
    add_image(viewer, tmp_path / "a.svs")
    gc.collect()
    assert_array_equal(np.asarray(viewer.layers[0].data[0]), image)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"description": "Aperio Image|AppMag = 20|MPP = 0.4990|Left = 1"}, 0.499),
        ({"resolution": (20_000, 20_000), "resolutionunit": "CENTIMETER"}, 0.5),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({"resolution": (28, 28), "resolutionunit": "CENTIMETER"}, None),
        ({}, None),
    ],
)
def test_the_pixel_size_of_a_scanner_is_the_scale(tmp_path, options, expected):
    write_slide(tmp_path / "a.svs", random_image(256, 320, 3), **options)
    viewer = ViewerModel()
    add_image(viewer, tmp_path / "a.svs")
    layer = viewer.layers[0]
    assert tuple(layer.scale) == pytest.approx((expected or 1, expected or 1))
    unit = "micrometer" if expected else "pixel"
    assert [str(unit) for unit in layer.units] == [unit, unit]


def test_ome_tiff_names_its_unit(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as tiff:
        metadata = {
            "axes": "YX",
            "PhysicalSizeX": 250,
            "PhysicalSizeXUnit": "nm",
            "PhysicalSizeY": 0.5,
        }
        tiff.write(random_image(64, 64), metadata=metadata)
    ((_, options, _),) = read_image(tmp_path / "a.ome.tif")
    assert options["scale"] == pytest.approx([0.5, 0.25])
    assert options["units"] == ["micrometer", "micrometer"]


def test_imagej_names_its_unit(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        random_image(64, 64),
        imagej=True,
        resolution=(4, 2),
        metadata={"unit": "um"},
    )
    ((_, options, _),) = read_image(tmp_path / "a.tif")
    assert options["scale"] == pytest.approx([0.5, 0.25])


def test_a_map_without_a_unit_has_no_scale(tmp_path):
    transform = (0.2, 0.0, 500.0, 0.0, -0.2, 900.0)
    write_geotiff(tmp_path / "a.tif", random_image(64, 64), transform=transform)
    ((_, options, _),) = read_image(tmp_path / "a.tif")
    assert "scale" not in options


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_ome_zarr_has_scale_sliders_and_channels(tmp_path, version):
    path = tmp_path / "a.ome.zarr"
    image = random_image(2, 3, 120, 150)
    write_ome_zarr(path, image, axes="tcyx", version=version)
    group = zarr.open_group(path, mode="r+")
    attributes = group.attrs.asdict()
    (multiscale,) = attributes.get("ome", attributes)["multiscales"]
    for axis in multiscale["axes"][2:]:
        axis["unit"] = "micrometer"
    for number, dataset in enumerate(multiscale["datasets"]):
        size = 0.25 * 2**number
        dataset["coordinateTransformations"][0]["scale"] = [1, 1, size, size]
    group.attrs.update(attributes)
    viewer = ViewerModel()
    add_image(viewer, path)
    layers = list(viewer.layers)
    assert len(layers) == 3
    for channel, layer in enumerate(layers):
        assert layer.multiscale
        assert tuple(layer.scale) == (1, 0.25, 0.25)
        assert [str(u) for u in layer.units] == ["pixel", "micrometer", "micrometer"]
        assert_array_equal(np.asarray(layer.data[0]), image[:, channel])


def test_a_plain_zarr_array_is_a_layer(tmp_path):
    zarr.save_array(tmp_path / "a.zarr", random_image(5, 60, 70))
    viewer = ViewerModel()
    add_image(viewer, tmp_path / "a.zarr")
    (layer,) = viewer.layers
    assert layer.data.shape == (5, 60, 70)


def test_a_unit_that_nobody_knows_is_left_out(tmp_path):
    write_ome_zarr(tmp_path / "a.zarr", random_image(60, 70))
    group = zarr.open_group(tmp_path / "a.zarr", mode="r+")
    ome = group.attrs["ome"]
    for axis in ome["multiscales"][0]["axes"]:
        axis["unit"] = "hairs"
    group.attrs["ome"] = ome
    ((_, options, _),) = read_image(tmp_path / "a.zarr")
    assert options["units"] == ["pixel", "pixel"]


def test_what_is_no_image_is_told(tmp_path):
    (tmp_path / "a.svs").write_text("no slide")
    zarr.open_group(tmp_path / "b.zarr", mode="w")
    with pytest.raises(ImageReadError, match="cannot be read as an image"):
        read_image(tmp_path / "a.svs")
    with pytest.raises(ImageReadError, match="does not exist"):
        read_image(tmp_path / "missing.svs")
    with pytest.raises(ImageError, match="without an image"):
        read_image(tmp_path / "b.zarr")


@pytest.mark.parametrize("record", ["zarr.json", None])
def test_the_menu_entry_adds_what_is_chosen(tmp_path, monkeypatch, record):
    write_ome_zarr(tmp_path / "a.ome.zarr", random_image(60, 70))
    write_ome_tiff(tmp_path / "a.ome.tif", random_image(60, 70))
    chosen = tmp_path / "a.ome.zarr" / record if record else tmp_path / "a.ome.tif"
    monkeypatch.setattr(opening_images, "ask_file_to_open", lambda *_: str(chosen))
    viewer = ViewerModel()
    open_large_image(viewer)
    (layer,) = viewer.layers
    assert layer.name == "a"
    assert layer.data.shape == (60, 70)


def test_nothing_is_added_if_nothing_is_chosen(monkeypatch):
    monkeypatch.setattr(opening_images, "ask_file_to_open", lambda *_: None)
    viewer = ViewerModel()
    open_large_image(viewer)
    assert not viewer.layers


def test_channels_are_not_read_to_be_split(tmp_path):
    write_ome_tiff(tmp_path / "a.ome.tif", random_image(2, 60, 70), axes="CYX")
    ((levels, options, _),) = read_image(tmp_path / "a.ome.tif")
    assert options["channel_axis"] == 0
    assert all(isinstance(level, da.Array) for level in levels)

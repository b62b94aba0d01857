from __future__ import annotations

import sys

import fsspec
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from tilesam import ImageReadError
from tilesam.image import open_image
from tilesam.image.locations import suffix_of
from tilesam.testing.image_files import write_ome_tiff, write_ome_zarr


@pytest.fixture
def rgb():
    return np.random.default_rng(3).integers(0, 256, (90, 120, 3), np.uint8)


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    yield files
    files.rm("/", recursive=True)


def test_a_tiff_elsewhere_is_read_in_pieces(tmp_path, rgb, memory, whole):
    write_ome_tiff(tmp_path / "a.ome.tif", rgb, axes="YXS")
    memory.put(str(tmp_path / "a.ome.tif"), "/a.ome.tif")
    source = open_image("memory://a.ome.tif")
    assert len(source.levels) == 3
    assert_array_equal(whole(source), rgb)


def test_a_picture_elsewhere_is_read(tmp_path, rgb, memory, whole):
    Image.fromarray(rgb).save(tmp_path / "a.png")
    memory.put(str(tmp_path / "a.png"), "/a.png")
    assert_array_equal(whole(open_image("memory://a.png")), rgb)


def test_the_address_of_a_local_file_is_an_address(tmp_path, rgb, whole):
    write_ome_zarr(tmp_path / "a.zarr", np.moveaxis(rgb, -1, 0), axes="cyx")
    assert_array_equal(whole(open_image(f"file://{tmp_path}/a.zarr")), rgb)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.zarr"])
def test_what_is_not_there_is_said(name):
    with pytest.raises(ImageReadError, match=f"memory://nowhere/{name} cannot be read"):
        open_image(f"memory://nowhere/{name}")


@pytest.mark.parametrize("name", ["a.tif", "a.zarr"])
@pytest.mark.parametrize(
    ("address", "package"),
    [
        ("memory://", r"fsspec\[memory\]"),
        ("https://example.org/", r"napari-sam-tiles\[remote\]"),
    ],
)
def test_the_package_that_an_address_needs_is_named(
    monkeypatch, name, address, package
):
    for module in [m for m in sys.modules if m.split(".")[0] == "fsspec"]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ImageReadError, match=f'pip install "{package}"'):
        open_image(address + name)


@pytest.mark.parametrize(
    ("address", "suffix"),
    [
        ("https://a.org/b.c/slide.TIF?key=x.png", ".tif"),
        ("s3://bucket/slide.ome.tif", ".tif"),
        ("https://a.org/image.zarr/#here.tif", ".zarr"),
        ("https://a.org/image", ""),
    ],
)
def test_the_kind_is_told_by_the_last_part_of_the_path(address, suffix):
    assert suffix_of(address) == suffix


def test_an_unknown_protocol_is_said():
    with pytest.raises(ImageReadError, match=r"nonsense://a\.zarr cannot be read"):
        open_image("nonsense://a.zarr")


def test_a_tiff_is_known_by_its_content(tmp_path, rgb, whole):
    write_ome_tiff(tmp_path / "a.tif", rgb, axes="YXS")
    (tmp_path / "a.tif").rename(tmp_path / "slide.unheard-of")
    assert_array_equal(whole(open_image(tmp_path / "slide.unheard-of")), rgb)

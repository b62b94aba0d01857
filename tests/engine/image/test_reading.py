from __future__ import annotations

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from tilesam import ImageError, ImageReadError, Window
from tilesam.image import open_image
from tilesam.image.reading import read_image_file


@pytest.fixture
def rgb():
    return np.random.default_rng(3).integers(0, 256, (20, 33, 3), np.uint8)


def test_png_is_read_exactly(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "image.png")
    source = open_image(tmp_path / "image.png")
    assert_array_equal(source.read_window(Window(0, 0, 20, 33)), rgb)


def test_jpeg_is_read(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "image.jpg")
    assert read_image_file(tmp_path / "image.jpg").array.shape == (20, 33, 3)


def test_a_path_may_be_text(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "image.png")
    assert open_image(str(tmp_path / "image.png")).hw == (20, 33)


@pytest.mark.parametrize(
    ("mode", "shape"),
    [
        ("1", (20, 33)),
        ("L", (20, 33)),
        ("LA", (20, 33)),
        ("P", (20, 33, 4)),
        ("RGBA", (20, 33, 4)),
        ("I;16", (20, 33)),
    ],
)
def test_every_mode_of_png_becomes_grey_or_colour(tmp_path, rgb, mode, shape):
    grey = Image.fromarray(rgb[..., 0])
    image = grey if mode in ("1", "L", "LA") else Image.fromarray(rgb)
    if mode == "I;16":
        image = Image.fromarray(rgb[..., 0].astype(np.uint16) * 200)
    else:
        image = image.convert(mode)
    image.save(tmp_path / "image.png")
    assert read_image_file(tmp_path / "image.png").array.shape == shape
    assert open_image(tmp_path / "image.png").hw == (20, 33)


def test_16_bit_png_keeps_its_values(tmp_path):
    values = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    Image.fromarray(values).save(tmp_path / "image.png")
    assert_array_equal(read_image_file(tmp_path / "image.png").array, values)


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<i4", "<f4", ">f8"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_is_read_exactly(tmp_path, dtype, compression):
    byte_order = ">" if dtype.startswith(">") else "<"
    values = np.arange(-4, 8).reshape(3, 4).astype(dtype)
    tifffile.imwrite(
        tmp_path / "a.tif", values, compression=compression, byteorder=byte_order
    )
    assert_array_equal(read_image_file(tmp_path / "a.tif").array, values)


def test_an_uncompressed_tiff_is_mapped_and_not_read(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((50, 60), np.uint16))
    assert isinstance(read_image_file(tmp_path / "a.tif").array, np.memmap)


def test_a_bilevel_tiff_is_read(tmp_path):
    values = np.eye(16, dtype=bool)
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert_array_equal(read_image_file(tmp_path / "a.tif").array, values)


@pytest.mark.parametrize("axes", ["CYX", "YXS", "YXC"])
def test_tiff_says_which_axis_is_channels(tmp_path, axes):
    values = np.zeros((20, 30, 3), np.uint8)
    values[..., 1] = 200
    if axes == "CYX":
        values = np.moveaxis(values, -1, 0)
    photometric = "rgb" if axes == "YXS" else "minisblack"
    tifffile.imwrite(
        tmp_path / "a.tif", values, metadata={"axes": axes}, photometric=photometric
    )
    source = open_image(tmp_path / "a.tif")
    assert source.hw == (20, 30)
    assert_array_equal(source.read_window(Window(0, 0, 1, 1)), [[[0, 200, 0]]])


@pytest.mark.parametrize(
    ("axes", "shape"), [("ZYX", (3, 9, 3)), ("TCYX", (3, 2, 9, 9))]
)
def test_a_tiff_stack_is_not_read_as_a_whole(tmp_path, axes, shape):
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros(shape, np.uint8),
        metadata={"axes": axes},
        ome=True,
        photometric="minisblack",
    )
    with pytest.raises(ImageError, match=f"stack with axes {axes}"):
        read_image_file(tmp_path / "a.tif")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ImageReadError, match=r"nowhere\.png does not exist"):
        open_image(tmp_path / "nowhere.png")


def test_a_name_that_no_file_can_have_is_unreadable():
    with pytest.raises(ImageReadError, match="cannot be looked at"):
        open_image("x" * 5000)


def test_a_folder_is_no_image(tmp_path):
    with pytest.raises(ImageReadError, match="is a folder"):
        open_image(tmp_path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.txt", "noending"])
@pytest.mark.parametrize("content", [b"", b"these are no pixels" * 50])
def test_a_file_without_an_image_is_unreadable(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageReadError, match="cannot be read as an image") as caught:
        open_image(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_truncated_file_is_unreadable(tmp_path, name, rgb):
    path = tmp_path / name
    (tifffile.imwrite if name == "a.tif" else lambda p, x: Image.fromarray(x).save(p))(
        path, rgb
    )
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(ImageReadError, match="cannot be read as an image"):
        open_image(path)

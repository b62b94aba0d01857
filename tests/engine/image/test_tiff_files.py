from __future__ import annotations

import gc
import logging
import pickle

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

from tilesam import ImageError, ImageReadError, Window
from tilesam.image import open_image
from tilesam.image.chunked_planes import ChunkedPlane
from tilesam.image.planes import SlicedPlane
from tilesam.testing.image_files import write_ome_tiff

LIMITS = (0, 255)


def random_image(shape, dtype=np.uint8):
    return np.random.default_rng(3).integers(0, 256, shape).astype(dtype)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(
    ("axes", "shape"),
    [("YX", (150, 201)), ("CYX", (3, 150, 201)), ("YXS", (150, 201, 3))],
)
def test_an_ome_tiff_is_read_with_its_pyramid(
    tmp_path, axes, shape, compression, whole
):
    image = random_image(shape)
    levels = write_ome_tiff(
        tmp_path / "a.ome.tif", image, axes=axes, compression=compression
    )
    source = open_image(tmp_path / "a.ome.tif", contrast_limits=LIMITS)
    shown = {"YX": image[..., None], "CYX": np.moveaxis(image, 0, -1), "YXS": image}
    assert_array_equal(whole(source)[..., : shown[axes].shape[-1]], shown[axes])
    assert [level.plane.hw for level in source.levels] == [
        (150, 201),
        (75, 101),
        (38, 51),
    ]
    quarter = source.read_resampled(Window(0, 0, 152, 204), (38, 51))
    coarse = np.moveaxis(levels[2], 0, -1) if axes == "CYX" else levels[2]
    assert_array_equal(quarter[..., 1], coarse[..., 1] if coarse.ndim == 3 else coarse)


def test_levels_that_are_series_of_their_own_are_found(tmp_path):
    # As slide scanners have it: reduced images that follow the full one.
    image = random_image((256, 320, 3))
    options = {"tile": (64, 64), "compression": "zlib", "photometric": "rgb"}
    with tifffile.TiffWriter(tmp_path / "a.tif", bigtiff=True) as tiff:
        tiff.write(image, subifds=1, **options)
        tiff.write(image[::4, ::4], subfiletype=1, **options)
    source = open_image(tmp_path / "a.tif")
    assert [level.scales for level in source.levels] == [(1, 1), (4, 4)]


def test_a_level_that_does_not_fit_is_left_out_and_said(tmp_path, caplog):
    image = random_image((256, 320, 3))
    options = {"tile": (64, 64), "compression": "zlib", "photometric": "rgb"}
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as tiff:
        tiff.write(image, subifds=3, metadata={"axes": "YXS"}, **options)
        tiff.write(image[::2, ::2], subfiletype=1, **options)
        tiff.write(image[::4, ::8], subfiletype=1, **options)
        tiff.write(image[::8, ::8], subfiletype=1, **options)
    with caplog.at_level(logging.WARNING):
        source = open_image(tmp_path / "a.tif")
    assert [level.scales for level in source.levels] == [(1, 1), (2, 2), (8, 8)]
    assert "level 2 of the image is not used" in caplog.text


def test_only_the_tiles_of_a_window_are_decoded(tmp_path, monkeypatch):
    write_ome_tiff(tmp_path / "a.ome.tif", random_image((640, 640, 3)), axes="YXS")
    source = open_image(tmp_path / "a.ome.tif")
    decoded = []
    original = SlicedPlane.read_channels

    def counting(self, rows, columns, channels):
        decoded.append((rows.start, columns.start))
        return original(self, rows, columns, channels)

    monkeypatch.setattr(SlicedPlane, "read_channels", counting)
    source.read_window(Window(130, 60, 60, 10))
    assert sorted(decoded) == [(128, 0), (128, 64)]


def test_what_is_uncompressed_and_in_one_piece_is_mapped(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", random_image((50, 60, 3)), photometric="rgb")
    plane = open_image(tmp_path / "a.tif").levels[0].plane
    assert isinstance(plane, SlicedPlane)
    assert isinstance(plane.array, np.memmap)


@pytest.mark.parametrize("rows", [1, 7, 150])
def test_compressed_strips_are_read_in_pieces(tmp_path, rows, whole):
    image = random_image((150, 200, 3))
    tifffile.imwrite(
        tmp_path / "a.tif",
        image,
        rowsperstrip=rows,
        compression="zlib",
        photometric="rgb",
    )
    source = open_image(tmp_path / "a.tif")
    assert isinstance(source.levels[0].plane, ChunkedPlane)
    assert_array_equal(whole(source), image)


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4", ">f4", "f8", "?"])
def test_every_type_and_byte_order_is_read_through_chunks(tmp_path, dtype, whole):
    values = (np.arange(80 * 70).reshape(80, 70) % 199).astype(dtype)
    order = ">" if dtype.startswith(">") else "<"
    tifffile.imwrite(
        tmp_path / "a.tif",
        values,
        compression="zlib",
        byteorder=order,
        rowsperstrip=16,
    )
    seen = whole(open_image(tmp_path / "a.tif", contrast_limits=LIMITS))
    assert_array_equal(seen[..., 0], values.astype(np.uint8))


@pytest.mark.parametrize(
    ("axes", "shape", "plane", "index"),
    [
        ("ZYX", (3, 90, 80), None, np.s_[0]),
        ("ZYX", (3, 90, 80), 2, np.s_[2]),
        ("TZYX", (2, 3, 90, 80), {"z": 2, "t": 1}, np.s_[1, 2]),
        ("TZYX", (2, 3, 90, 80), (1, 0), np.s_[1, 0]),
    ],
)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_one_plane_of_a_stack_is_shown(
    tmp_path, axes, shape, plane, index, compression, whole
):
    image = random_image(shape)
    path = tmp_path / "a.ome.tif"
    write_ome_tiff(path, image, axes=axes, level_count=1, compression=compression)
    seen = whole(open_image(path, plane=plane, contrast_limits=LIMITS))
    assert_array_equal(seen[..., 0], image[index])


def test_colours_are_channels_and_channels_beside_them_are_planes(tmp_path, whole):
    image = random_image((2, 90, 80, 3))
    options = {"photometric": "rgb", "compression": "zlib", "tile": (64, 64)}
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, image, metadata={"axes": "CYXS"}, ome=True, **options)
    assert_array_equal(whole(open_image(path)), image[0])
    assert_array_equal(whole(open_image(path, plane={"channel": 1})), image[1])


def test_pages_of_which_nothing_is_said_need_a_plane(tmp_path, whole):
    image = random_image((6, 90, 80))
    tifffile.imwrite(
        tmp_path / "a.tif",
        image,
        photometric="minisblack",
        metadata=None,
        compression=8,
    )
    with pytest.raises(ImageError, match="plane="):
        open_image(tmp_path / "a.tif")
    seen = whole(open_image(tmp_path / "a.tif", plane=4, contrast_limits=LIMITS))
    assert_array_equal(seen[..., 0], image[4])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_declared_alpha_channel_is_left_out(tmp_path, dtype, whole):
    image = random_image((40, 50, 4), dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, photometric="rgb", extrasamples=["unassalpha"])
    source = open_image(path, contrast_limits=LIMITS)
    assert source.channels == (0, 1, 2)
    assert source.identity.channel_count == 4
    assert_array_equal(whole(source), image[..., :3])


def test_a_fourth_colour_is_no_alpha(tmp_path):
    image = random_image((40, 50, 4))
    image[..., 3] = 0
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, photometric="rgb", extrasamples=["unspecified"])
    source = open_image(path)
    assert source.channels == (0, 1, 2)
    assert source.valid_fraction(Window(0, 0, 40, 50)) == 1


def test_the_missing_package_for_a_compression_is_named(tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, random_image((40, 50)), compression="zlib")
    monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", {1: None})
    with pytest.raises(
        ImageReadError, match=r'pip install "napari-sam-tiles\[slides\]"'
    ):
        open_image(path)


@pytest.mark.parametrize("codec", ["jpeg", "lzw", "zstd", "jpeg2000"])
def test_slides_are_read_with_the_extra_package(tmp_path, codec, whole):
    pytest.importorskip("imagecodecs")
    image = np.full((90, 80, 3), 77, np.uint8)
    tifffile.imwrite(
        tmp_path / "a.svs", image, compression=codec, tile=(32, 32), photometric="rgb"
    )
    seen = whole(open_image(tmp_path / "a.svs")).astype(int)
    assert np.abs(seen - 77).max() <= 2


def test_a_bad_tile_is_named_and_the_rest_can_be_read(tmp_path):
    path = tmp_path / "a.tif"
    image = random_image((128, 192, 3))
    tifffile.imwrite(path, image, tile=(64, 64), compression="zlib", photometric="rgb")
    with tifffile.TiffFile(path) as tiff:
        offset, size = (
            x[4] for x in (tiff.pages[0].dataoffsets, tiff.pages[0].databytecounts)
        )
    content = bytearray(path.read_bytes())
    content[offset : offset + size] = b"\0" * size
    path.write_bytes(content)
    source = open_image(path)
    with pytest.raises(ImageReadError, match=r"a\.tif: level 0, chunk \(1, 1, 0\)"):
        source.read_window(Window(0, 0, 128, 192))
    assert_array_equal(source.read_window(Window(0, 0, 64, 192)), image[:64])


def test_a_source_travels_as_its_path_and_options(tmp_path, whole, monkeypatch):
    image = random_image((3, 90, 4000), np.uint16)
    write_ome_tiff(tmp_path / "a.ome.tif", image, axes="ZYX")
    monkeypatch.chdir(tmp_path)
    source = open_image("a.ome.tif", plane=2)
    travelling = pickle.dumps(source)
    assert len(travelling) < 2000
    monkeypatch.chdir("/")
    copy = pickle.loads(travelling)
    assert copy.normalization == source.normalization
    assert copy.identity == source.identity
    assert_array_equal(whole(copy), whole(source))


def test_files_are_closed_with_their_source(tmp_path):
    write_ome_tiff(tmp_path / "a.ome.tif", random_image((90, 80)))
    source = open_image(tmp_path / "a.ome.tif")
    source.read_window(Window(0, 0, 90, 80))
    # An open file that is forgotten is a warning, and warnings are errors.
    del source
    gc.collect()

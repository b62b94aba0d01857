"""The samples open offline and are what their names promise."""

from __future__ import annotations

import socket

import numpy as np
import pytest
from napari.layers import Image, Layer

from napari_sam.files import sample_data


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a sample asked for the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("sample", "shape", "is_rgb"),
    [
        ("immunohistochemistry", (512, 512, 3), True),
        ("cell", (660, 550), False),
        ("coins", (303, 384), False),
    ],
)
def test_a_sample_is_one_image_layer(sample, shape, is_rgb):
    (layer_data,) = getattr(sample_data, sample)()
    layer = Layer.create(*layer_data)

    assert isinstance(layer, Image)
    assert layer.name == sample
    assert layer.rgb is is_rgb
    assert layer.data.shape == shape
    assert layer.data.dtype == np.uint8
    assert np.ptp(layer.data) > 100, "a picture, not a blank"

"""An image of bright squares in many tiles, and a network that finds them."""

from __future__ import annotations

from tests.plugin.fake_window import Gate
from tilesam import Session
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model

SIZE = 64
"""Side of the network's input: tiles begin at multiples of 48."""

HW = (256, 256)
SQUARES = [(16, 16, 32, 32), (16, 40, 32, 56), (120, 120, 136, 136), (200, 16, 216, 32)]


def middle(square):
    y0, x0, y1, x1 = square
    return (y0 + y1) / 2, (x0 + x1) / 2


def extent(candidate):
    """Return the bounding box of a mask as slices have it."""
    (y, x), (h, w) = candidate.offset_yx, candidate.mask.shape
    return y, x, y + h, x + w


def open_session(image_hw=HW, squares=SQUARES, **options) -> Session:
    image = bright_rectangles(image_hw, squares)
    return Session.open(image, model=bright_region_model(input_size=SIZE), **options)


def gate_encoder(session: Session) -> Gate:
    """Have every call of the image encoder wait for the test."""
    gate = Gate(session.model.embed)
    session.model.embed = gate
    return gate


def gate_decoder(session: Session) -> Gate:
    gate = Gate(session.model.decode)
    session.model.decode = gate
    return gate

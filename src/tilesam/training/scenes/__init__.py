"""Scenes of nested wholes, parts and subparts, drawn at random.

Real data sets label one kind of object per image. Here a click on a nucleolus is also
one on a nucleus and on a cell, so that the three masks learn to disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilesam.training.datasets import Sample
from tilesam.training.scenes.cells import cells
from tilesam.training.scenes.filaments import filaments
from tilesam.training.scenes.leaves import leaves
from tilesam.training.scenes.membranes import membranes
from tilesam.training.scenes.nuclei import nuclei
from tilesam.training.scenes.objects import objects
from tilesam.training.scenes.roads_fields import roads_fields
from tilesam.training.scenes.rods import rods
from tilesam.training.scenes.roofs import roofs
from tilesam.training.scenes.tails import tails
from tilesam.training.scenes.vehicles import vehicles

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from tilesam.training.scenes.canvas import Canvas

SCENES: dict[str, Callable[[int, np.random.Generator], Canvas]] = {
    "cells": cells,
    "filaments": filaments,
    "leaves": leaves,
    "membranes": membranes,
    "nuclei": nuclei,
    "objects": objects,
    "roads_fields": roads_fields,
    "rods": rods,
    "roofs": roofs,
    "tails": tails,
    "vehicles": vehicles,
}
"""Painters by kind, each `(size, rng) -> Canvas`."""

_TRIALS = 20


def render_scene(kind: str, *, size: int, rng: np.random.Generator) -> Sample:
    """Paint a scene and return it with its labels.

    Parameters
    ----------
    kind
        A key of `SCENES`.
    size
        Height and width in pixels, at least 32.
    rng
        All randomness comes from here: equal states give equal scenes.

    Returns
    -------
    Sample
        Of domain `scene_<kind>`, with one to three label layers: whole, part and
        subpart. Ids of a layer run from 1 without gaps; every part lies within one
        whole and every subpart within one part; there is at least one whole.

    Raises
    ------
    KeyError
        If no scene has this name.
    ValueError
        If `size` is too small for anything to be seen.
    """
    if size < 32:
        raise ValueError(f"size is {size}; scenes need at least 32 pixels a side")
    paint = SCENES[kind]
    for _ in range(_TRIALS):
        canvas = paint(size, rng)
        layers = canvas.nested_layers()
        if layers[0].any():
            return Sample(canvas.pixels(), layers, f"scene_{kind}", f"scene_{kind}")
    raise RuntimeError(f"no object in {_TRIALS} scenes of kind '{kind}'")

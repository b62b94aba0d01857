"""Folders of bright and faint squares, plans over them, and scores made by hand."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from tilesam.ablation.plan import Plan
from tilesam.ablation.variants import FULL, Variant
from tilesam.evaluation.metrics import ObjectScore
from tilesam.evaluation.runs import Limits
from tilesam.model.configs import PyramidConfig, SamConfig
from tilesam.training.manifest import COLUMNS
from tilesam.training.recipes import LARGE_OBJECTS, ROBUST, Phase, Recipe

ARCHITECTURE = "small-test"
SMALL = SamConfig(
    ARCHITECTURE, 64, PyramidConfig(dims=(8, 8, 8, 8), depths=(1, 1, 1, 1))
)
DOMAINS = {"bright": 220, "faint": 80}
PLACES = ((6, 8), (34, 36))
TRAINED, MEASURED = 2, 3

RECIPE = Recipe(
    ARCHITECTURE,
    (Phase(4, 64, 2, 2, 1, 0, LARGE_OBJECTS, ROBUST, 0.2, scene_share=0.5),),
    warmup_steps=1,
    validate_every=9,
    input_size=64,
)


def write_squares(folder: Path) -> Path:
    """Two domains, two images each to train on, three each to measure, two objects."""
    folder.mkdir(exist_ok=True)
    rows = []
    for domain, value in DOMAINS.items():
        for number in range(TRAINED + MEASURED):
            image = np.full((64, 64), 30, np.uint8)
            labels = np.zeros((64, 64), np.uint8)
            for label, (y, x) in enumerate(PLACES, start=1):
                square = slice(y + number, y + number + 20), slice(x, x + 18)
                image[square], labels[square] = value, label
            name = f"{domain}-{number}"
            Image.fromarray(image).save(folder / f"{name}.png")
            Image.fromarray(labels).save(folder / f"{name}.labels.png")
            split = "train" if number < TRAINED else "val"
            files = [f"{name}.png", f"{name}.labels.png"]
            rows.append([split, domain, *files, 64, 64, 2, "made here", "CC0"])
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return folder


def plan_of(data: Path, *variants: Variant, **changes: object) -> Plan:
    plan = Plan(data, (FULL, *variants), RECIPE, limits=Limits())
    return replace(plan, **changes)


def scores_of(values: dict[str, float], *, images: int = 3) -> list[ObjectScore]:
    """One object in each image of each domain, with one value for all measures."""
    measures = ("box", "point", "oracle", "three_points")
    return [
        ObjectScore(domain, f"{domain}/{n}", 0, 1, 9, dict.fromkeys(measures, value))
        for domain, value in values.items()
        for n in range(images)
    ]

"""Bright squares on dark ground, as samples and as folders."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from tilesam.testing.images import bright_rectangles
from tilesam.training.datasets import Sample
from tilesam.training.manifest import COLUMNS

SQUARES = [(8, 8, 24, 24), (40, 32, 56, 60)]


def squares_image(boxes=SQUARES) -> np.ndarray:
    return bright_rectangles((64, 64), boxes)


def squares_labels(boxes=SQUARES) -> np.ndarray:
    labels = np.zeros((64, 64), np.int32)
    for number, (y0, x0, y1, x1) in enumerate(boxes, start=1):
        labels[y0:y1, x0:x1] = number
    return labels


def squares_sample(domain="squares", name="squares/1", boxes=SQUARES) -> Sample:
    return Sample(squares_image(boxes), squares_labels(boxes)[None], domain, name)


class Images:
    """Samples in memory, as `LabelledImages`."""

    def __init__(self, samples, columns=None):
        self.samples = samples
        self.columns = columns or [{} for _ in samples]
        self.read = []

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        self.read.append(index)
        return self.samples[index]

    @property
    def domains(self):
        return [sample.domain for sample in self.samples]


def write_manifest(folder: Path, domains=("bright", "clear"), **more) -> Path:
    folder.mkdir(exist_ok=True)
    Image.fromarray(squares_image()).save(folder / "a.png")
    Image.fromarray(squares_labels().astype(np.uint8)).save(folder / "a.labels.png")
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *more])
        for number, domain in enumerate(domains):
            row = ["val", domain, "a.png", "a.labels.png", 64, 64, 2, "made", "CC0"]
            writer.writerow([*row, *(values[number] for values in more.values())])
    return folder


def write_pair(folder: Path, name="a", labels=None) -> Path:
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    chosen = squares_labels() if labels is None else labels
    Image.fromarray(squares_image()).save(folder / "images" / f"{name}.png")
    if chosen.ndim == 2:
        chosen = chosen.astype(np.uint8)
    Image.fromarray(chosen).save(folder / "labels" / f"{name}.png")
    return folder

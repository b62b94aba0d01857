"""The paper's figures 5 and 6 for any collection of masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.reporting.plots import draw_histogram, new_figure, save
from tilesam.evaluation.reporting.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tilesam.evaluation.experiments.dataset import MaskStatistics

COUNT_EDGES = (0, 1, 11, 51, 101, 201, np.inf)
"""Masks of an image: none, up to 10, 50, 100, 200, and more."""


def dataset_table(statistics: MaskStatistics) -> Table:
    """Return the quartiles of everything, and the number of images and masks."""
    counts = statistics.masks_per_image
    rows: list[list[Any]] = [
        ["masks an image", *_quartiles(counts)],
        ["relative size", *_quartiles(statistics.relative_size)],
        ["concavity", *_quartiles(statistics.concavity)],
        [
            "distance of centres from the middle",
            *_quartiles(np.hypot(*(statistics.center_yx - 0.5).T)),
        ],
    ]
    title = f"{counts.sum()} masks in {len(counts)} images"
    header = ["", "mean", "least", "25 %", "median", "75 %", "most"]
    return Table(title, header, rows)


def _quartiles(values: Any) -> list[float]:
    if not len(values):
        return [float("nan")] * 6
    found = np.percentile(values, [0, 25, 50, 75, 100])
    return [float(np.mean(values)), *(float(value) for value in found)]


def dataset_plots(
    statistics: MaskStatistics,
) -> list[tuple[str, Callable[[Path], None]]]:
    """Return the name of each plot and what draws it."""
    return [
        ("masks-per-image", lambda path: _draw_counts(statistics, path)),
        (
            "relative-size",
            lambda path: draw_histogram(
                {"masks": statistics.relative_size}, path, title="relative size"
            ),
        ),
        (
            "concavity",
            lambda path: draw_histogram(
                {"masks": statistics.concavity}, path, title="concavity"
            ),
        ),
        ("centres", lambda path: _draw_centers(statistics, path)),
    ]


def _draw_counts(statistics: MaskStatistics, path: Path) -> None:
    counts, _ = np.histogram(statistics.masks_per_image, COUNT_EDGES)
    names = ["0", "1-10", "11-50", "51-100", "101-200", "> 200"]
    figure = new_figure()
    axis = figure.subplots()
    axis.bar(names, counts / max(counts.sum(), 1))
    axis.set(xlabel="masks in an image", ylabel="share of images")
    save(figure, path)


def _draw_centers(statistics: MaskStatistics, path: Path) -> None:
    figure = new_figure(4.5, 4)
    axis = figure.subplots()
    shown = axis.imshow(statistics.centers, extent=(0, 1, 1, 0), cmap="viridis")
    axis.set(xlabel="x, in widths of the image", ylabel="y, in heights")
    figure.colorbar(shown, label="share of centres")
    save(figure, path)

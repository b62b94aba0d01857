"""Plots with matplotlib, which is optional."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tilesam.errors import OutputError
from tilesam.writing import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike

INSTALL = "pip install 'napari-sam-tiles[report]'"


def require_matplotlib() -> None:
    """Make sure that plots can be drawn, before work begins.

    Raises
    ------
    OutputError
        If matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise OutputError(
            "plots of a report need matplotlib, which is not installed; leave out "
            f"--report, or install it: {INSTALL}"
        )


def new_figure(width: float = 7, height: float = 4) -> Any:
    """Return an empty figure that belongs to no screen.

    Raises
    ------
    OutputError
        If matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, path: Path) -> None:
    """Write a figure as PNG.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with written_whole(path) as partial:
        figure.savefig(partial, dpi=110, format="png")


def draw_histogram(
    values: Mapping[str, ArrayLike], path: Path, *, title: str, bins: int = 40
) -> None:
    """Draw the distribution of numbers from 0 to 1, a line for each group."""
    import numpy as np

    figure = new_figure()
    axis = figure.subplots()
    edges = np.linspace(0, 1, bins + 1)
    for name, numbers in values.items():
        counts, _ = np.histogram(np.clip(numbers, 0, 1), edges)
        share = counts / max(counts.sum(), 1)
        axis.stairs(share, edges, label=name)
    axis.set(xlabel=title, ylabel="share of objects")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")
    save(figure, path)


def draw_ranges(values: Mapping[str, ArrayLike], path: Path, *, title: str) -> None:
    """Draw quartiles, range and outliers of each group, the last one at the bottom."""
    figure = new_figure(height=1 + 0.4 * len(values))
    axis = figure.subplots()
    names = list(values)[::-1]
    axis.boxplot([values[name] for name in names], orientation="horizontal")
    axis.set_yticks(range(1, len(names) + 1), names)
    axis.set(xlabel=title)
    axis.grid(alpha=0.3, axis="x")
    save(figure, path)


def draw_lines(
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]],
    path: Path,
    *,
    labels: tuple[str, str],
) -> None:
    """Draw curves over one another, with points where they are known."""
    figure = new_figure()
    axis = figure.subplots()
    for name, (x, y) in lines.items():
        axis.plot(x, y, marker="o", markersize=3, label=name)
    axis.xaxis.get_major_locator().set_params(integer=labels[0] == "points")
    axis.set(xlabel=labels[0], ylabel=labels[1], ylim=(0, 1))
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")
    save(figure, path)

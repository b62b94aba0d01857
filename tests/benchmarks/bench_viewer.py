"""Time clicks in a real viewer, and how long its window stands still meanwhile.

    scripts/with-display.sh python tests/benchmarks/bench_viewer.py [--clicks N]

Real mouse events on the canvas of napari with the embedded model. From the click to the
visible mask, debouncing included, with the tile embedded; and the longest pause of the
window's event loop, measured by a timer, while tiles are embedded in the background.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import napari
import numpy as np
from rich.console import Console
from rich.table import Table
from skimage import data

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # when run as a script

from napari_sam.annotators import close_all
from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.menu import show_dock
from tests.benchmarks.machine import describe_machine
from tests.plugin.viewer.canvas import Person
from tests.plugin.viewer.heartbeat import Heart

TILED = 8
"""The image for embedding is so many coins pictures wide and high."""


def click_seconds(clicks: int) -> list[float]:
    """Return the seconds from click to visible mask, of clicks on coins."""
    viewer = napari.Viewer()
    viewer.window.resize(1100, 800)
    viewer.add_image(data.coins())
    dock = show_dock(viewer, "Point prompts")
    annotator, person = dock.annotator, Person(viewer)
    person.wait(lambda: annotator.session is not None)
    person.rest(0.5)
    viewer.reset_view()
    rng, seconds = np.random.default_rng(0), []
    for number in range(clicks + 1):
        place = tuple(rng.uniform((20, 20), (280, 360)))
        start = time.perf_counter()
        person.click(place)
        person.wait(lambda: _is_shown(annotator))
        seconds.append(time.perf_counter() - start)
        annotator.next_object()
        person.rest(0.2)
        if number == 0:
            seconds.clear()  # its tile was embedded first
    close_all(viewer)
    viewer.close()
    return seconds


def _is_shown(annotator: object) -> bool:
    layer = annotator.candidate_layers.layer(0)
    return layer is not None and layer.visible


def longest_pause() -> tuple[float, int]:
    """Return the longest pause while tiles are embedded, and how many were."""
    viewer = napari.Viewer()
    viewer.window.resize(1100, 800)
    viewer.add_image(np.tile(data.coins(), (TILED, TILED)), name="many coins")
    dock = show_dock(viewer, "Segment everything")
    annotator, person = dock.annotator, Person(viewer)
    person.wait(lambda: annotator.session is not None)
    person.rest(1.0)
    heart = Heart()
    annotator.controller(EmbeddingController).start()
    person.wait(lambda: annotator.embedding.is_running)
    person.wait(lambda: not annotator.embedding.is_running, seconds=300)
    pause, tiles = heart.stop(), len(annotator.embedding.stored)
    close_all(viewer)
    viewer.close()
    return pause, tiles


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clicks", type=int, default=40)
    options = parser.parse_args()
    seconds = np.array(click_seconds(options.clicks))
    pause, tiles = longest_pause()
    table = Table("", "measured", "wanted")
    table.add_row("click to mask, median", f"{np.median(seconds) * 1e3:.0f} ms", "")
    p95 = np.percentile(seconds, 95)
    table.add_row("click to mask, p95", f"{p95 * 1e3:.0f} ms", "<= 250 ms")
    name = f"longest pause of the window while {tiles} tiles are embedded"
    table.add_row(name, f"{pause * 1e3:.0f} ms", "<= 50 ms")
    console = Console()
    console.print(describe_machine(2))
    console.print(table)


if __name__ == "__main__":
    main()

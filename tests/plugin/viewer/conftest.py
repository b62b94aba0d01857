"""Real viewers, and what has to be gone when a test has ended."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.plugin.viewer.leaks import Leaks

WINDOW_WH = (1100, 800)


@pytest.fixture(scope="package", autouse=True)
def quick_collections() -> Iterator[None]:
    """Keep Python from looking through torch and napari again and again.

    napari collects garbage whenever a layer is removed: a quarter of a second each time
    with all that tests have imported.
    """
    import napari_sam.annotators
    import napari_sam.menu  # noqa: F401 - they bring the rest

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest, qapp: Any) -> Iterator[None]:
    """Fail a test that leaves threads, windows, timers or annotators behind.

    Comes before the fixtures that make viewers, and so ends after them.
    """
    leaks = Leaks()
    yield
    report = getattr(request.node, "rep_call", None)
    if report is not None and report.passed:
        leaks.fail_if_any()


@pytest.fixture
def open_viewer(make_napari_viewer: Any, no_leaks: None) -> Callable[..., Any]:
    """Return a function that opens a viewer; all are closed at the end."""

    def open_one() -> Any:
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(*WINDOW_WH)
        return viewer

    return open_one


@pytest.fixture
def viewer(open_viewer: Callable[..., Any]) -> Any:
    """Return a viewer on the screen."""
    return open_viewer()

"""Importing the packages is cheap, and says so where two distributions clash."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from importlib import metadata

import pytest

import napari_sam

HEAVY = {"torch", "qtpy", "PyQt6", "PySide6", "napari", "skimage", "magicgui"}


@pytest.mark.parametrize(
    "package",
    ["tilesam", "tilesam.types", "napari_sam", "napari_sam.files.sample_data"],
)
def test_importing_loads_neither_torch_nor_qt(package):
    code = (
        f"import sys, {package}\n"
        f"sys.exit(', '.join(sorted({HEAVY!r} & set(sys.modules))) or 0)"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_public_names_are_found_when_first_used():
    import tilesam

    missing = [name for name in tilesam.__all__ if not hasattr(tilesam, name)]
    assert missing == []
    assert set(tilesam.__all__) <= set(dir(tilesam))


def test_unknown_names_are_attribute_errors():
    import tilesam

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        tilesam.nonsense  # noqa: B018


def test_a_namesake_in_the_same_environment_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(metadata, "distribution", lambda name: name)

    with pytest.warns(RuntimeWarning, match="pip uninstall napari-sam napari-sam-ti"):
        importlib.reload(napari_sam)


def test_alone_it_does_not_warn():
    with warnings.catch_warnings(action="error"):
        importlib.reload(napari_sam)

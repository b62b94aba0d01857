"""What the how-to pages run, runs: as they show it, offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

PAGES = Path(__file__).parents[1] / "docs" / "how-to"


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("NAPARI_SAM_OFFLINE", "1")


def test_the_script_annotates_two_coins(tmp_path):
    command = [sys.executable, "-W", "error", str(PAGES / "annotate.py"), str(tmp_path)]
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert [line[:3] for line in lines[:3]] == ["IoU"] * 3
    assert "without object 2: [1]" in lines
    assert lines[-1] == "2 objects, labels (303, 384)"
    features = json.loads((tmp_path / "coins.geojson").read_text())["features"]
    assert len(features) == 2
    assert (tmp_path / "coins.ome.zarr" / "zarr.json").exists()


@pytest.mark.gui
def test_the_notebook_annotates_two_coins(tmp_path, monkeypatch):
    # Neither the kernel nor napari shall find, or leave, anything of the user's.
    for name in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("NAPARI_CONFIG", str(tmp_path / "napari.yaml"))
    notebook = nbformat.read(PAGES / "annotate.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute(env=dict(os.environ))
    shown = [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "execute_result"
    ]
    assert "[1, 2]" in shown
    assert (tmp_path / "coins-objects.tif").exists()


def test_the_notebook_is_kept_without_outputs():
    notebook = nbformat.read(PAGES / "annotate.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)

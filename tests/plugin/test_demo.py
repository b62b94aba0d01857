"""The demo as somebody runs it: a process of its own, pictures of a real window."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from napari_sam.demo import main

pytestmark = pytest.mark.gui


def run_demo(*arguments: str, cwd) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "napari_sam.demo", *arguments]
    settings = {"NAPARI_CONFIG": str(cwd / "napari.yaml")}
    return subprocess.run(
        command,
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **settings},
    )


def test_pictures_show_what_somebody_does_first(tmp_path):
    ended = run_demo("pictures", "--headless", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    pictures = {}
    for name in ("candidates", "second", "everything"):
        with Image.open(tmp_path / "pictures" / f"napari-{name}.png") as picture:
            pictures[name] = np.array(picture.convert("RGB"))
    sizes = {picture.shape for picture in pictures.values()}
    assert len(sizes) == 1
    # Each step changes what is seen: masks, cards, another dock.
    before, after, everything = pictures.values()
    assert (before != after).any(-1).mean() > 0.005
    assert (after != everything).any(-1).mean() > 0.05


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "pictures").touch()
    ended = run_demo("pictures", "--headless", cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].startswith("Error: cannot write")


def test_wrong_arguments_are_answered_before_any_window():
    with pytest.raises(SystemExit, match=r"Usage: python -m napari_sam\.demo FOLDER"):
        main(["a", "b"])

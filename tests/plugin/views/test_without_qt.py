"""What views say and show is decided without Qt."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["numbers", "sentences", "records", "phrases", "thumbnails"]
)
def test_words_and_pictures_need_neither_qt_nor_torch(module):
    code = (
        f"import sys, napari_sam.views.{module}\n"
        "sys.exit(', '.join({'qtpy', 'PyQt6', 'napari', 'torch'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert run.stderr.strip() == ""

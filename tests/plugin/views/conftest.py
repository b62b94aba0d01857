"""Panels as they look in the middle of somebody's work."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import disk

from napari_sam.views.records import (
    AskChoices,
    CandidateRow,
    ExportFormat,
    KeepChoices,
    ModelRow,
    PromptCounts,
    RunProgress,
    TextChoices,
    TileCounts,
)
from napari_sam.views.thumbnails import draw_thumbnail
from tests.plugin.fake_window import PATIENCE_MS
from tilesam.embedding.estimate import EmbeddingEstimate

KEYS = {
    "polarity": "T",
    "next_candidate": "N",
    "accept": "H",
    "reject": "J",
    "next_object": "Q",
    "clear": "Shift+C",
    "undo": "Ctrl+Z",
    "redo": "Ctrl+Shift+Z",
}

MODELS = (
    ModelRow("tiny", 0, "BSD-3-Clause", "in the package", "nuclei and simple scenes"),
    ModelRow("vit_b", 375_042_383, "Apache-2.0", "downloaded", "any image"),
    ModelRow(
        *("vit_b_em_organelles", 375_000_000, "CC-BY-4.0", "to be downloaded"),
        "mitochondria, nuclei and round organelles in electron microscopy",
        is_size_exact=False,
    ),
)

FORMATS = (ExportFormat("GeoJSON", ".geojson"), ExportFormat("OME-Zarr", ".ome.zarr"))


def candidates() -> list[CandidateRow]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(90, 140, (120, 120, 3)).astype(np.uint8)
    rows = []
    for radius, color, iou in (
        (45, (255, 160, 0), 0.934),
        (25, (0, 200, 255), 0.87),
        (12, (255, 0, 255), 0.5),
    ):
        mask = np.zeros(pixels.shape[:2], bool)
        mask[disk((60, 60), radius)] = True
        pixels[disk((60, 60), radius)] //= 2
        thumbnail = draw_thumbnail(pixels, mask, color=color)
        area = int(mask.sum())
        rows.append(CandidateRow(iou, iou + 0.04, area, None, thumbnail, "orange"))
    return rows


def _prompt_panel():
    from napari_sam.views.prompt_panel import PromptPanel

    panel = PromptPanel(keys=KEYS)
    panel.set_prompts(PromptCounts(positive=3, negative=1, boxes=2))
    panel.set_candidates(candidates())
    panel.set_message("The tile under the click is being embedded", "busy")
    return panel


def _empty_prompt_panel():
    from napari_sam.views.prompt_panel import PromptPanel

    panel = PromptPanel("boxes", keys=KEYS)
    panel.set_message("The layer 'coins' has no pixels here; choose another", "error")
    return panel


def _model_panel():
    from napari_sam.views.model_panel import ModelPanel

    panel = ModelPanel()
    panel.set_models(MODELS, "vit_b_em_organelles")
    panel.set_devices([("cuda:0", "NVIDIA GPU 0 (cuda:0)"), ("cpu", "Processor (cpu)")])
    panel.set_download(120_000_000, 375_000_000, 35)
    return panel


def _tiles_panel():
    from napari_sam.views.tiles_panel import TilesPanel

    panel = TilesPanel()
    panel.set_where("region")
    panel.set_region((12_345, 54_321))
    panel.set_estimate(EmbeddingEstimate(16_900, 12_345, 24_700_000_000, 7_200.0))
    panel.set_map(True, TileCounts(4_555, 1, 12_344))
    panel.set_store(
        "/data/projects/slides/slide-2024-03.sam.zarr", tiles=9, nbytes=2**24
    )
    panel.set_progress(RunProgress(1_234, 12_345, 4_000.0))
    return panel


def _everything_panel():
    from napari_sam.views.everything_panel import EverythingPanel

    panel = EverythingPanel()
    panel.set_ready(True)
    panel.set_ask(AskChoices("image", 32, None))
    panel.set_keep(KeepChoices(0.88, 0.95, 0, "smallest"))
    panel.set_counts(12_345, 56_789)
    panel.set_progress(RunProgress(12, 48, 200.0))
    panel.set_message("Nothing passes: lower the predicted IoU", "warning")
    return panel


def _text_panel():
    from napari_sam.views.text_panel import TextPanel

    panel = TextPanel()
    panel.set_ready(True)
    panel.set_ask(
        TextChoices(
            *("dark round nuclei", ("leaf", "background"), "clip:models/siglip"),
            *("region", True),
        )
    )
    panel.set_region((12_345, 54_321))
    panel.set_prompts(PromptCounts(positive=2, negative=1, boxes=1))
    panel.set_counts(12_345, 56_789)
    panel.set_picked(1_234, 0.87)
    panel.set_progress(RunProgress(12, 48, 200.0))
    panel.set_message(
        "'shiny' in 'shiny nuclei' is not known and was left out", "warning"
    )
    return panel


def _objects_panel():
    from napari_sam.views.objects_panel import ObjectsPanel

    panel = ObjectsPanel(keys=KEYS)
    panel.set_layers([("objects", 1), ("a labels layer with a very long name", 2)], 2)
    panel.set_policy("ask")
    panel.set_formats(FORMATS)
    panel.set_count(1_234)
    panel.set_steps("accept object 1,234 with two boxes and one point", "erase")
    panel.set_message("Saved to work.sam.json")
    return panel


def _similar_panel():
    from napari_sam.views.similar_panel import SimilarPanel

    panel = SimilarPanel()
    panel.set_ready(True)
    panel.set_formats(FORMATS)
    panel.set_progress(RunProgress(1_234, 12_345, None))
    panel.set_counts(12_345, 56_789)
    panel.set_message("Deleted 12,345 objects; undo it above.")
    return panel


def _session_box():
    from napari_sam.views.session_box import SessionBox

    box = SessionBox()
    box.set_place("/data/projects/slides/a-slide-with-a-long-name-2024-03.sam.json")
    box.set_offer("12,345 objects from 14:03 on 3 May, in a-slide-2024-03.sam.json")
    return box


PANELS = {
    "prompts": _prompt_panel,
    "prompts-empty": _empty_prompt_panel,
    "model": _model_panel,
    "tiles": _tiles_panel,
    "everything": _everything_panel,
    "text": _text_panel,
    "objects": _objects_panel,
    "similar": _similar_panel,
    "session": _session_box,
}


@pytest.fixture
def panels() -> dict:
    """Return functions that build each panel, filled with long texts and numbers."""
    return PANELS


@pytest.fixture(params=PANELS)
def panel(request, qtbot):
    """Return each panel, shown alone."""
    widget = PANELS[request.param]()
    widget.setObjectName(request.param)
    qtbot.addWidget(widget)
    widget.resize(320, widget.sizeHint().height())
    with qtbot.waitExposed(widget, timeout=PATIENCE_MS):
        widget.show()
    return widget


@pytest.fixture
def candidate_rows() -> list[CandidateRow]:
    return candidates()

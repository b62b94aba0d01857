"""All files about the answers to some prompts on one image, in one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tilesam.export.labels import write_label_tiff
from tilesam.export.overlay import draw_overlay, region_of, shown_hw
from tilesam.export.records import Answer, build_record, write_record
from tilesam.export.staging import staged_folder
from tilesam.types import Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tilesam.export.records import StoreUse
    from tilesam.session import Session

CANDIDATES_FILE, LABELS_FILE = "candidates.json", "labels.tif"
OVERLAY_FILE, IMAGE_FILE = "overlay.png", "image.png"


def write_results(
    folder: Path,
    session: Session,
    answers: Sequence[Answer],
    *,
    image_name: str,
    store: StoreUse | None = None,
    with_image: bool = False,
) -> dict[str, Any]:
    """Write candidates.json, labels.tif and overlay.png; all of them or none.

    Parameters
    ----------
    folder
        Is made if it is missing.
    session
        The image and the model that answered.
    answers
        One for each object; the first candidate of each is painted into the labels.
    image_name
        For the record.
    store
        For the record, if embeddings are kept on disk.
    with_image
        Write the whole image, as the model sees it, too, as image.png; only for images
        that fit into memory.

    Returns
    -------
    dict
        What is in candidates.json, see `build_record`.

    Raises
    ------
    OutputError
        If the folder or a file in it cannot be written.
    """
    from PIL import Image

    record = build_record(
        answers,
        image_name=image_name,
        image_hw=session.image_hw,
        model=session.model,
        store=store,
    )
    region = region_of(answers, session.image_hw)
    pixels = session.source.read_resampled(region, shown_hw(region))
    with staged_folder(folder) as staging:
        write_record(staging / CANDIDATES_FILE, record)
        best = [answer.candidates[0] for answer in answers]
        write_label_tiff(staging / LABELS_FILE, best, session.image_hw)
        draw_overlay(pixels, region, answers).save(staging / OVERLAY_FILE)
        if with_image:
            whole = session.source.read_window(Window(0, 0, *session.image_hw))
            Image.fromarray(whole).save(staging / IMAGE_FILE)
    return record

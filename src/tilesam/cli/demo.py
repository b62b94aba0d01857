"""`napari-sam demo`: objects clicked on in real images that ship with scikit-image."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tilesam.cli.output import (
    JsonFlag,
    console,
    error_console,
    print_json,
    progress_bar,
)
from tilesam.cli.prompt import describe
from tilesam.errors import TilesamError

if TYPE_CHECKING:
    from tilesam.export.records import Answer
    from tilesam.model.runtime import SamModel
    from tilesam.session import Session

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class DemoObject:
    """What is asked about one object; `(y, x)` in pixels."""

    points_yx: tuple[Point, ...] = ()
    point_labels: tuple[int, ...] = ()
    boxes_yxyx: tuple[Box, ...] = ()


@dataclass(frozen=True)
class DemoImage:
    """A function of `skimage.data` and the objects that are clicked on."""

    name: str
    objects: tuple[DemoObject, ...]


def _click(y: float, x: float) -> DemoObject:
    return DemoObject(points_yx=((y, x),), point_labels=(1,))


def _box(y0: float, x0: float, y1: float, x1: float) -> DemoObject:
    return DemoObject(boxes_yxyx=((y0, x0, y1, x1),))


DEMO_IMAGES = (
    DemoImage(
        "immunohistochemistry",
        (
            _box(264, 480, 300, 498),  # nuclei of the tissue around the glands
            _box(352, 412, 386, 424),
            _box(301, 248, 505, 386),  # a gland, cut across
        ),
    ),
    DemoImage("cell", (_click(374, 428),)),
    DemoImage(
        "coins",
        (
            _click(54, 45),
            _click(51, 155),
            _box(171, 79, 220, 129),
            _click(123, 213),
            _click(270, 45),
            _box(155, 314, 219, 380),
        ),
    ),
)
"""All of them are in scikit-image's wheel: nothing is downloaded."""


def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path(
        "demo-output"
    ),
    headless: Annotated[
        bool,
        typer.Option("--headless", help="Write pictures of the viewer, and close it."),
    ] = False,
    model: Annotated[str, typer.Option(help="Name or checkpoint's path.")] = "tiny",
    device: Annotated[
        str | None, typer.Option(help="cuda, mps or cpu; by default the best there is.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Segment objects in three real images, then open napari and click on a coin.

    Writes candidates.json, labels.tif, overlay.png and image.png into one folder for
    each image; headless, screenshots of the plugin at work too.
    """
    from tilesam import load_model
    from tilesam.writing import require_writable_folder

    require_writable_folder(out)
    network = load_model(model, device=device)
    records = {}
    with progress_bar("Segmenting") as report:
        for done, image in enumerate(DEMO_IMAGES):
            report(done, len(DEMO_IMAGES))
            session, answers = _answer(image, network)
            records[image.name] = _write(out / image.name, session, answers, image.name)
            if not as_json:
                _describe(image.name, answers)
    if as_json:
        print_json({"folder": out, "images": records})
    else:
        console.print(f"Look at the overlay.png of each image in {out}")
    _show(out, headless=headless)


def _answer(image: DemoImage, network: SamModel) -> tuple[Session, list[Answer]]:
    from skimage import data

    from tilesam import Session
    from tilesam.export.records import Answer
    from tilesam.prompts import build_prompts

    session = Session.open(getattr(data, image.name)(), model=network)
    answers = []
    for asked in image.objects:
        prompts = build_prompts(
            asked.points_yx,
            asked.point_labels,
            asked.boxes_yxyx,
            image_hw=session.image_hw,
        )
        answers.append(Answer(prompts, session.answer(prompts)))
    return session, answers


def _write(
    folder: Path, session: Session, answers: Sequence[Answer], name: str
) -> dict[str, Any]:
    from tilesam.export.results import write_results

    return write_results(folder, session, answers, image_name=name, with_image=True)


def _describe(name: str, answers: Sequence[Answer]) -> None:
    console.print(f"{name}:", highlight=False)
    for number, answer in enumerate(answers, start=1):
        best = answer.candidates[0]
        console.print(f"  {number}. {describe(best)}", highlight=False)


def _show(folder: Path, *, headless: bool) -> None:
    """Have the plugin at work in napari, in a process of its own.

    The engine knows no viewer. Without a screen there are no pictures of it, either.

    Raises
    ------
    TilesamError
        If napari could not be started or ended with an error.
    """
    if not _has_screen():
        error_console.print(
            "There is no screen: no napari. Run it under a virtual one for pictures, "
            "for example `xvfb-run napari-sam demo --headless`.",
            highlight=False,
        )
        return
    command = [sys.executable, "-m", "napari_sam.demo", str(folder)]
    command += ["--headless"] if headless else []
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        raise TilesamError(
            f"napari ended with code {code}; the results are in {folder}; "
            "run `napari-sam prompt` to go without napari"
        )


def _has_screen() -> bool:
    """Return whether windows can be opened: only X11 and Wayland may be missing."""
    is_unix = sys.platform.startswith(("linux", "freebsd"))
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return not is_unix or any(os.environ.get(name) for name in names)

"""`napari-sam prompt`: points and boxes in, three scored masks out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tilesam.cli.output import JsonFlag, console, print_json
from tilesam.cli.several_values import SeveralValuesCommand, split_values

if TYPE_CHECKING:
    from tilesam.types import MaskCandidate

COMMAND_CLASS = SeveralValuesCommand
"""With it the command is registered: `app.command("prompt", cls=COMMAND_CLASS)`."""


def prompt(
    image: Annotated[Path, typer.Argument(help="PNG, JPEG or TIFF.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="Y X", help="A point on the object; may be repeated."),
    ] = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(metavar="Y X", help="A point beside the object; may be repeated."),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(
            metavar="Y0 X0 Y1 X1", help="A box around the object; may be repeated."
        ),
    ] = None,
    channel: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N", help="A channel to look at, from 0; up to three times."
        ),
    ] = None,
    channel_axis: Annotated[
        int | None,
        typer.Option(help="Which axis is the channels, if the file does not say."),
    ] = None,
    model: Annotated[str, typer.Option(help="Name or checkpoint's path.")] = "tiny",
    device: Annotated[
        str | None, typer.Option(help="cuda, mps or cpu; by default the best there is.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Segment one object in an image, from points and boxes.

    Coordinates are in pixels, rows first, the centre of the first pixel being 0 0.
    Writes candidates.json (three masks with their scores), labels.tif (the best mask)
    and overlay.png (a picture of all three) into the folder.
    """
    from tilesam import Session, load_model
    from tilesam.export.records import Answer
    from tilesam.export.results import write_results
    from tilesam.image import open_image
    from tilesam.prompts import build_prompts
    from tilesam.writing import require_writable_folder

    # What costs nothing to check comes before the weights are loaded.
    source = open_image(image, channels=channel, channel_axis=channel_axis)
    positives, negatives = split_values(point), split_values(negative)
    prompts = build_prompts(
        positives + negatives,
        [1] * len(positives) + [0] * len(negatives),
        split_values(box),
        image_hw=source.hw,
    )
    require_writable_folder(out)
    session = Session(source, load_model(model, device=device))
    candidates = session.answer(prompts)
    record = write_results(
        out, session, [Answer(prompts, candidates)], image_name=image.name
    )
    if as_json:
        print_json({"folder": out, **record})
        return
    for number, candidate in enumerate(candidates, start=1):
        console.print(f"{number}. {describe(candidate)}", highlight=False)
    console.print(f"Wrote candidates.json, labels.tif and overlay.png to {out}")


def describe(candidate: MaskCandidate) -> str:
    """Return one candidate in words."""
    return (
        f"predicted IoU {candidate.predicted_iou:.2f}, "
        f"stability {candidate.stability_score:.2f}, {candidate.area} pixels"
    )

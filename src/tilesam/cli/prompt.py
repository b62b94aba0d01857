"""`napari-sam prompt`: points and boxes in, three scored masks out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tilesam.cli.evaluate_options import RefineOption
from tilesam.cli.output import JsonFlag, console, print_json
from tilesam.cli.several_values import SeveralValuesCommand, split_values

if TYPE_CHECKING:
    from tilesam.export.records import StoreUse
    from tilesam.image import ImageSource
    from tilesam.session import Session
    from tilesam.types import MaskCandidate, Prompts

COMMAND_CLASS = SeveralValuesCommand
"""With it the command is registered: `app.command("prompt", cls=COMMAND_CLASS)`."""


def _checked_diameter(pixels: float | None) -> float | None:
    if pixels is not None and not 0 < pixels < math.inf:
        raise typer.BadParameter(f"{pixels:g} is no positive number of pixels.")
    return pixels


ImageArgument = Annotated[
    str,
    typer.Argument(
        help="Path or URL: PNG, JPEG, TIFF, OME-Zarr, zarr array; any size."
    ),
]
OutOption = Annotated[Path, typer.Option(help="Folder for the results.")]
PointOption = Annotated[
    list[str] | None,
    typer.Option(metavar="Y X", help="A point on the object; may be repeated."),
]
NegativeOption = Annotated[
    list[str] | None,
    typer.Option(metavar="Y X", help="A point beside the object; may be repeated."),
]
BoxOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="Y0 X0 Y1 X1", help="A box around the object; may be repeated."
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help="Where embeddings are kept and looked for; made if it is missing.",
    ),
]
DiameterOption = Annotated[
    float | None,
    typer.Option(
        metavar="PX",
        callback=_checked_diameter,
        help="Of a typical object in pixels of the image, if objects are very small or "
        "very large.",
    ),
]
ChannelOption = Annotated[
    list[int] | None,
    typer.Option(metavar="N", help="A channel to look at, from 0; up to three times."),
]
ChannelAxisOption = Annotated[
    int | None,
    typer.Option(help="Which axis is the channels, if the file does not say."),
]
PlaneOption = Annotated[
    list[int] | None,
    typer.Option(
        metavar="N",
        help="Which plane of a stack, from 0; once for each axis before the rows.",
    ),
]
ModelOption = Annotated[str, typer.Option(help="Name or checkpoint's path.")]
DeviceOption = Annotated[
    str | None, typer.Option(help="cuda, mps or cpu; by default the best there is.")
]


def prompt(
    image: ImageArgument,
    *,
    out: OutOption,
    point: PointOption = None,
    negative: NegativeOption = None,
    box: BoxOption = None,
    store: StoreOption = None,
    object_diameter: DiameterOption = None,
    channel: ChannelOption = None,
    channel_axis: ChannelAxisOption = None,
    plane: PlaneOption = None,
    model: ModelOption = "tiny",
    device: DeviceOption = None,
    refine: RefineOption = True,
    as_json: JsonFlag = False,
) -> None:
    """Segment one object in an image of any size, from points and boxes.

    Coordinates are in pixels, rows first, the centre of the first pixel being 0 0.
    Writes candidates.json (three masks with their scores), labels.tif (the best mask)
    and overlay.png (a picture of all three) into the folder.

    Only the part of the image around the prompts is read. With --store its embedding
    is kept, and further prompts there are answered without the image encoder.
    """
    from tilesam.opening import open_source, require_store_place
    from tilesam.prompts import build_prompts
    from tilesam.writing import require_writable_folder

    # What costs nothing to check comes before the weights are loaded.
    source = open_source(
        image, store, channels=channel, channel_axis=channel_axis, plane=plane
    )
    positives, negatives = split_values(point), split_values(negative)
    prompts = build_prompts(
        positives + negatives,
        [1] * len(positives) + [0] * len(negatives),
        split_values(box),
        image_hw=source.hw,
    )
    require_writable_folder(out)
    if store is not None:
        require_store_place(store, source)
    session = _open_session(
        *(source, store),
        model=model,
        device=device,
        object_diameter=object_diameter,
        refined=refine,
    )
    candidates, use = _ask(session, prompts, store)
    record = _write(out, session, prompts, candidates, name=name_of(image), use=use)
    if as_json:
        print_json({"folder": out, **record})
    else:
        _describe_all(candidates, out, use)


def describe(candidate: MaskCandidate) -> str:
    """Return one candidate in words."""
    return (
        f"predicted IoU {candidate.predicted_iou:.2f}, "
        f"stability {candidate.stability_score:.2f}, {candidate.area} pixels"
    )


def _describe_all(
    candidates: list[MaskCandidate], out: Path, use: StoreUse | None
) -> None:
    for number, candidate in enumerate(candidates, start=1):
        console.print(f"{number}. {describe(candidate)}", highlight=False)
    console.print(f"Wrote candidates.json, labels.tif and overlay.png to {out}")
    if use is not None:
        console.print(
            f"{use.path} holds {use.tiles} tile(s), {use.embedded_now} of them new",
            highlight=False,
        )


def name_of(image: str) -> str:
    """Return the last part of an image's path or URL."""
    from tilesam.image import locations

    return locations.name_of(image)


def _open_session(
    source: ImageSource,
    store: str | None,
    *,
    model: str,
    device: str | None,
    object_diameter: float | None,
    refined: bool,
) -> Session:
    from tilesam import Session, load_model
    from tilesam.opening import open_embedding_store

    network = load_model(model, device=device, refined=refined)
    kept = None if store is None else open_embedding_store(store, source, network)
    return Session(source, network, kept, object_diameter=object_diameter)


def _ask(
    session: Session, prompts: Prompts, store: str | None
) -> tuple[list[MaskCandidate], StoreUse | None]:
    """Return the answers, and how the store on disk took part in them."""
    from tilesam.export.records import StoreUse

    if store is None:
        return session.answer(prompts), None
    candidates = session.answer(prompts)
    tiles, embedded_now = session.store.keys(), session.embeddings.embedded_count
    return candidates, StoreUse(store, len(tiles), embedded_now)


def _write(
    out: Path,
    session: Session,
    prompts: Prompts,
    candidates: list[MaskCandidate],
    *,
    name: str,
    use: StoreUse | None,
) -> dict[str, Any]:
    from tilesam.export.records import Answer
    from tilesam.export.results import write_results

    answer = Answer(prompts, candidates)
    return write_results(out, session, [answer], image_name=name, store=use)

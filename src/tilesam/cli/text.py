"""`napari-sam text`: all objects of an image that a phrase means."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from tilesam.cli.everything_options import (
    AdjustableFlag,
    IouOption,
    LevelOption,
    OutOption,
    RegionOption,
    StabilityOption,
    WorkOption,
)
from tilesam.cli.everything_report import counted, everything_bar
from tilesam.cli.output import JsonFlag, console, error_console, print_json
from tilesam.cli.prompt import (
    ChannelAxisOption,
    ChannelOption,
    DeviceOption,
    DiameterOption,
    ImageArgument,
    ModelOption,
    PlaneOption,
    StoreOption,
    name_of,
)
from tilesam.cli.run_bar import in_time
from tilesam.cli.run_options import SkipFlag, ThreadsOption
from tilesam.cli.several_values import SeveralValuesCommand, split_values

if TYPE_CHECKING:
    from tilesam.everything.progress import EverythingProgress
    from tilesam.session import Session
    from tilesam.text.scored import ScoredMasks, TextSegmentation
    from tilesam.types import Window


class TextCommand(SeveralValuesCommand):
    """The command, with options that take several numbers."""

    value_names: ClassVar[dict[str, tuple[str, ...]]] = {
        "--region": ("Y0", "X0", "Y1", "X1"),
        "--point": ("Y", "X"),
        "--negative-point": ("Y", "X"),
        "--exemplar": ("Y0", "X0", "Y1", "X1"),
    }


COMMAND_CLASS = TextCommand
"""With it the command is registered: `app.command("text", cls=COMMAND_CLASS)`."""

PhraseArgument = Annotated[
    str, typer.Argument(help='What to look for, for example "dark round nuclei".')
]
NegativeOption = Annotated[
    list[str] | None,
    typer.Option(metavar="PHRASE", help="What is not meant; may be repeated."),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Lowest score, from 0 to 1; by default what the backend recommends.",
    ),
]
PointOption = Annotated[
    list[str] | None,
    typer.Option(metavar="Y X", help="A place on what is meant; may be repeated."),
]
NegativePointOption = Annotated[
    list[str] | None,
    typer.Option(metavar="Y X", help="A place on what is not; may be repeated."),
]
ExemplarOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="Y0 X0 Y1 X1", help="A box around one that is meant; may be repeated."
    ),
]
RedecodeFlag = Annotated[
    bool,
    typer.Option(
        "--redecode", help="Ask the decoder again for the best, told what is meant."
    ),
]
BackendOption = Annotated[
    str,
    typer.Option(
        help="Who looks: embedded, clip or grounding; clip:MODEL and grounding:MODEL "
        "name a model of the hub, or a folder."
    ),
]
GridOption = Annotated[
    int | None,
    typer.Option("--points-per-side", metavar="N",
                 help="Every window is asked at N x N points; by default 24."),
]  # fmt: skip


def text(
    image: ImageArgument,
    phrase: PhraseArgument,
    *,
    out: OutOption,
    negative: NegativeOption = None,
    threshold: ThresholdOption = None,
    point: PointOption = None,
    negative_point: NegativePointOption = None,
    exemplar: ExemplarOption = None,
    redecode: RedecodeFlag = False,
    backend: BackendOption = "embedded",
    points_per_side: GridOption = None,
    pred_iou_thresh: IouOption = None,
    stability_score_thresh: StabilityOption = None,
    object_diameter: DiameterOption = None,
    level: LevelOption = None,
    region: RegionOption = None,
    skip_background: SkipFlag = False,
    store: StoreOption = None,
    work: WorkOption = None,
    adjustable: AdjustableFlag = False,
    channel: ChannelOption = None,
    channel_axis: ChannelAxisOption = None,
    plane: PlaneOption = None,
    model: ModelOption = "tiny",
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Find all objects of an image that a phrase means.

    Segments everything first, mildly, then scores each mask by how well the phrase fits
    it. With --work the masks are kept, and another phrase about the same image decodes
    nothing.
    """
    from tilesam import Session
    from tilesam.export.segmentations import require_output
    from tilesam.model.memory import keep_freed_memory
    from tilesam.opening import load_if_named, open_embedding_store, open_source
    from tilesam.text.backends import load_backend
    from tilesam.text.query import build_query

    keep_freed_memory()
    source = open_source(
        image, store, channels=channel, channel_axis=channel_axis, plane=plane
    )
    for file in out:
        require_output(file, image=image, image_hw=source.hw)
    asked = _corrections(negative, point, negative_point, exemplar)
    # What costs nothing to check comes before the weights are loaded.
    build_query(phrase, **asked, image_hw=source.hw)
    load_backend(backend)
    network = load_if_named(model) if device is None else _load(model, device)
    kept = None if store is None else open_embedding_store(store, source, network)
    session = Session(source, network, kept, object_diameter=object_diameter)
    start = time.perf_counter()
    scored = _find(
        *(session, phrase, _window(region), level),
        **asked,
        redecode=redecode,
        backend=backend,
        settings=_settings(points_per_side, pred_iou_thresh, stability_score_thresh),
        work=work,
        adjustable=adjustable,
        skip_background=skip_background,
        torch_threads=threads,
    )
    found = scored.resolve(threshold)
    _write(found, out, image=image, session=session)
    record = _record(scored, found, time.perf_counter() - start)
    if as_json:
        print_json({"image": image, "phrase": phrase, "out": out, **record})
    else:
        _tell(found, record, out)


def _corrections(
    negative: list[str] | None,
    point: list[str] | None,
    negative_point: list[str] | None,
    exemplar: list[str] | None,
) -> dict[str, Any]:
    positives, negatives = split_values(point), split_values(negative_point)
    return {
        "negative_phrases": tuple(negative or ()),
        "points_yx": positives + negatives or None,
        "point_labels": [1] * len(positives) + [0] * len(negatives) or None,
        "exemplar_boxes": split_values(exemplar) or None,
    }


def _settings(points: int | None, iou: float | None, stability: float | None) -> Any:
    from tilesam.everything.settings import EverythingSettings
    from tilesam.text.proposals import POINTS_PER_SIDE

    return EverythingSettings(
        points_per_side=points or POINTS_PER_SIDE,
        pred_iou_thresh=iou,
        stability_score_thresh=stability,
    )


def _load(model: str, device: str) -> Any:
    from tilesam import load_model

    return load_model(model, device=device)


def _window(region: str | None) -> Window | None:
    from tilesam.types import Window

    if region is None:
        return None
    numbers = split_values([region])[0]
    if not all(number.is_integer() for number in numbers):
        raise typer.BadParameter(f"--region is {region}; expected whole numbers.")
    y0, x0, y1, x1 = (int(number) for number in numbers)
    return Window(y0, x0, y1 - y0, x1 - x0)


def _find(
    session: Session,
    phrase: str,
    region: Window | None,
    levels: list[int] | None,
    **options: Any,
) -> ScoredMasks:
    """Ask with a bar."""
    total = len(session.plan_everything(region, levels=levels))
    with everything_bar(total) as show:

        def report(progress: EverythingProgress) -> None:
            show(progress)

        return session.find_text(
            phrase, region=region, levels=levels, progress=report, **options
        )


def _write(
    found: TextSegmentation, out: list[Path], *, image: str, session: Session
) -> None:
    from dataclasses import replace

    from tilesam.export.segmentations import write_segmentation

    named = replace(found, image_name=name_of(image))
    for file in out:
        write_segmentation(file, named, image=image, source=session.source)


def _record(
    scored: ScoredMasks, found: TextSegmentation, seconds: float
) -> dict[str, Any]:
    """Return what was found, for JSON."""
    return {
        "objects": len(found),
        "threshold": found.threshold,
        "best_score": found.best_score,
        "proposals": len(scored),
        "notice": found.notice,
        "hint": found.hint,
        "model": found.model_name,
        "seconds": seconds,
    }


def _tell(found: TextSegmentation, record: dict[str, Any], out: list[Path]) -> None:
    if found.notice is not None:
        error_console.print(
            f"Note: {found.notice}", soft_wrap=True, markup=False, highlight=False
        )
    words = f"Found {counted(len(found), 'object')} with a score of at least "
    words += f"{found.threshold:.2f} among {counted(record['proposals'], 'mask')}"
    words += f" in {in_time(record['seconds'])}"
    if found.hint is not None and found.hint != found.notice:
        words = f"Found nothing: {found.hint}"
    console.print(words, soft_wrap=True, markup=False, highlight=False)
    console.print(f"Wrote {', '.join(map(str, out))}", soft_wrap=True, highlight=False)

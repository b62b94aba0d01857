"""`napari-sam everything`: all objects of an image of any size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from tilesam.cli.everything_options import (
    AdjustableFlag,
    AreaShareOption,
    BatchOption,
    IouOption,
    KeepCutFlag,
    KeepWorkFlag,
    LevelNmsOption,
    LevelOption,
    NmsOption,
    OutOption,
    OverlapOption,
    PointsOption,
    RegionAreaOption,
    RegionOption,
    StabilityOption,
    VisibleShareOption,
    WorkOption,
)
from tilesam.cli.everything_report import (
    describe_objects,
    describe_run,
    everything_bar,
    to_record,
)
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
from tilesam.cli.run_options import (
    ResourceOption,
    SchedulerOption,
    SkipFlag,
    ThreadsOption,
    connected,
    parse_resources,
)
from tilesam.cli.several_values import SeveralValuesCommand, split_values

if TYPE_CHECKING:
    from tilesam.everything.decoded import DecodedEverything
    from tilesam.everything.progress import EverythingProgress
    from tilesam.image import ImageSource
    from tilesam.session import Session
    from tilesam.types import TileKey, Window


class EverythingCommand(SeveralValuesCommand):
    """The command, with an option that takes four numbers."""

    value_names: ClassVar[dict[str, tuple[str, ...]]] = {
        "--region": ("Y0", "X0", "Y1", "X1")
    }


COMMAND_CLASS = EverythingCommand
"""With it the command is registered: `app.command("everything", cls=COMMAND_CLASS)`."""


def everything(
    image: ImageArgument,
    *,
    out: OutOption,
    points_per_side: PointsOption = 32,
    points_per_batch: BatchOption = 64,
    pred_iou_thresh: IouOption = None,
    stability_score_thresh: StabilityOption = None,
    box_nms_thresh: NmsOption = 0.7,
    crop_nms_thresh: LevelNmsOption = 0.7,
    min_mask_region_area: RegionAreaOption = 0,
    max_area_share: AreaShareOption = 1.0,
    overlap: OverlapOption = "smallest",
    min_visible_share: VisibleShareOption = 0.5,
    keep_cut: KeepCutFlag = False,
    object_diameter: DiameterOption = None,
    level: LevelOption = None,
    region: RegionOption = None,
    skip_background: SkipFlag = False,
    store: StoreOption = None,
    work: WorkOption = None,
    keep_work: KeepWorkFlag = False,
    adjustable: AdjustableFlag = False,
    channel: ChannelOption = None,
    channel_axis: ChannelAxisOption = None,
    plane: PlaneOption = None,
    model: ModelOption = "tiny",
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    scheduler: SchedulerOption = None,
    resource: ResourceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Find all objects of an image, whole across the seams of tiles.

    Every window is asked at a grid of points, at the image's resolution and coarser
    ones. Stop it at any time, with Ctrl-C or otherwise: the same command goes on where
    it was.
    """
    from tilesam.everything.settings import EverythingSettings
    from tilesam.model.memory import keep_freed_memory
    from tilesam.opening import open_source

    keep_freed_memory()
    settings = EverythingSettings(
        points_per_side=points_per_side,
        points_per_batch=points_per_batch,
        pred_iou_thresh=pred_iou_thresh,
        stability_score_thresh=stability_score_thresh,
        box_nms_thresh=box_nms_thresh,
        crop_nms_thresh=crop_nms_thresh,
        min_mask_region_area=min_mask_region_area,
        max_area_share=max_area_share,
        overlap=overlap,  # type: ignore[arg-type] # which is checked there
        min_visible_share=min_visible_share,
        keep_cut=keep_cut,
    )
    place, resources = _window(region), parse_resources(resource)
    if scheduler is not None and store is None:
        raise typer.BadParameter("--scheduler needs --store, a folder of all workers.")
    source = open_source(
        image, store, channels=channel, channel_axis=channel_axis, plane=plane
    )
    folder = work or Path(f"{out[0]}.unfinished")
    _require_places(image, source, out, store, folder)
    session = _open_session(source, store, model, device, object_diameter)
    plan = session.plan_everything(place, levels=level)
    with connected(scheduler) as client:
        run = _decode(
            *(session, plan, folder),
            region=place,
            settings=settings,
            adjustable=adjustable,
            skip_background=skip_background,
            torch_threads=threads,
            client=client,
            resources=resources,
        )
    is_wanted = keep_work or adjustable
    # Other runs in the folder may still need the masks.
    is_kept = is_wanted or run.is_shared
    record = _finish(run, image, out, is_kept=is_kept, as_json=as_json)
    if is_kept and not is_wanted and not as_json:
        _say(f"Kept {folder}, which another run uses too; remove it when that is done")
    if as_json:
        print_json({"image": image, "out": out, "work": folder if is_kept else None,
                    **record})  # fmt: skip


@dataclass(frozen=True)
class _Run:
    """All tiles decoded, the seconds that it took, and whether others helped."""

    decoded: DecodedEverything
    seconds: float
    is_shared: bool


def _window(region: str | None) -> Window | None:
    from tilesam.types import Window

    if region is None:
        return None
    numbers = split_values([region])[0]
    if not all(number.is_integer() for number in numbers):
        raise typer.BadParameter(f"--region is {region}; expected whole numbers.")
    y0, x0, y1, x1 = (int(number) for number in numbers)
    return Window(y0, x0, y1 - y0, x1 - x0)


def _require_places(
    image: str, source: ImageSource, out: list[Path], store: str | None, work: Path
) -> None:
    """Make sure that everything can be written, before the weights are loaded."""
    from tilesam.everything.mask_place import require_mask_place
    from tilesam.export.segmentations import require_output
    from tilesam.opening import require_store_place

    for file in out:
        require_output(file, image=image, image_hw=source.hw)
    require_mask_place(work, source.hw)
    if store is not None:
        require_store_place(store, source)


def _open_session(
    source: ImageSource,
    store: str | None,
    model: str,
    device: str | None,
    object_diameter: float | None,
) -> Session:
    from tilesam import Session, load_model
    from tilesam.opening import build_contents, open_embedding_store
    from tilesam.store import MemoryStore

    network = load_model(model, device=device)
    if store is not None:
        kept = open_embedding_store(store, source, network)
        return Session(source, network, kept, object_diameter=object_diameter)
    # Each tile is asked once: to keep embeddings would cost memory for nothing.
    nothing = MemoryStore(build_contents(source, network), max_bytes=0)
    return Session(source, network, nothing, object_diameter=object_diameter)


def _decode(
    session: Session, plan: list[TileKey], folder: Path, **options: Any
) -> _Run:
    """Decode with a bar, and notice other runs in the folder."""
    from tilesam.embedding.work_list import WorkList
    from tilesam.everything.decoded import decode_everything
    from tilesam.everything.mask_folder import stored_keys

    work = WorkList(plan, stored_keys(folder))
    start = time.perf_counter()
    done, is_shared = 0, False
    try:
        with everything_bar(len(plan)) as show:

            def report(progress: EverythingProgress) -> None:
                nonlocal done, is_shared
                done = progress.done
                is_shared |= work.is_done_by_others(progress.outcome)
                show(progress)

            decoded = decode_everything(
                *(session.embeddings.job, plan), work=folder, progress=report, **options
            )
    except KeyboardInterrupt:
        error_console.print(
            f"Stopped; {done} of {len(plan)} tiles are done and kept in {folder}. The "
            "same command goes on with the others.",
            soft_wrap=True,
            highlight=False,
        )
        raise
    return _Run(decoded, time.perf_counter() - start, is_shared)


def _finish(
    run: _Run, image: str, out: list[Path], *, is_kept: bool, as_json: bool
) -> dict[str, Any]:
    """Resolve, write and tell; remove the masks of tiles unless they are kept."""
    from tilesam.everything.mask_folder import FolderMaskStore
    from tilesam.export.segmentations import write_segmentation

    found = run.decoded.resolve(image_name=name_of(image))
    source = run.decoded.job.embedding.source
    for file in out:
        write_segmentation(file, found, image=image, source=source)
    masks = run.decoded.masks
    if not is_kept and isinstance(masks, FolderMaskStore):
        masks.remove()
    if not as_json:
        _say(describe_run(run.decoded.progress, run.seconds))
        _say(describe_objects(found))
        _say(f"Wrote {', '.join(map(str, out))}")
    model_name = {"model": found.model_name}
    return {**model_name, **to_record(found, run.decoded.progress, run.seconds)}


def _say(words: str) -> None:
    console.print(words, soft_wrap=True, highlight=False)

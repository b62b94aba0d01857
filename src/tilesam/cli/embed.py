"""`napari-sam embed`: all tiles of an image into a store, here or on a cluster."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tilesam.cli.embed_report import (
    describe_estimate,
    describe_result,
    embedding_bar,
    to_record,
)
from tilesam.cli.output import JsonFlag, console, error_console, print_json
from tilesam.cli.prompt import (
    ChannelAxisOption,
    ChannelOption,
    DeviceOption,
    ImageArgument,
    ModelOption,
    PlaneOption,
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
    from tilesam.embedding.estimate import EmbeddingEstimate
    from tilesam.embedding.progress import EmbeddingProgress
    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.session import Session
    from tilesam.types import TileKey


class EmbedCommand(SeveralValuesCommand):
    """The command, with an option that takes two numbers."""

    value_names: ClassVar[dict[str, tuple[str, ...]]] = {"--near": ("Y", "X")}


COMMAND_CLASS = EmbedCommand
"""With it the command is registered: `app.command("embed", cls=COMMAND_CLASS)`."""

StoreOption = Annotated[
    str,
    typer.Option(metavar="FOLDER", help="Where to keep embeddings; made if missing."),
]
NearOption = Annotated[
    str | None,
    typer.Option(
        metavar="Y X", help="Where to begin, in pixels; by default in the middle."
    ),
]
LevelOption = Annotated[
    list[int] | None,
    typer.Option(
        metavar="K",
        help="Level to embed, one pixel for 2**K of the image; may be repeated, and is "
        "0 if not given. -1 is enlarged by two.",
    ),
]
ReplaceFlag = Annotated[
    bool,
    typer.Option(
        "--replace-changed", help="Embed tiles anew where the image was changed."
    ),
]
DryFlag = Annotated[
    bool, typer.Option("--dry-run", help="Say what it would take and do nothing.")
]


@dataclass(frozen=True)
class _Options:
    """How to go through the tiles."""

    skip_background: bool
    replace_changed: bool
    torch_threads: int | None
    scheduler: str | None
    resources: dict[str, float] | None


def embed(
    image: ImageArgument,
    *,
    store: StoreOption,
    near: NearOption = None,
    level: LevelOption = None,
    channel: ChannelOption = None,
    channel_axis: ChannelAxisOption = None,
    plane: PlaneOption = None,
    model: ModelOption = "tiny",
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    skip_background: SkipFlag = False,
    replace_changed: ReplaceFlag = False,
    scheduler: SchedulerOption = None,
    resource: ResourceOption = None,
    dry_run: DryFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Embed all tiles of an image, so that later prompts need not wait for it.

    Tiles that the store has already are not embedded again. Stop it at any time, with
    Ctrl-C or otherwise: the same command goes on where it was. Several may fill one
    store at the same time.
    """
    from tilesam import load_model
    from tilesam.embedding.order import plan_tiles
    from tilesam.model.memory import keep_freed_memory
    from tilesam.opening import open_source, require_store_place
    from tilesam.tiling import Grid

    keep_freed_memory()
    options = _Options(
        skip_background, replace_changed, threads, scheduler, parse_resources(resource)
    )
    source = open_source(
        image, store, channels=channel, channel_axis=channel_axis, plane=plane
    )
    if not dry_run:
        require_store_place(store, source)
    network = load_model(model, device=device)
    grid = Grid(source.hw, network.input_size)
    # Before a store is made: there may be no such level.
    plan = plan_tiles(grid, near_yx=_place(near), levels=level)
    session = _open_session(source, network, store, is_dry=dry_run)
    estimate = _estimate(session, plan, options)
    if not as_json:
        _say(describe_estimate(estimate))
    last, seconds = (None, 0.0) if dry_run else _run(session, plan, options)
    if as_json:
        record = {"image": image, "store": store, "model": network.name}
        print_json({**record, **to_record(estimate, last, seconds)})
    elif last is not None:
        _say(describe_result(last, seconds, on_cluster=scheduler is not None))


def _say(words: str) -> None:
    console.print(words, soft_wrap=True, highlight=False)


def _place(near: str | None) -> tuple[float, float] | None:
    if near is None:
        return None
    y, x = split_values([near])[0]
    return y, x


def _open_session(
    source: ImageSource, network: SamModel, store: str, *, is_dry: bool
) -> Session:
    from tilesam import Session
    from tilesam.opening import build_contents, open_embedding_store
    from tilesam.store import MemoryStore, open_store, recorded_contents

    contents = build_contents(source, network)
    if not is_dry:
        return Session(source, network, open_embedding_store(store, source, network))
    known = {recorded.digest for recorded in recorded_contents(store)}
    if contents.digest not in known:
        return Session(source, network, MemoryStore(contents))
    return Session(source, network, open_store(store, contents, read_only=True))


def _estimate(
    session: Session, plan: list[TileKey], options: _Options
) -> EmbeddingEstimate:
    from tilesam.embedding.estimate import estimate_embedding

    # How fast the workers are, this machine does not know.
    model = None if options.scheduler else session.model
    return estimate_embedding(
        plan, session.store, model, torch_threads=options.torch_threads
    )


def _run(
    session: Session, plan: list[TileKey], options: _Options
) -> tuple[EmbeddingProgress | None, float]:
    """Embed with a bar; return the last progress and the seconds it took."""
    from tilesam.embedding.run import embed_tiles

    last, start = None, time.perf_counter()
    try:
        with connected(options.scheduler) as client, embedding_bar(len(plan)) as show:
            run = embed_tiles(
                *(plan, session.grid, session.source, session.store, session.model),
                client=client,
                resources=options.resources,
                skip_background=options.skip_background,
                replace_changed=options.replace_changed,
                torch_threads=options.torch_threads,
            )
            with closing(run):
                for last in run:
                    show(last)
    except KeyboardInterrupt:
        stored = len(session.store.keys() & set(plan))
        error_console.print(
            f"Stopped; {stored} of {len(plan)} tiles are stored. The same command goes "
            "on with the others.",
            soft_wrap=True,
            highlight=False,
        )
        raise
    return last, time.perf_counter() - start

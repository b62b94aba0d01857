"""`napari-sam train`: make weights from a folder of labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tilesam.cli.output import JsonFlag, console, error_console, print_json

if TYPE_CHECKING:
    from tilesam.training.loop import Trainer
    from tilesam.training.refining.run import RefinerTrainer
    from tilesam.training.run_files import RunFiles
    from tilesam.training.step import Figures


def train(
    data: Annotated[
        Path, typer.Option(help="Folder with a manifest.csv, splits train and val.")
    ],
    out: Annotated[Path, typer.Option(help="The weights to make, *.safetensors.")],
    *,
    architecture: Annotated[
        str, typer.Option(help="tiny, vit_t, vit_b, vit_l or vit_h.")
    ] = "tiny",
    recipe: Annotated[
        str,
        typer.Option(
            help="tiny-cpu, finetune-cpu, continue-cpu, tiny-gpu, paper or smoke."
        ),
    ] = "tiny-cpu",
    init: Annotated[
        str | None, typer.Option(help="Weights to begin with: a name or a path.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint beside OUT.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal weights.")] = 0,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; default: the fastest here.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that prepare crops.")
    ] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of the network.")
    ] = None,
    stop_after: Annotated[
        int | None, typer.Option(min=1, help="Leave after this step, resumable.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Train a network on a folder of labelled images and rendered scenes.

    Writes OUT, and beside it a checkpoint, a log (CSV) and a plot of losses and
    validation IoU. A killed run goes on with --resume.
    """
    import torch

    from tilesam.model.device import choose_device
    from tilesam.model.memory import keep_freed_memory
    from tilesam.training.loop import Trainer, TrainingOptions
    from tilesam.training.recipes import build_recipe

    files = begin_run(out, resume=resume)
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    options = TrainingOptions(
        seed=seed,
        initial_weights=init,
        device=choose_device(device),
        workers=workers,
        stop_after=stop_after,
    )
    trainer = Trainer(build_recipe(recipe, architecture), data, out, options)
    if resume:
        trainer.resume()
    run_with_bar(trainer)
    result = {"weights": out, "step": trainer.step, "log": files.log}
    if as_json:
        print_json(result)
    else:
        console.print(f"{out} after step {trainer.step}; log in {files.log}")


def begin_run(out: Path, *, resume: bool) -> RunFiles:
    """Return the files of a run that makes weights.

    Raises
    ------
    TrainingError
        If `out` is no weights file, a run would be begun where another one has got to,
        or there is nothing to go on from.
    OutputError
        If it cannot be written.
    """
    from tilesam.errors import TrainingError
    from tilesam.training.run_files import RunFiles
    from tilesam.writing import require_writable_file

    if out.suffix != ".safetensors":
        raise TrainingError(
            f"--out is {out}; give a file name that ends in .safetensors"
        )
    require_writable_file(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    files = RunFiles(out)
    if files.checkpoint.exists() and not resume:
        raise TrainingError(
            f"{files.checkpoint} exists; add --resume to go on with that run, or "
            "choose another --out"
        )
    if resume:
        files.require_checkpoint()
    return files


def run_with_bar(trainer: Trainer | RefinerTrainer) -> None:
    """Train to the end, with figures beside a bar."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("Training"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(
        *columns, console=error_console, disable=not error_console.is_terminal
    ) as bar:
        task = bar.add_task("")

        def report(step: int, total: int, figures: Figures) -> None:
            shown = ("loss", "iou_point", "iou_box")
            text = " ".join(f"{k} {figures[k]:.3f}" for k in shown if k in figures)
            bar.update(task, completed=step, total=total, description=text)

        trainer.run(report)

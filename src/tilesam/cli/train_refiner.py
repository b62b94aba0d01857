"""`napari-sam train refiner`: the network that looks at masks again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tilesam.cli.evaluate import ModelOption
from tilesam.cli.output import JsonFlag, console, print_json, progress_bar
from tilesam.cli.train import begin_run, run_with_bar

if TYPE_CHECKING:
    from tilesam.training.refining.answers import DecoderAnswers


def train_refiner(
    data: Annotated[
        Path, typer.Option(help="Folder with a manifest.csv and a split train.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="The weights to make; beside mine.safetensors, "
            "mine-refiner.safetensors is used without being named."
        ),
    ],
    *,
    model: ModelOption = "tiny",
    work: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where answers of the model are kept, so that they are decoded once.",
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the optimiser.")] = 7000,
    batch_size: Annotated[int, typer.Option(min=2, help="Regions a step.")] = 24,
    learning_rate: Annotated[float, typer.Option(min=0, help="Peak.")] = 1.5e-3,
    scenes: Annotated[int, typer.Option(min=0, help="Rendered scenes.")] = 200,
    init: Annotated[
        Path | None, typer.Option(help="Weights of a refiner to begin with.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint beside OUT.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal weights.")] = 0,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that prepare regions.")
    ] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of the network.")
    ] = None,
    stop_after: Annotated[
        int | None, typer.Option(min=1, help="Leave after this step, resumable.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Train the network that refines the masks of a model.

    First asks the model about the training objects; then trains. Writes OUT, and
    beside it a checkpoint, a log and a plot. A killed run goes on with --resume.
    """
    import torch

    from tilesam.model.memory import keep_freed_memory
    from tilesam.training.refining.run import (
        RefinerOptions,
        RefinerTrainer,
        refiner_recipe,
    )

    files = begin_run(out, resume=resume)
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    answers = _ask(data, work or out.with_suffix(".answers"), model, scenes)
    options = RefinerOptions(
        seed=seed, initial_weights=init, stop_after=stop_after, workers=workers
    )
    recipe = refiner_recipe(
        steps=steps, batch_size=batch_size, learning_rate=learning_rate
    )
    trainer = RefinerTrainer(answers, out, recipe, options)
    if resume:
        trainer.resume()
    run_with_bar(trainer)
    result = {"weights": out, "step": trainer.step, "log": files.log}
    if as_json:
        print_json(result)
    else:
        console.print(f"{out} after step {trainer.step}; log in {files.log}")


def _ask(data: Path, folder: Path, model_name: str, scenes: int) -> DecoderAnswers:
    """Ask a model about all training objects, with a bar."""
    from tilesam import load_model
    from tilesam.training.manifest import ManifestDataset
    from tilesam.training.refining.answers import DecoderAnswers
    from tilesam.training.refining.images import with_scenes

    images = ManifestDataset(data, "train")
    samples = with_scenes((images[i] for i in range(len(images))), scenes)
    answers = DecoderAnswers(load_model(model_name), samples, folder=folder)
    with progress_bar("Asking the model") as bar:
        for index in range(len(samples)):
            answers.of(index)
            bar(index + 1, len(samples))
    return answers

"""`napari-sam train text`, `evaluate text`: making text weights and judging them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup

from tilesam.cli.evaluate import (
    STDOUT,
    DataOption,
    DeviceOption,
    ImagesOption,
    JsonOption,
    ModelOption,
    SplitOption,
)
from tilesam.cli.output import JsonFlag, console, print_json, progress_bar
from tilesam.cli.train import begin_run, train
from tilesam.cli.train_refiner import train_refiner

if TYPE_CHECKING:
    from tilesam.training.text.run import TextTrainer
    from tilesam.training.text.samples import MaskSamples


class TrainGroup(TyperGroup):
    """A group that takes options alone for its first command, as it always did."""

    default: ClassVar[str] = "sam"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the first command's name before its options where it is left out."""
        is_named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if is_named else [self.default, *args])


train_app = typer.Typer(
    cls=TrainGroup,
    help="Make weights from a folder of labelled images. `train` alone means "
    "`train sam`.",
)
train_app.command("sam")(train)
train_app.command("refiner")(train_refiner)

WorkOption = Annotated[
    Path | None,
    typer.Option(
        "--work",
        metavar="FOLDER",
        help="Where proposed masks are kept, so that they are decoded once.",
    ),
]


@train_app.command("text")
def train_text(
    data: Annotated[
        Path, typer.Option(help="Folder with a manifest.csv and a split train.")
    ],
    out: Annotated[Path, typer.Option(help="The weights to make, *.safetensors.")],
    *,
    work: WorkOption = None,
    proposals: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of the images whose proposals are used."
        ),
    ] = 0.25,
    scenes: Annotated[
        int, typer.Option(min=0, help="Rendered scenes of each kind.")
    ] = 40,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the optimiser.")] = 3000,
    token_steps: Annotated[
        int,
        typer.Option(min=0, help="Steps for the decoder's text token, after that."),
    ] = 300,
    init: Annotated[
        Path | None, typer.Option(help="Text weights to begin with.")
    ] = None,
    model: ModelOption = "tiny",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint beside OUT.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal weights.")] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of the networks.")
    ] = None,
    stop_after: Annotated[
        int | None, typer.Option(min=1, help="Leave after this step, resumable.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Train the encoders of text and of masks on labelled images and rendered scenes.

    First proposes masks in some of the images, which are kept in the folder; then
    trains. Writes OUT, and beside it a checkpoint and a log. A killed run goes on with
    --resume.
    """
    import torch

    from tilesam.model.memory import keep_freed_memory
    from tilesam.training.text.run import (
        TextTrainer,
        TextTrainingOptions,
        text_recipe,
    )

    files = begin_run(out, resume=resume)
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    folder = work or out.with_suffix(".proposals")
    samples = _collect(data, folder, model, (proposals, scenes, seed))
    options = TextTrainingOptions(
        seed=seed, initial_weights=init, stop_after=stop_after
    )
    trainer = TextTrainer(samples, out, text_recipe(steps=steps), options)
    if resume:
        trainer.resume()
    with progress_bar("Training") as bar:
        trainer.run(lambda done, total, _: bar(done, total))
    if trainer.is_done and token_steps:
        _add_token(trainer, data, model, (token_steps, seed))
    result = {"weights": out, "step": trainer.step, "log": files.log,
              "masks": len(samples)}  # fmt: skip
    if as_json:
        print_json(result)
    else:
        console.print(f"{out} after step {trainer.step}; log in {files.log}")


def _add_token(
    trainer: TextTrainer, data: Path, model_name: str, choice: tuple[int, int]
) -> None:
    """Train the decoder's token on top of the encoders, and write the weights again."""
    from tilesam import load_model
    from tilesam.training.manifest import ManifestDataset
    from tilesam.training.text.token_run import train_token

    steps, seed = choice
    images = ManifestDataset(data, "train")
    network = trainer.averaged()
    sam = load_model(model_name, device="cpu").network
    with progress_bar("Training the token") as bar:
        train_token(
            *(network, sam, images),
            steps=steps,
            seed=seed,
            report=lambda done, total, *_: bar(done, total),
        )
    trainer.save(network, token_steps=steps)


def _collect(
    data: Path, folder: Path, model_name: str, choice: tuple[float, int, int]
) -> MaskSamples:
    """Return all masks to learn from, with bars."""
    from tilesam import load_model
    from tilesam.training.manifest import ManifestDataset
    from tilesam.training.text.collecting import choose_proposed, collect, propose

    share, scenes, seed = choice
    images = ManifestDataset(data, "train")
    model = load_model(model_name)
    chosen = choose_proposed(images, share)
    with progress_bar("Proposing masks") as bar:
        for done, index in enumerate(sorted(chosen), start=1):
            propose(images[index], model, folder / f"train-{index}")
            bar(done, len(chosen))

    def proposals(index: int) -> Any:
        if index not in chosen:
            return None
        return propose(images[index], model, folder / f"train-{index}").masks

    with progress_bar("Collecting masks") as bar:
        return collect(images, proposals, scenes=scenes, seed=seed, progress=bar)


def evaluate_text(
    *,
    data: DataOption,
    split: SplitOption = "val",
    weights: Annotated[
        Path | None,
        typer.Option(help="Text weights; by default those of the package."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Text score; by default the recommended one."),
    ] = None,
    work: WorkOption = None,
    model: ModelOption = "tiny",
    device: DeviceOption = None,
    limit_per_domain: ImagesOption = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of the networks.")
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Ask every image for its own class, and for all classes that it does not show."""
    import torch

    from tilesam import load_model
    from tilesam.evaluation.text import summarize_text
    from tilesam.evaluation.text_runs import evaluate_texts
    from tilesam.text.embedded import THRESHOLD, EmbeddedBackend
    from tilesam.text.weights import load_text_network
    from tilesam.training.manifest import ManifestDataset
    from tilesam.writing import require_writable_file

    samples = ManifestDataset(data, split)
    if json_file not in (None, STDOUT):
        require_writable_file(json_file)
    if threads is not None:
        torch.set_num_threads(threads)
    network = None if weights is None else load_text_network(weights)
    backend = EmbeddedBackend(network)
    with progress_bar("Evaluating text") as bar:
        result = evaluate_texts(
            *(load_model(model, device=device), samples, backend),
            folder=lambda index: None if work is None else work / f"{split}-{index}",
            images_per_domain=limit_per_domain,
            progress=bar,
        )
    chosen = THRESHOLD if threshold is None else threshold
    document = summarize_text(result, chosen)
    if json_file == STDOUT:
        print_json(document)
        return
    if json_file is not None:
        print_json(document, file=json_file)
    _print(document)


def _print(document: dict[str, Any]) -> None:
    from rich.table import Table

    for title, rows in document.items():
        if not isinstance(rows, list):
            console.print(f"{title}: {rows}", highlight=False)
            continue
        shown = Table(title=title, box=None)
        for name in rows[0] if rows else ():
            shown.add_column(name)
        for row in rows:
            shown.add_row(*(_cell(value) for value in row.values()))
        console.print(shown)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)

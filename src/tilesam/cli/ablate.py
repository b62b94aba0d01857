"""`napari-sam ablate`: what each part of training is worth, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tilesam.cli.evaluate_options import DeviceOption, ThreadsOption
from tilesam.cli.output import JsonFlag, console, print_json, progress_bar

if TYPE_CHECKING:
    from tilesam.evaluation.reporting.document import Document

ARCHITECTURE = "tiny"


def ablate(
    *,
    data: Annotated[
        Path, typer.Option(help="Folder with a manifest.csv, splits train and val.")
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Keeps the report, the weights and figures."),
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME,...",
            help="Variants besides full: one-output, no-feedback, no-scenes, "
            "without-DOMAIN, size-PIXELS. May be repeated; by default all.",
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DOMAIN,...",
            help="Domains that one more variant is not trained on. May be repeated.",
        ),
    ] = None,
    sizes: Annotated[
        str,
        typer.Option(metavar="PIXELS,...", help="Sides of other inputs to train."),
    ] = "256,384",
    input_size: Annotated[
        int | None, typer.Option(help="Side of the input of all others; default: 512.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimiser steps of each; default: 300.")
    ] = None,
    seeds: Annotated[
        str, typer.Option(metavar="SEED,...", help="Each trains all variants.")
    ] = "0",
    init: Annotated[
        str | None,
        typer.Option(help="Weights to begin with: a name or a path; else random ones."),
    ] = None,
    limit_per_domain: Annotated[
        int, typer.Option(min=1, help="At most so many images of each are measured.")
    ] = 20,
    objects_per_image: Annotated[
        int, typer.Option(min=1, help="At most so many objects of each.")
    ] = 10,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Train small variants, each with one part less, and measure what is lost.

    Writes report.md and result.json into DIR. With the same DIR a run that was killed
    goes on: what is finished is known by its configuration and data.
    """
    import torch

    from tilesam.ablation.plan import Plan
    from tilesam.ablation.recipe import STEPS, ablation_recipe
    from tilesam.ablation.study import run_study
    from tilesam.ablation.variants import choose_variants, list_variants
    from tilesam.evaluation.runs import Limits
    from tilesam.model.device import choose_device
    from tilesam.model.memory import keep_freed_memory

    chosen_device = choose_device(device)
    recipe = ablation_recipe(
        ARCHITECTURE,
        steps=steps or STEPS,
        input_size=input_size,
        from_random=init is None,
    )
    variants = list_variants(
        leave_out=[_names(text) for text in leave_out or ()],
        sizes=_numbers("--sizes", sizes),
        full_size=recipe.input_size,
    )
    chosen = choose_variants(variants, [n for text in only or () for n in _names(text)])
    limits = Limits(limit_per_domain, objects_per_image)
    numbers = _numbers("--seeds", seeds) or [0]
    plan = Plan(data, tuple(chosen), recipe, tuple(numbers), init, limits)
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    document = run_study(plan, out, device=chosen_device, bar=progress_bar)
    _finish(document, out, as_json=as_json)


def _finish(document: Document, folder: Path, *, as_json: bool) -> None:
    from tilesam.evaluation.reporting.report import write_report

    plain = document.to_plain()
    write_report(document, folder)
    print_json(plain, file=folder / "result.json")
    if as_json:
        print_json(plain)
        return
    lines = [f"{note}." for note in document.notes]
    for table in document.tables:
        lines += ["", table.title, "", table.to_markdown().rstrip()]
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _names(text: str) -> list[str]:
    """Return the names between the commas of a text."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(option: str, text: str) -> list[int]:
    """Return the different numbers between the commas of a text, in their order.

    Raises
    ------
    BadParameter
        If there is something else.
    """
    names = _names(text)
    if not all(name.isdecimal() for name in names):
        raise typer.BadParameter(
            f"{option} is {text}; expected whole numbers with commas between them, for "
            "example 1,2,3."
        )
    return list(dict.fromkeys(int(name) for name in names))

"""The command line, `napari-sam`: one module per command group.

How a command gets here. A sibling module holds either

- `app = typer.Typer(...)`, a group with commands of its own (`models`, `evaluate`), or
- a function of the module's name, one command (`prompt`, `demo`, `train`),

and is registered below by one line, in the order in which `--help` shows it. Every
command prints results on `output.console`, or with `output.print_json` if it was given
`--json`; it shows progress with `output.progress_bar`, and raises a `TilesamError`
where it cannot go on: `main` makes one line of it. Nothing heavy (torch, skimage) is
imported at the top of a command module, so that `--help` is instant.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from tilesam.cli import (
    ablate,
    demo,
    embed,
    evaluate,
    everything,
    export,
    models,
    prompt,
    text,
    text_weights,
)
from tilesam.cli.output import console, error_console
from tilesam.errors import TilesamError

DEBUG_VARIABLE = "NAPARI_SAM_DEBUG"
"""Environment variable; `1` shows tracebacks instead of one-line errors."""

app = typer.Typer(
    name="napari-sam",
    help="Segment anything in images of any size.",
    add_completion=False,
    rich_markup_mode=None,
)


app.command("demo")(demo.demo)
app.command("prompt", cls=prompt.COMMAND_CLASS)(prompt.prompt)
app.command("embed", cls=embed.COMMAND_CLASS)(embed.embed)
app.command("everything", cls=everything.COMMAND_CLASS)(everything.everything)
app.command("text", cls=text.COMMAND_CLASS)(text.text)
app.command("export")(export.export)
app.add_typer(models.app, name="models")
app.add_typer(text_weights.train_app, name="train")
evaluate.app.command("text")(text_weights.evaluate_text)
app.add_typer(evaluate.app, name="evaluate")
app.command("ablate")(ablate.ablate)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        console.print(f"napari-sam-tiles {version('napari-sam-tiles')}")
        raise typer.Exit


@app.callback()
def configure(
    *,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say what is being done.")
    ] = False,
    _is_version_wanted: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    """Segment anything in images of any size: clicks and boxes in, scored masks out."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    Parameters
    ----------
    arguments
        What follows `napari-sam`; None reads `sys.argv`. Nothing at all means `--help`.

    Raises
    ------
    SystemExit
        Always: 0 done, 1 an error of this package or an unforeseen one (one line on
        stderr), 2 wrong usage, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if os.environ.get(DEBUG_VARIABLE) == "1":
        sys.exit(_run(arguments))
    try:
        code = _run(arguments)
    except typer.TyperException as error:
        code = _report_usage(error)
    except TilesamError as error:
        code = _report(str(error), code=1)
    except (KeyboardInterrupt, typer.Abort):
        code = _report("interrupted", code=130)
    except Exception as error:  # noqa: BLE001 - the outermost line: people get no traceback
        code = _report(_unforeseen_message(error), code=1)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    result = command.main(arguments, prog_name="napari-sam", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _report_usage(error: typer.TyperException) -> int:
    message = error.format_message()
    if "\n" in message:
        # A group without one of its commands: what Typer raises is the help page.
        error_console.print(message, soft_wrap=True, markup=False, highlight=False)
        return error.exit_code
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "napari-sam"
    # Typer ends some of its sentences and others not.
    return _report(
        f"{message.rstrip('.')}. See `{command} --help`.", code=error.exit_code
    )


def _unforeseen_message(error: Exception) -> str:
    what = f"{type(error).__name__}: {error}"
    return (
        f"unforeseen {what}; run again with {DEBUG_VARIABLE}=1 and report what it shows"
    )


def _report(message: str, *, code: int) -> int:
    # One line, however long: wrapping would make two, and scripts read the first.
    line = " ".join(message.split())
    error_console.print(f"Error: {line}", soft_wrap=True, markup=False, highlight=False)
    return code

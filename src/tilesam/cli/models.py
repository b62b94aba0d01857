"""`napari-sam models`: which models there are, fetching them, checking them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tilesam.cli.output import JsonFlag, console, print_json, progress_bar
from tilesam.model.checkpoints.registry import REGISTRY, ModelEntry, find_entry

app = typer.Typer(help="List, fetch and verify models.", no_args_is_help=True)

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        help="Folder of weights, searched first; NAPARI_SAM_MODELS_DIR does the same.",
    ),
]


@app.command("list")
def list_models(*, folder: FolderOption = None, as_json: JsonFlag = False) -> None:
    """Show every model that has a name, and which of them are on this machine."""
    rows = [_row(entry, folder) for entry in REGISTRY.values()]
    if as_json:
        print_json(rows)
        return
    table = Table("name", "size", "here", "licence", "good for", box=None)
    for row in rows:
        table.add_row(
            str(row["name"]),
            _size_text(row),
            "yes" if row["path"] else "",
            str(row["licence"]),
            str(row["good_for"]),
        )
    console.print(table)


@app.command("fetch")
def fetch_model(
    name: Annotated[str, typer.Argument(help="A name that `list` shows.")],
    *,
    into: Annotated[
        Path | None, typer.Option("--into", help="Folder to fetch to, not the cache.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Download a model, checked; an interrupted download goes on where it stopped."""
    from tilesam.model.checkpoints.download import fetch
    from tilesam.model.checkpoints.receipts import check_file

    entry = find_entry(name)
    with progress_bar(f"Fetching {name}", in_bytes=True) as progress:
        path = fetch(entry, into=into, progress=progress)
    sha256 = check_file(path, entry)
    document = {
        "name": name,
        "path": path.absolute(),
        "size_bytes": path.stat().st_size,
        "sha256": sha256,
        "checked": _what_is_checked(entry),
    }
    if as_json:
        print_json(document)
        return
    console.print(f"{path}\n{name}: {document['checked']}; sha256 {sha256}")


@app.command("verify")
def verify_model(
    name_or_path: Annotated[
        str, typer.Argument(help="A name that `list` shows, or a weights file.")
    ],
    *,
    folder: FolderOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check the digest of a model and that its weights are complete and loadable."""
    from tilesam.model.checkpoints.loading import find_weights, load_network

    weights = find_weights(name_or_path, folder=folder, must_read=True)
    network = load_network(weights.path, architecture=weights.architecture)
    entry = REGISTRY.get(weights.name)
    document = {
        "name": weights.name,
        "path": weights.path.absolute(),
        "architecture": network.config.name,
        "input_size": network.config.input_size,
        "parameters": sum(math.prod(p.shape) for p in network.parameters()),
        "size_bytes": weights.path.stat().st_size,
        "sha256": weights.sha256,
        "checked": _what_is_checked(entry),
    }
    if as_json:
        print_json(document)
        return
    console.print(
        f"{weights.path}\n{weights.name}: {document['checked']}; loads as "
        f"{network.config.name} with {document['parameters']:,} parameters; sha256 "
        f"{weights.sha256}"
    )


def _row(entry: ModelEntry, folder: Path | None) -> dict[str, object]:
    from tilesam.model.checkpoints.locations import find_local

    path = find_local(entry, folder)
    return {
        "name": entry.name,
        "architecture": entry.architecture,
        "size_bytes": entry.size_bytes or (path.stat().st_size if path else None),
        "likely_bytes": entry.likely_bytes,
        "digest": entry.digest,
        "licence": entry.licence,
        "good_for": entry.good_for,
        "source": entry.source,
        "url": entry.url,
        "path": path.absolute() if path else None,
    }


def _size_text(row: dict[str, object]) -> str:
    exact, likely = row["size_bytes"], row["likely_bytes"]
    if isinstance(exact, int):
        return f"{exact / 1e6:,.0f} MB"
    return f"~{likely / 1e6:,.0f} MB" if isinstance(likely, int) and likely else ""


def _what_is_checked(entry: ModelEntry | None) -> str:
    """Return, in words, what the content of a file was compared with."""
    if entry is None:
        return "no published digest, since it is no named model"
    if entry.digest is None:
        return "embedded in this installation, no digest"
    if entry.sha256 is not None:
        return "has the published sha256"
    return "has the published xxh128 (safe against accidents, not against forgery)"

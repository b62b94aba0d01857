"""`napari-sam export`: the objects of a saved session for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tilesam.cli.output import JsonFlag, console, error_console, print_json
from tilesam.cli.prompt import PlaneOption
from tilesam.errors import ImageError, ImageReadError, SessionFileError

if TYPE_CHECKING:
    from tilesam.annotation import LoadedSession, SessionDocument
    from tilesam.everything.segmentation import Segmentation
    from tilesam.image import ImageSource

PICTURE_SUFFIX = ".png"

SessionArgument = Annotated[Path, typer.Argument(help="A session, *.sam.json.")]
OutOption = Annotated[
    list[Path],
    typer.Option(
        metavar="FILE",
        help="What to write, as its suffix says: .geojson, .json (COCO), .ome.zarr, "
        ".tif, .csv, .png; may be repeated.",
    ),
]
MovedOption = Annotated[
    str | None,
    typer.Option(
        "--image",
        metavar="PATH",
        help="Where the image is now, if the session does not know.",
    ),
]


def export(
    session: SessionArgument,
    *,
    out: OutOption,
    image: MovedOption = None,
    plane: PlaneOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the objects of a session in a format of other programs.

    Neither a model nor a viewer is loaded. The image says where on earth and how large
    the objects are; only a picture (.png) cannot be drawn without it.
    """
    from tilesam.export.segmentations import require_output, write_segmentation

    with _opened(session) as loaded:
        document = loaded.document
        for file in out:
            require_output(file, image=image, image_hw=document.image.identity.hw)
        source = _source_of(document, image, out)
        found = _objects_of(loaded, source, plane)
        where = document.image.path if image is None else image
        for file in out:
            write_segmentation(
                file, found, image=None if source is None else where, source=source
            )
    if as_json:
        record = {"model": found.model_name, "objects": len(found.kept)}
        print_json({"session": session, "out": out, **record})
    else:
        _say(f"Wrote {len(found.kept)} object(s) to {', '.join(map(str, out))}")


@contextmanager
def _opened(path: Path) -> Iterator[LoadedSession]:
    from tilesam.annotation import SessionFile, load_session

    loaded = load_session(path)
    if loaded.document.labels.path is None:
        yield loaded
        return
    # Replaying makes sure that labels with a file of their own have the last action:
    # for that nobody else may write to them.
    with SessionFile.open(path) as file:
        yield file.loaded


def _source_of(
    document: SessionDocument, image: str | None, out: list[Path]
) -> ImageSource | None:
    """Return the image; None if it is gone and can be done without."""
    from tilesam.reopening import reopen_image

    try:
        return reopen_image(document, image)
    except (ImageReadError, ImageError, SessionFileError) as error:
        is_drawn = any(file.suffix.lower() == PICTURE_SUFFIX for file in out)
        if image is not None or is_drawn:
            raise
        error_console.print(
            f"Without the image: {error}", soft_wrap=True, markup=False, highlight=False
        )
        return None


def _objects_of(
    loaded: LoadedSession, source: ImageSource | None, plane: list[int] | None
) -> Segmentation:
    from tilesam.annotation import open_label_target, replay
    from tilesam.annotation.exporting import objects_segmentation

    document = loaded.document
    history = replay(loaded, open_label_target(document.labels)).history
    is_stack = len(document.labels.shape) > 2
    return objects_segmentation(
        history.target,
        history.rows,
        plane=plane or (document.plane if is_stack else ()),
        image_name=document.image.name,
        georeference=None if source is None else source.georeference,
    )


def _say(words: str) -> None:
    console.print(words, soft_wrap=True, markup=False, highlight=False)

"""Options of `napari-sam everything`; thresholds have the names of the paper's code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

OutOption = Annotated[
    list[Path],
    typer.Option(
        metavar="FILE",
        help="Result: .ome.zarr or .tif (labels), .geojson (polygons), .json (masks as "
        "in SA-1B), .csv (table), .png (picture); may be repeated.",
    ),
]
PointsOption = Annotated[
    int,
    typer.Option(metavar="N", help="Every window is asked at N x N points."),
]
BatchOption = Annotated[
    int, typer.Option(metavar="N", help="Of these, so many at a time.")
]
IouOption = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Lowest predicted IoU; by default what the model recommends.",
    ),
]
StabilityOption = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Lowest stability score; by default what the model recommends.",
    ),
]
NmsOption = Annotated[
    float,
    typer.Option(metavar="X", help="IoU of boxes above which two masks are one."),
]
LevelNmsOption = Annotated[
    float,
    typer.Option(metavar="X", help="The same between levels, where the finer stays."),
]
AreaShareOption = Annotated[
    float,
    typer.Option(metavar="X", help="Drop masks of a larger share of the image."),
]
VisibleShareOption = Annotated[
    float,
    typer.Option(
        metavar="X",
        help="Objects that would own a smaller share of their pixels own none.",
    ),
]
KeepCutFlag = Annotated[
    bool,
    typer.Option(
        "--keep-cut",
        help="Keep objects that end at the edge of a window because no other window "
        "has the rest.",
    ),
]
RegionAreaOption = Annotated[
    int,
    typer.Option(metavar="N", help="Fill holes and remove islands of fewer pixels."),
]
OverlapOption = Annotated[
    str,
    typer.Option(
        help="Who owns a pixel of several masks: smallest, largest or most_confident."
    ),
]
LevelOption = Annotated[
    list[int] | None,
    typer.Option(
        metavar="K",
        help="Level to look at, one pixel for 2**K of the image; may be repeated. By "
        "default from 0 to the whole image in one window.",
    ),
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        metavar="Y0 X0 Y1 X1",
        help="Part of the image: first pixels, and one past the last.",
    ),
]
WorkOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where the masks of tiles are kept until the end, so that a run that was "
        "stopped goes on; by default the first FILE with .unfinished behind it.",
    ),
]
KeepWorkFlag = Annotated[
    bool,
    typer.Option(
        "--keep-work",
        help="Do not remove that folder at the end: the command can be given again "
        "with higher thresholds and decodes nothing.",
    ),
]
AdjustableFlag = Annotated[
    bool,
    typer.Option(
        "--adjustable",
        help="As --keep-work, for lower thresholds too; takes longer now.",
    ),
]

"""What `napari-sam everything` says during and after its work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from tilesam.cli.run_bar import in_time, run_bar

if TYPE_CHECKING:
    from tilesam.everything.progress import EverythingProgress
    from tilesam.everything.segmentation import Segmentation

DROPPED = {
    "duplicate": "seen in another window too",
    "fragment": "cut by the edge of a window",
    "covered": "hidden by objects above",
}
"""Names of `Status` in small letters, and what they mean."""


def everything_bar(
    total: int,
) -> AbstractContextManager[Callable[[EverythingProgress], None]]:
    """Return a bar for so many tiles, see `run_bar`."""
    return run_bar("Segmenting", total, _details)


def _details(progress: EverythingProgress) -> str:
    return f"{progress.tiles_per_second:.1f} tiles/s, {progress.masks} masks"


def describe_run(progress: EverythingProgress | None, seconds: float) -> str:
    """Return what a run did, in words."""
    if progress is None:
        return "There was no tile to look at"
    counts = {
        "decoded before": progress.present,
        "skipped as background": progress.skipped,
    }
    others = "".join(f", {count} {what}" for what, count in counts.items() if count)
    words = f"Decoded {counted(progress.decoded, 'tile')} in {in_time(seconds)}{others}"
    if not progress.decoded:
        return words
    outside = max(1 - progress.decoder_share - progress.encoder_share, 0.0)
    return (
        f"{words} ({progress.decoder_share:.0%} of the time decoding, "
        f"{progress.encoder_share:.0%} encoding, {outside:.0%} anything else)"
    )


def counted(count: int, what: str) -> str:
    """Return a number with what is counted, in the plural where it has to be."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def describe_objects(found: Segmentation) -> str:
    """Return what was found, in words."""
    if found.hint is not None:
        return f"Found nothing: {found.hint}"
    record = count_objects(found)
    levels = ", ".join(f"{n} at level {k}" for k, n in record["by_level"].items())
    words = f"Found {counted(record['objects'], 'object')}: {levels}"
    dropped = record["dropped"]
    left = ", ".join(
        f"{dropped[name]} {what}" for name, what in DROPPED.items() if dropped[name]
    )
    return f"{words}. Left out: {left}" if left else words


def count_objects(found: Segmentation) -> dict[str, Any]:
    """Return how many objects there are, by level, and what became of other masks."""
    from tilesam.everything.table import Status

    levels = Counter(found.table.level[found.kept].tolist())
    statuses = Counter(found.table.status.tolist())
    return {
        "objects": len(found),
        "by_level": {str(level): levels[level] for level in sorted(levels)},
        "dropped": {name: statuses[Status[name.upper()]] for name in DROPPED},
    }


def to_record(
    found: Segmentation, progress: EverythingProgress | None, seconds: float
) -> dict[str, Any]:
    """Return a run and what it found for JSON.

    Parameters
    ----------
    found
        The result.
    progress
        After the last tile.
    seconds
        Of decoding, without resolving and writing.
    """
    record = {
        **count_objects(found),
        "hint": found.hint,
        "funnel": found.funnel,
        "settings": found.settings.to_plain() if found.settings else None,
        "seconds": seconds,
        "run": None,
    }
    if progress is not None:
        record["run"] = {
            "tiles": progress.total,
            "decoded": progress.decoded,
            "present": progress.present,
            "skipped": progress.skipped,
            "embedded": progress.embedded,
            "masks": progress.masks,
            "decoder_share": progress.decoder_share,
            "encoder_share": progress.encoder_share,
        }
    return record

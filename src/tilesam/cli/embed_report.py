"""What `napari-sam embed` says before, during and after its work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tilesam.cli.run_bar import in_time, run_bar

if TYPE_CHECKING:
    from tilesam.embedding.estimate import EmbeddingEstimate
    from tilesam.embedding.progress import EmbeddingProgress


@contextmanager
def embedding_bar(total: int) -> Iterator[Callable[[EmbeddingProgress], None]]:
    """Show a bar on stderr while the block runs; nothing where stderr is no terminal.

    Parameters
    ----------
    total
        Tiles of the run.

    Yields
    ------
    callable
        Call it with each progress.
    """
    with run_bar("Embedding", total, _details) as show:
        yield show


def _details(progress: EmbeddingProgress) -> str:
    return (
        f"{progress.tiles_per_second:.1f} tiles/s, {in_bytes(progress.bytes_written)}"
    )


def describe_estimate(estimate: EmbeddingEstimate) -> str:
    """Return what a run would take, in words."""
    if estimate.missing == 0:
        return f"All {estimate.tiles} tiles are there already and only to be checked"
    words = (
        f"{estimate.missing} of {estimate.tiles} tiles to embed, "
        f"{in_bytes(estimate.nbytes)}"
    )
    if estimate.seconds is None:
        return words
    return f"{words}, about {in_time(estimate.seconds)} of encoding"


def describe_result(
    progress: EmbeddingProgress, seconds: float, *, on_cluster: bool
) -> str:
    """Return what a run has done, in words."""
    share = f"the encoder ran {100 * progress.encoder_share:.0f} % of the time"
    if on_cluster:
        share = f"{progress.encoder_share:.1f} encoders ran on average"
    words = [f"Nothing to embed, as was found in {in_time(seconds)}"]
    if progress.embedded:
        words = [
            f"Embedded {progress.embedded} tiles in {in_time(seconds)} "
            f"({in_bytes(progress.bytes_written)}; {share})"
        ]
    if progress.present:
        words.append(f"{progress.present} were there already")
    if progress.skipped:
        words.append(f"{progress.skipped} were skipped as background")
    return "; ".join(words)


def to_record(
    estimate: EmbeddingEstimate, progress: EmbeddingProgress | None, seconds: float
) -> dict[str, Any]:
    """Return the figures of a run for JSON; its result is None after a dry run.

    Parameters
    ----------
    estimate, progress
        Before the run, and after its last tile.
    seconds
        That it took.
    """
    record: dict[str, Any] = {"estimate": estimate, "result": None}
    if progress is not None:
        record["result"] = {
            "tiles": progress.done,
            "embedded": progress.embedded,
            "present": progress.present,
            "skipped": progress.skipped,
            "nbytes": progress.bytes_written,
            "seconds": seconds,
            "encoder_share": progress.encoder_share,
        }
    return record


def in_bytes(count: int) -> str:
    """Return a number of bytes as people write it."""
    value, unit = float(count), "bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} bytes" if unit == "bytes" else f"{value:.1f} {unit}"

"""The result of an evaluation for people (Markdown) and for programs (plain data)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tilesam.evaluation.metrics import DomainScore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.evaluation.metrics import ObjectScore, Summary

TITLES = {
    "box": "box",
    "point": "1 point",
    "oracle": "1 point, best of 3",
    "three_points": "3 points",
}
"""What the measures are called in tables; others keep their names."""

MEAN_TITLE = "mean over domains"


@dataclass(frozen=True)
class Provenance:
    """What was evaluated, so that the figures can be made again.

    Parameters
    ----------
    protocol
        `points` or `boxes`.
    model, weights_sha256, input_size
        Of the model.
    data, split
        Folder and split of the images.
    images_per_domain, objects_per_image
        Upper limits, None for all.
    """

    protocol: str
    model: str
    weights_sha256: str
    input_size: int
    data: str
    split: str
    images_per_domain: int | None
    objects_per_image: int | None


def table(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """Return header and rows as text, one row per domain and a last one of means."""
    measures = list(summary.mean)
    header = ["domain", "images", "objects"]
    header += [TITLES.get(name, name) for name in measures]
    images = sum(domain.images for domain in summary.domains)
    objects = sum(domain.objects for domain in summary.domains)
    mean = DomainScore(MEAN_TITLE, images, objects, summary.mean)
    rows = [_cells(domain, measures) for domain in (*summary.domains, mean)]
    return header, rows


def to_markdown(summary: Summary) -> str:
    """Return a table as Markdown, numbers aligned to the right."""
    header, rows = table(summary)
    alignment = ["---", *["---:"] * (len(header) - 1)]
    lines = [f"| {' | '.join(cells)} |" for cells in (header, alignment, *rows)]
    return "\n".join(lines) + "\n"


def to_document(
    summary: Summary,
    provenance: Provenance,
    rows: Sequence[ObjectScore] = (),
) -> dict[str, Any]:
    """Return all figures as plain data, ready for JSON.

    Parameters
    ----------
    rows
        Scores of single objects, to be included.
    """
    return {
        "provenance": asdict(provenance),
        "mean_over_domains": dict(summary.mean),
        "domains": [
            {**asdict(domain), "scores": dict(domain.scores)}
            for domain in summary.domains
        ],
        "objects": [{**asdict(row), "scores": dict(row.scores)} for row in rows],
    }


def _cells(domain: DomainScore, measures: Sequence[str]) -> list[str]:
    counts = [domain.domain, str(domain.images), str(domain.objects)]
    return counts + [f"{domain.scores[name]:.3f}" for name in measures]

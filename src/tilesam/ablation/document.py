"""All that a study has found as one document: tables for people, figures for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tilesam.ablation.differences import differences
from tilesam.ablation.tables import (
    differences_table,
    figures_table,
    left_out_table,
    say_differences,
    seeds_table,
)
from tilesam.evaluation.metrics import summarize
from tilesam.evaluation.reporting.document import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.ablation.differences import Outcome, Run
    from tilesam.ablation.plan import Plan

ONE_SEED = (
    "one seed: how much another seed alone would change is not known; more --seeds tell"
)


def build_study(plan: Plan, outcomes: Sequence[Outcome]) -> Document:
    """Return the document of a study.

    Parameters
    ----------
    plan
        What was asked for.
    outcomes
        Of every variant, the full one first.
    """
    full, others = outcomes[0], outcomes[1:]
    tables = [figures_table(outcomes)]
    if others:
        tables.append(differences_table(full, others))
        more = (left_out_table(full, others), seeds_table(full, others))
        tables += [table for table in more if table is not None]
    notes = say_differences(full, others)
    if len(plan.seeds) == 1:
        notes.append(ONE_SEED)
    return Document(
        {"protocol": "ablations", **plan.to_plain()},
        tables,
        notes,
        figures={"variants": [_plain(full, outcome) for outcome in outcomes]},
    )


def _plain(full: Outcome, outcome: Outcome) -> dict[str, Any]:
    """Return every figure of a variant as plain data."""
    measures = outcome.scores[0].scores
    compared = {
        name: [
            {**asdict(row), "interval": row.interval._asdict()}
            for row in differences(full.scores, outcome.scores, name)
        ]
        for name in measures
    }
    return {
        **asdict(outcome.variant),
        "mean_over_domains": dict(summarize(outcome.scores).mean),
        "differences": {} if outcome is full else compared,
        "runs": [_plain_run(run) for run in outcome.runs],
    }


def _plain_run(run: Run) -> dict[str, Any]:
    summary = summarize(run.scores)
    return {
        **run.record,
        "mean_over_domains": dict(summary.mean),
        "domains": [asdict(domain) for domain in summary.domains],
        "objects": [asdict(row) for row in run.scores],
    }

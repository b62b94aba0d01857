"""Sentences that views show; no Qt here."""

from __future__ import annotations

from collections.abc import Sequence

from napari_sam.views.numbers import counted, in_about, in_area, in_bytes, in_score
from napari_sam.views.records import (
    CandidateRow,
    Estimate,
    ModelRow,
    Progress,
    PromptCounts,
    TileCounts,
    Tone,
)

MINUS = "\N{MINUS SIGN}"

_OPENINGS: dict[Tone, str] = {
    "info": "",
    "busy": "… ",
    "warning": "⚠ Note: ",
    "error": "✖ Error: ",
}


def with_key(text: str, key: str | None) -> str:
    """Return the text of a tooltip that names the key, if there is one."""
    return f"{text} (key: {key})" if key else text


def message(text: str, tone: Tone) -> str:
    """Return a message whose tone is told by more than a colour."""
    return f"{_OPENINGS[tone]}{text}" if text else ""


def prompts_so_far(counts: PromptCounts) -> str:
    """Return which prompts there are for the present object."""
    if not counts.total:
        return "No prompts yet"
    parts = []
    if counts.positive or counts.negative:
        points = counted(counts.positive + counts.negative, "point")
        parts.append(f"{points} (+{counts.positive}, {MINUS}{counts.negative})")
    if counts.boxes:
        parts.append(counted(counts.boxes, "box", "boxes"))
    return ", ".join(parts)


def picked_object(label: int | None, score: float | None = None) -> str:
    """Return which object of the answers is selected; its score may be unknown."""
    if label is None:
        return "Pick one in the layer of results to accept it alone."
    if score is None:
        return f"Selected: object {label:,}"
    return f"Selected: object {label:,}, score {in_score(score)}"


def candidate_sentence(rank: int, row: CandidateRow, *, is_chosen: bool) -> str:
    """Return all about a candidate in one line, for tooltips and screen readers.

    Parameters
    ----------
    rank
        Counted from 0.
    row
        What is known of it.
    is_chosen
        Whether it is the one that would be accepted.
    """
    name = f"Candidate {rank + 1}"
    if row.color_name:
        name += f", {row.color_name} in the viewer"
    area = in_area(row.area, row.physical_area) if row.area else "empty mask"
    return (
        f"{name}: predicted IoU {in_score(row.predicted_iou)}, stability "
        f"{in_score(row.stability_score)}, {area}{'; chosen' if is_chosen else ''}"
    )


def size_of_model(row: ModelRow) -> str:
    """Return the size of a model's weights; empty if unknown."""
    if not row.nbytes:
        return ""
    return f"{'' if row.is_size_exact else '~'}{in_bytes(row.nbytes)}"


def model_facts(row: ModelRow) -> str:
    """Return size, licence and place of a model, for example below its name."""
    facts = (size_of_model(row), row.licence, row.place)
    return " · ".join(fact for fact in facts if fact)


def model_item(row: ModelRow) -> str:
    """Return the line of a model in a list to choose from."""
    return f"{row.name}  ({model_facts(row)})"


def downloading(done_bytes: int, total_bytes: int | None) -> str:
    """Return how much of a download is there; the total may be unknown."""
    if not total_bytes:
        return f"{in_bytes(done_bytes)} so far"
    return f"{in_bytes(done_bytes)} of {in_bytes(total_bytes)}"


def estimated(estimate: Estimate) -> str:
    """Return what embedding will take."""
    if estimate.tiles == 0:
        return "There is no tile here."
    if estimate.missing == 0:
        which = "The tile is" if estimate.tiles == 1 else f"All {estimate.tiles:,} are"
        return f"{which} stored already."
    tiles = counted(estimate.tiles, "tile")
    if estimate.missing < estimate.tiles:
        tiles = f"{estimate.missing:,} of {tiles}"
    words = f"{tiles} to embed: {in_bytes(estimate.nbytes)}"
    if estimate.seconds is None:
        return f"{words}; time not known yet."
    return f"{words}, {in_about(estimate.seconds)}."


def steps_done(progress: Progress, unit: str = "tile") -> str:
    """Return how many steps of a run are done."""
    return f"{progress.done:,} of {counted(progress.total, unit)}"


def time_left(progress: Progress) -> str:
    """Return how long a run will still take."""
    if progress.done >= progress.total:
        return "Finishing"
    if progress.seconds_left is None:
        return "Estimating the time left"
    words = in_about(progress.seconds_left)
    return f"{words[0].upper()}{words[1:]} left"


def tile_map(counts: TileCounts) -> str:
    """Return how many tiles are in which state."""
    return (
        f"{counts.stored:,} stored, {counts.embedding:,} being embedded, "
        f"{counts.missing:,} missing"
    )


def store_content(tiles: int, nbytes: int) -> str:
    """Return what a store holds."""
    return f"{counted(tiles, 'tile')}, {in_bytes(nbytes)}" if tiles else "Empty"


def clear_question(tiles: int, nbytes: int) -> str:
    """Return what is asked before a store is cleared."""
    content = f"{counted(tiles, 'embedded tile')} ({in_bytes(nbytes)})"
    return (
        f"Remove {content} from the store? "
        "They have to be embedded again before they can answer. "
        "Your objects are not touched."
    )


def everything_counts(shown: int, masks: int) -> str:
    """Return how many objects the present thresholds leave.

    Parameters
    ----------
    shown
        Objects.
    masks
        That were decoded; each window counts its own.
    """
    return f"{counted(shown, 'object')} of {counted(masks, 'mask')}"


def selected_objects(selected: int, total: int) -> str:
    """Return how many of all objects are selected."""
    return f"{selected:,} of {counted(total, 'object')}"


def step_label(action: str, step: str | None) -> str:
    """Return the text of an undo or redo button, for example "Undo: accept 12"."""
    return f"{action}: {step}" if step else action


def overlap_question(labels: Sequence[int], pixels: int) -> str:
    """Return what is asked when an accepted mask lies on other objects.

    Parameters
    ----------
    labels
        Of those objects.
    pixels
        That are theirs and would be the new one's.
    """
    named = ", ".join(str(label) for label in labels[:5])
    if len(labels) > 5:
        named += " and others"
    which = "object" if len(labels) == 1 else f"{len(labels):,} objects:"
    return (
        f"The mask covers {counted(pixels, 'pixel')} of {which} {named}. "
        "Whose shall they be?"
    )

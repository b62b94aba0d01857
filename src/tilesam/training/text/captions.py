"""Captions for masks: words with synonyms in many orders, and what they claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tilesam.text.words import LEFTOVERS, LOOKS, SETTINGS, TAGS, THINGS
from tilesam.training.text.truths import FALSE, TRUE, UNKNOWN, Truths

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tilesam.types import BoolArray

_COLUMN = {tag: column for column, tag in enumerate(TAGS)}


class Caption(NamedTuple):
    """A phrase and the tags that it claims."""

    phrase: str
    tags: frozenset[str]


def caption_for(truths: Truths, rng: np.random.Generator) -> Caption | None:
    """Return a phrase that is true of a mask; None if there is nothing to say.

    Parameters
    ----------
    truths
        (tags,) of the mask.
    rng
        Which of its true tags are named, and in which words.
    """
    things = _true(truths, (*THINGS, *LEFTOVERS))
    telling = [tag for tag in things if tag != "object"]
    if not things:
        return None
    thing = _one(telling if telling and rng.random() < 0.9 else things, rng)
    tags = {thing}
    looks = _true(truths, LOOKS)
    if looks and rng.random() < 0.55:
        count = min(int(rng.integers(1, 3)), len(looks))
        tags.update(looks[i] for i in rng.permutation(len(looks))[:count])
    settings = _true(truths, SETTINGS)
    if settings and rng.random() < 0.4:
        tags.add(_one(settings, rng))
    return Caption(say(tags, rng), frozenset(tags))


def say(tags: Iterable[str], rng: np.random.Generator) -> str:
    """Return a phrase that claims some tags, of which one is a thing."""
    before: list[str] = []
    behind: list[str] = []
    noun = ""
    for tag in sorted(tags):
        if tag in LOOKS:
            before.append(_one(LOOKS[tag], rng))
        elif tag in SETTINGS:
            adjectives, tails = SETTINGS[tag]
            is_before = bool(adjectives) and rng.random() < 0.5
            (before if is_before else behind).append(
                _one(adjectives if is_before else tails, rng)
            )
        else:
            noun = _one(THINGS.get(tag) or LEFTOVERS[tag], rng)
    words = [before[i] for i in rng.permutation(len(before))]
    return " ".join([*words, noun, *behind])


def claims(captions: Sequence[Caption]) -> BoolArray:
    """Return (K, tags): which tags each caption claims."""
    table = np.zeros((len(captions), len(TAGS)), np.bool_)
    for row, caption in enumerate(captions):
        table[row, [_COLUMN[tag] for tag in caption.tags]] = True
    return table


def fits(truths: Truths, captions: Sequence[Caption]) -> Truths:
    """Return (N, K): whether each caption is true of each mask, false, or unknown."""
    wanted = claims(captions).T.astype(np.int32)
    wrong = (truths == FALSE).astype(np.int32) @ wanted
    doubtful = (truths == UNKNOWN).astype(np.int32) @ wanted
    result = np.where(wrong > 0, FALSE, np.where(doubtful > 0, UNKNOWN, TRUE))
    return result.astype(np.int8)


def _true(truths: Truths, tags: Iterable[str]) -> list[str]:
    return [tag for tag in tags if truths[_COLUMN[tag]] == TRUE]


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]

"""Phrases to words that the text encoder knows, and plain words about all others."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tilesam.text.words import (
    FILLERS,
    IRREGULAR,
    LEFTOVERS,
    LOOKS,
    RELATED,
    SETTINGS,
    THINGS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.types import IntArray

_WORD = re.compile(r"[^\W_]+(?:&[^\W_]+)?")
_ENDS_OF_HEAD = frozenset({"in", "of", "from", "with", "on", "at", "under"})
"""What follows these words describes the thing, and is not the thing itself."""


@dataclass(frozen=True)
class ReadPhrase:
    """What was understood of a phrase.

    Parameters
    ----------
    known
        Words that the encoder knows, in the singular and in their order.
    unknown
        Words that it does not know, as they were written.
    has_thing
        Whether it is known what kind of thing is meant: the noun at its head.
    """

    known: tuple[str, ...]
    unknown: tuple[str, ...]
    has_thing: bool


@cache
def vocabulary() -> tuple[str, ...]:
    """Return all words of the encoder, sorted: their numbers are their places."""
    phrases = [phrase for group in _groups() for phrase in group]
    words = {word for phrase in phrases for word in split(phrase)}
    return tuple(sorted(words - FILLERS))


@cache
def concepts() -> tuple[str, ...]:
    """Return the nouns that are known, the common ones first, for completion."""
    return tuple(noun for nouns in THINGS.values() for noun in nouns)


def split(phrase: str) -> list[str]:
    """Return the words of a phrase in small letters and in the singular."""
    text = unicodedata.normalize("NFKC", phrase).casefold().replace("-", " ")
    return [_singular(word) for word in _WORD.findall(text)]


def read_phrase(phrase: str) -> ReadPhrase:
    """Return what is known of a phrase, and what of it is not.

    The thing meant is the last noun before "in", "of" and the like. A phrase whose last
    word there is unknown means a thing that is unknown, whatever stands before it.
    """
    words = split(phrase)
    known = tuple(word for word in words if word in vocabulary())
    unknown = tuple(w for w in words if w not in vocabulary() and w not in FILLERS)
    if not words and phrase.strip():
        unknown = (phrase.strip(),)  # signs without a letter
    return ReadPhrase(known, unknown, _head_of(words) in _heads())


def numbers_of(phrases: Sequence[str], length: int | None = None) -> IntArray:
    """Return (K, T) numbers of words, from 1; 0 stands where there is no further one.

    Parameters
    ----------
    phrases
        Words that are not known are left out.
    length
        T; by default that of the longest phrase.
    """
    places = {word: number for number, word in enumerate(vocabulary(), start=1)}
    rows = [[places[w] for w in split(phrase) if w in places] for phrase in phrases]
    table = np.zeros((len(rows), length or max(map(len, rows))), np.int64)
    for row, numbers in zip(table, rows, strict=True):
        known = numbers[: len(row)]
        row[: len(known)] = known
    return table


def nearest(word: str, count: int = 3) -> tuple[str, ...]:
    """Return the known nouns nearest to a word, in meaning or spelling; maybe none."""
    written = word.casefold()
    related = RELATED.get(written) or RELATED.get(written.removesuffix("s"))
    if related is not None:
        return (related,)
    near = difflib.get_close_matches(written, concepts(), n=count, cutoff=0.6)
    return tuple(near)


@cache
def _heads() -> frozenset[str]:
    """Return the words that can be the head of a phrase: the last ones of nouns."""
    return frozenset(split(noun)[-1] for noun in concepts())


def _head_of(words: list[str]) -> str | None:
    for position, word in enumerate(words):
        if word in _ENDS_OF_HEAD and any(w not in FILLERS for w in words[:position]):
            words = words[:position]
            break
    content = [word for word in words if word not in FILLERS]
    return content[-1] if content else None


def _groups() -> list[tuple[str, ...]]:
    behind = [part for parts in SETTINGS.values() for part in parts]
    return [*THINGS.values(), *LEFTOVERS.values(), *behind, *LOOKS.values()]


@cache
def _singulars() -> frozenset[str]:
    words = {
        part
        for group in _groups()
        for phrase in group
        for part in re.findall(r"[\w&]+", phrase)
    }
    return frozenset(words)


def _singular(word: str) -> str:
    """Return a known word for its plural; other words stay as they are."""
    word = IRREGULAR.get(word, word)
    if word in _singulars() or word in FILLERS:
        return word
    for ending in ("es", "s"):
        stem = word.removesuffix(ending)
        if stem != word and stem in _singulars():
            return stem
    return word

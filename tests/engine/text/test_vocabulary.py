"""Phrases to known words: plurals, spellings, heads, and nothing that breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam.text.vocabulary import (
    concepts,
    nearest,
    numbers_of,
    read_phrase,
    vocabulary,
)
from tilesam.text.words import FILLERS, LEFTOVERS, LOOKS, SETTINGS, THINGS


@pytest.mark.parametrize(
    ("phrase", "known"),
    [
        ("nuclei", ("nucleus",)),
        ("Dark, ROUND nuclei", ("dark", "round", "nucleus")),
        ("bacteria", ("bacterium",)),
        ("rod-shaped bacteria", ("rod", "shaped", "bacterium")),
        ("leaves", ("leaf",)),
        ("all of the buildings", ("building",)),
        ("H&E nuclei", ("h&e", "nucleus")),
        ("ｎｕｃｌｅｉ", ("nucleus",)),  # noqa: RUF001 - full-width letters
    ],
)
def test_what_is_known_is_read(phrase, known):
    read = read_phrase(phrase)
    assert read.known == known
    assert read.unknown == ()
    assert read.has_thing


@pytest.mark.parametrize(
    "phrase",
    ["mitochondria", "nuclei dog", "building shadows", "cats in phase contrast",
     "red", "in fluorescence", "🙂", "细胞核", "ядро", "!!!", "a", "the"],
)  # fmt: skip
def test_a_phrase_without_a_known_thing_at_its_head_means_nothing(phrase):
    assert not read_phrase(phrase).has_thing


def test_an_unknown_word_beside_a_known_thing_is_named():
    assert read_phrase("fluffy nuclei of dogs").unknown == ("fluffy", "dogs")
    assert read_phrase("fluffy nuclei of dogs").has_thing


def test_every_word_of_the_training_phrases_is_known():
    groups = [*THINGS.values(), *LEFTOVERS.values(), *LOOKS.values()]
    groups += [part for parts in SETTINGS.values() for part in parts]
    for phrase in (phrase for group in groups for phrase in group):
        assert read_phrase(phrase).unknown == (), phrase


def test_concepts_are_things():
    assert all(read_phrase(noun).has_thing for noun in concepts())
    assert not set(vocabulary()) & FILLERS


@given(st.text(max_size=250))
def test_any_text_can_be_read(text):
    read = read_phrase(text)
    assert set(read.known) <= set(vocabulary())
    assert not set(read.unknown) & set(vocabulary())
    assert numbers_of([text], 5).shape == (1, 5)


def test_numbers_are_places_in_the_vocabulary_and_zero_fills_up():
    numbers = numbers_of(["round nuclei", "unheard nuclei"])
    words = vocabulary()
    assert [words[n - 1] for n in numbers[0]] == ["round", "nucleus"]
    assert words[numbers[1, 0] - 1] == "nucleus"
    assert numbers[1, 1] == 0


def test_near_words_are_found_by_spelling_and_by_meaning():
    assert "nucleus" in nearest("nucleos")
    assert nearest("mitochondria") == ("organelle",)
    assert nearest("axons") == ("neurite",)
    assert nearest("qqqq") == ()

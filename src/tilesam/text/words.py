"""The words that the embedded text encoder has learned, and what each of them claims.

A *tag* is something that is true or false of a mask. A caption claims some tags, and
fits a mask of which all of these are true. Words that claim the same are synonyms.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

THINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "nucleus": ("nucleus", "cell nucleus"),
        "cell": ("cell", "whole cell"),
        "bacterium": ("bacterium", "bacterial cell", "microbe", "germ"),
        "neurite": (
            "neurite",
            "nerve fibre",
            "nerve fiber",
            "neuronal process",
            "neuron",
        ),
        "chloroplast": ("chloroplast", "plastid", "organelle"),
        "building": ("building", "house", "roof", "rooftop"),
        "leaf": ("leaf", "coffee leaf", "leaf blade"),
        "lesion": (
            "lesion",
            "leaf lesion",
            "leaf spot",
            "rust spot",
            "leaf rust",
            "disease spot",
            "diseased patch",
        ),
        "object": ("object", "thing"),
    }
)
"""Nouns by tag; `object` is anything that is one whole thing."""

LEFTOVERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "background": ("background", "ground", "nothing"),
        "piece": ("piece", "part", "fragment"),
        "group": ("group", "clump", "cluster"),
    }
)
"""What masks show that are not one whole thing."""

SETTINGS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "fluorescence": (
            ("fluorescent", "glowing"),
            ("in fluorescence", "in fluorescence microscopy"),
        ),
        "histology": (
            ("stained", "tissue", "histology"),
            ("in stained tissue", "in histology", "in a tissue section", "in h&e"),
        ),
        "cytology": (
            ("cytology", "smear"),
            ("in cytology", "in a smear", "in brightfield", "in bright field"),
        ),
        "phase": (("phase contrast",), ("in phase contrast", "in phase microscopy")),
        "electron": (
            ("electron microscopy",),
            ("in electron microscopy", "in an electron micrograph", "in em"),
        ),
        "plant": (("plant",), ("in plant tissue", "of a plant")),
        "aerial": (
            ("aerial",),
            ("from above", "in aerial imagery", "in a satellite image"),
        ),
        "photo": ((), ("in a photo", "in a photograph")),
    }
)
"""Kinds of image by tag: words before the noun, and words behind it."""

LOOKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bright": ("bright", "light"),
        "dark": ("dark",),
        "red": ("red", "reddish"),
        "brown": ("brown", "orange"),
        "yellow": ("yellow",),
        "green": ("green",),
        "blue": ("blue", "bluish"),
        "purple": ("purple", "violet", "pink"),
        "white": ("white",),
        "grey": ("grey", "gray"),
        "black": ("black",),
        "small": ("small", "tiny", "little"),
        "large": ("large", "big"),
        "round": ("round", "circular"),
        "elongated": ("elongated", "long", "rod shaped"),
        "rectangular": ("rectangular", "square"),
        "irregular": ("irregular", "ragged"),
        "smooth": ("smooth", "uniform", "even"),
        "textured": ("textured", "granular", "rough"),
    }
)
"""Adjectives by tag: colour, size, shape and texture."""

TAGS: tuple[str, ...] = (*THINGS, *LEFTOVERS, *SETTINGS, *LOOKS)
"""All tags, in the order of their columns."""

IRREGULAR: Mapping[str, str] = MappingProxyType(
    {
        "nuclei": "nucleus",
        "bacteria": "bacterium",
        "leaves": "leaf",
        "leafs": "leaf",
        "bodies": "body",
        "processes": "process",
        "patches": "patch",
        "masses": "mass",
        "colour": "color",
        "he": "h&e",
    }
)
"""Plurals and spellings that no rule finds."""

FILLERS = frozenset(
    {
        *("a", "an", "the", "of", "in", "on", "at", "with", "and", "from", "under"),
        *("by", "is", "are", "all", "each", "every", "some", "any", "this", "that"),
        *("these", "those", "find", "show", "me", "segment", "please", "image"),
        *("images", "picture", "microscope"),
    }
)
"""Words without which a phrase says the same."""

RELATED: Mapping[str, str] = MappingProxyType(
    {
        "axon": "neurite",
        "car": "building",
        "chromosome": "nucleus",
        "dendrite": "neurite",
        "erythrocyte": "cell",
        "garage": "building",
        "granule": "organelle",
        "hut": "building",
        "membrane": "cell",
        "mitochondria": "organelle",
        "mitochondrion": "organelle",
        "mildew": "leaf lesion",
        "plant": "leaf",
        "pollen": "cell",
        "shed": "building",
        "spore": "cell",
        "synapse": "neurite",
        "tree": "leaf",
        "tumor": "cell",
        "tumour": "cell",
        "vacuole": "organelle",
        "vehicle": "building",
        "vesicle": "organelle",
        "yeast": "cell",
    }
)
"""Unknown words that people ask for, and the known noun nearest in meaning."""

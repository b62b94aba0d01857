"""Words as somebody writes them into a field, and what the engine is asked; no Qt."""

from __future__ import annotations


def split_phrases(written: str) -> tuple[str, ...]:
    """Return phrases that commas stand between; empty ones are left out."""
    parts = (" ".join(part.split()) for part in written.split(","))
    return tuple(part for part in parts if part)


def backend_name(kind: str, model: str) -> str:
    """Return what the engine calls a backend with a model, or without one.

    Parameters
    ----------
    kind
        One of `tilesam.text.backends.BACKENDS`.
    model
        Name on the hub, or path of a folder; may be empty.
    """
    model = model.strip()
    return f"{kind}:{model}" if model else kind


def split_backend(name: str) -> tuple[str, str]:
    """Return the kind and the model of which `backend_name` made a name."""
    kind, _, model = name.partition(":")
    return kind, model


def word_begun(written: str) -> str:
    """Return the word at the end of a text, which may be completed; maybe none."""
    is_between = not written or written[-1].isspace()
    return "" if is_between else written.rsplit(maxsplit=1)[-1]


def completed(written: str, noun: str) -> str:
    """Return a text in which a known noun stands for the beginning of it at the end.

    Parameters
    ----------
    written
        So far, for example "brown leaf le".
    noun
        That was chosen, for example "leaf lesion".
    """
    words = written.split()
    for start in range(len(words)):
        begun = " ".join(words[start:]).casefold()
        if noun.casefold().startswith(begun):
            return " ".join([*words[:start], noun])
    return " ".join([*words[:-1], noun])

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from tilesam.errors import UnknownModelError
from tilesam.model.checkpoints.digests import parse_digest
from tilesam.model.checkpoints.registry import (
    REGISTRY,
    TYPICAL_BYTES,
    ModelEntry,
    find_entry,
)
from tilesam.model.configs import CONFIGS

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "models.md"
DOWNLOADED = [entry for entry in REGISTRY.values() if not entry.is_embedded]
HEX_DIGITS = {"sha256": 64, "xxh128": 32}


def test_only_tiny_is_embedded_and_comes_first() -> None:
    assert [entry.name for entry in REGISTRY.values() if entry.is_embedded] == ["tiny"]
    assert next(iter(REGISTRY)) == "tiny"


def test_the_original_models_have_the_sha256_of_their_release() -> None:
    starts = {name: (REGISTRY[name].sha256 or "")[:8] for name in list(REGISTRY)[1:5]}
    assert starts == {
        "vit_b": "ec2df627",
        "vit_l": "3adcc431",
        "vit_h": "a7bf3b02",
        "mobile_sam": "6dbb9052",
    }


@pytest.mark.parametrize("entry", DOWNLOADED, ids=lambda entry: entry.name)
def test_a_record_is_complete(entry: ModelEntry) -> None:
    assert entry.url is not None
    assert entry.url.startswith("https://")
    assert entry.digest is not None
    digest = parse_digest(entry.digest)
    assert re.fullmatch(f"[0-9a-f]{{{HEX_DIGITS[digest.kind]}}}", digest.value)
    assert entry.architecture in CONFIGS
    assert entry.likely_bytes > 1e7
    assert entry.licence
    assert entry.good_for
    assert entry.source.startswith("https://")


@pytest.mark.parametrize("entry", DOWNLOADED, ids=lambda entry: entry.name)
def test_an_estimated_size_is_near_a_published_one(entry: ModelEntry) -> None:
    estimate = TYPICAL_BYTES[entry.architecture]
    assert entry.likely_bytes == pytest.approx(estimate, rel=0.01)


def test_a_file_name_tells_one_model_from_all_others() -> None:
    names = [name for e in REGISTRY.values() for name in set(e.accepted_names)]
    assert len(names) == len(set(names))
    # micro-sam publishes two different models as vit_b.pt.
    assert "vit_b.pt" not in names


def test_no_two_models_share_a_digest() -> None:
    assert len({entry.digest for entry in DOWNLOADED}) == len(DOWNLOADED)


def test_published_and_bare_names_are_accepted() -> None:
    assert REGISTRY["vit_b"].file_name == "vit_b.pth"
    assert set(REGISTRY["vit_b"].accepted_names) == {
        "vit_b.pth",
        "sam_vit_b_01ec64.pth",
        "vit_b",
    }
    assert REGISTRY["vit_b_lm"].accepted_names == ("vit_b_lm.pt", "vit_b_lm")
    assert REGISTRY["vit_h_histopathology"].file_name == "vit_h_histopathology.pt"


def test_a_sha256_is_none_where_none_is_published() -> None:
    assert REGISTRY["vit_b_lm"].sha256 is None
    assert REGISTRY["tiny"].sha256 is None


def test_records_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        REGISTRY["vit_b"].url = "https://example.org"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("vitb", "vit_b"),
        ("VIT-H", "vit_h"),
        ("vit_b_ml", "vit_b_lm"),
        ("mobilesam", "mobile_sam"),
        ("vit_t", "mobile_sam"),
        ("vit_b_em", "vit_b_lm"),
        ("vit_b_histo", "vit_b_histopathology"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(typed: str, meant: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        find_entry(typed)
    message = str(caught.value)
    assert f"{typed!r}" in message
    assert f"did you mean {meant!r}?" in message
    assert all(name in message for name in REGISTRY)
    assert "\n" not in message


def test_a_name_like_no_other_gets_the_list_only() -> None:
    with pytest.raises(
        UnknownModelError, match="expected one of tiny, vit_b"
    ) as caught:
        find_entry("yolo")
    assert "did you mean" not in str(caught.value)


def test_a_known_name_gives_its_record() -> None:
    assert find_entry("vit_b") is REGISTRY["vit_b"]


def test_the_documented_table_is_the_registry() -> None:
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", DOCS.read_text("utf-8"), re.MULTILINE)
    table = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}
    assert list(table) == list(REGISTRY)
    for name, (architecture, size, licence, good_for, source) in table.items():
        entry = REGISTRY[name]
        assert architecture == f"`{entry.architecture}`"
        assert size == documented_size(entry)
        assert (licence, good_for) == (entry.licence, entry.good_for)
        assert source == f"<{entry.source}>"


def test_the_documented_digests_are_the_registry() -> None:
    text = DOCS.read_text("utf-8")
    found = re.findall(r"^- `(\w+)`: `(\w+:\w+)`, <(\S+)>$", text, re.MULTILINE)
    assert found == [(entry.name, entry.digest, entry.url) for entry in DOWNLOADED]


def documented_size(entry: ModelEntry) -> str:
    if entry.is_embedded:
        return "in the package"
    about = "" if entry.size_bytes else "about "
    return f"{about}{entry.likely_bytes / 1e6:,.0f} MB"

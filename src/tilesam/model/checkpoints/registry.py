"""The models that have a name: where their weights are and what they are good for.

A digest is recorded only where one was published: the sha256 of the original SAM and
MobileSAM weights, and the xxh128 that micro-sam's authors give for their fine-tuned
ones, of which no sha256 is published. xxh128 finds every accident, but a determined
attacker could forge it; the sha256 is therefore recorded at the first download (see
`receipts`), and no file can run code, whatever its digest (see `files`).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from tilesam.errors import UnknownModelError

EMBEDDED_FOLDER = Path(__file__).parent / "weights"
"""Where weights lie that come with the package."""

TYPICAL_BYTES = {
    "vit_t": 40_700_000,
    "vit_b": 375_000_000,
    "vit_l": 1_249_500_000,
    "vit_h": 2_564_500_000,
}
"""Four bytes per parameter, for weights whose exact size is not published."""

_META = "https://dl.fbaipublicfiles.com/segment_anything"
_MOBILE_SAM = "https://raw.githubusercontent.com/ChaoningZhang/MobileSAM"
_BIOIMAGE_IO = "https://uk1s3.embassy.ebi.ac.uk/public-datasets/bioimage.io"
_GOETTINGEN = "https://owncloud.gwdg.de/index.php/s"

_SAM = "https://github.com/facebookresearch/segment-anything"
_MICRO_SAM = "https://github.com/computational-cell-analytics/micro-sam"
_PATHO_SAM = "https://github.com/computational-cell-analytics/patho-sam"
_MEDICO_SAM = "https://github.com/computational-cell-analytics/medico-sam"

_LIGHT = "cells and nuclei in light microscopy"
_ELECTRONS = "mitochondria, nuclei and round organelles in electron microscopy"
_TISSUE = "nuclei in stained tissue (histopathology)"


@dataclass(frozen=True)
class ModelEntry:
    """What is known of one model before its weights are at hand.

    Parameters
    ----------
    name
        What people type.
    architecture
        One of `tilesam.model.configs.CONFIGS`.
    url
        Where the weights are published; None if they come with this package.
    digest
        `"sha256:..."` or `"xxh128:..."` as published; None for embedded weights.
    size_bytes
        Exact size of the file; None where it is not published.
    licence
        Of the weights, an SPDX identifier where there is one.
    good_for
        What it segments well, for people who choose.
    source
        Web page of the authors.
    """

    name: str
    architecture: str
    url: str | None
    digest: str | None
    size_bytes: int | None
    licence: str
    good_for: str
    source: str

    @property
    def is_embedded(self) -> bool:
        """Whether the weights come with this package."""
        return self.url is None

    @property
    def sha256(self) -> str | None:
        """The published sha256 in hexadecimal, None if there is none."""
        kind, _, value = (self.digest or "").partition(":")
        return value if kind == "sha256" else None

    @property
    def likely_bytes(self) -> int:
        """Size of the file, exact or estimated from the number of parameters."""
        return self.size_bytes or TYPICAL_BYTES.get(self.architecture, 0)

    @property
    def file_name(self) -> str:
        """Name of the file in the cache or an offline folder."""
        if self.url is None:
            return f"{self.name}.safetensors"
        suffix = PurePosixPath(urlsplit(self.url).path).suffix
        return f"{self.name}{suffix or '.pt'}"

    @property
    def accepted_names(self) -> tuple[str, ...]:
        """Names under which a file in a folder is taken to be this model.

        Besides `file_name`, the name it was published under where that says which
        model it is, and the bare name, which is how micro-sam's cache keeps it.
        """
        published = PurePosixPath(urlsplit(self.url or "").path).name
        is_telling = "sam" in published
        return (self.file_name, *([published] * is_telling), self.name)


def _sam(name: str, *, file: str, sha256: str, size: int, good_for: str) -> ModelEntry:
    return ModelEntry(
        name, name, f"{_META}/{file}", f"sha256:{sha256}", size, "Apache-2.0",
        good_for, _SAM,
    )  # fmt: skip


def _zoo(name: str, path: str, xxh128: str, good_for: str) -> ModelEntry:
    """Return an entry of the BioImage.IO model zoo, where micro-sam publishes."""
    return ModelEntry(
        name, name[:5], f"{_BIOIMAGE_IO}/{path}", f"xxh128:{xxh128}", None,
        "CC-BY-4.0", good_for, _MICRO_SAM,
    )  # fmt: skip


def _shared(
    name: str, share: str, xxh128: str, *, good_for: str, source: str
) -> ModelEntry:
    """Return an entry that micro-sam's authors share from their university."""
    return ModelEntry(
        name, name[:5], f"{_GOETTINGEN}/{share}/download", f"xxh128:{xxh128}", None,
        "not stated (its code: MIT)", good_for, source,
    )  # fmt: skip


_ENTRIES = (
    ModelEntry(
        "tiny", "tiny", None, None, None, "BSD-3-Clause",
        "first steps without a network; nuclei, cells and simple scenes",
        "https://pypi.org/project/napari-sam-tiles",
    ),
    _sam(
        "vit_b",
        file="sam_vit_b_01ec64.pth",
        sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        size=375_042_383,
        good_for="any image; the smallest of the original models",
    ),
    _sam(
        "vit_l",
        file="sam_vit_l_0b3195.pth",
        sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        size=1_249_524_607,
        good_for="any image; finer masks, three times the work of vit_b",
    ),
    _sam(
        "vit_h",
        file="sam_vit_h_4b8939.pth",
        sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        size=2_564_550_879,
        good_for="any image; the largest of the original models, for a good GPU",
    ),
    ModelEntry(
        "mobile_sam", "vit_t",
        f"{_MOBILE_SAM}/f706ad9c4eb7f219c00d9050e46328518ffb65d2/weights/mobile_sam.pt",
        "sha256:6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
        40_728_226, "Apache-2.0",
        "any image on a laptop; five times faster than vit_b, coarser",
        "https://github.com/ChaoningZhang/MobileSAM",
    ),
    _zoo(
        "vit_t_lm", "faithful-chicken/1.1/files/vit_t.pt",
        "72ec5074774761a6e5c05a08942f981e", f"{_LIGHT}, on a laptop",
    ),
    _zoo(
        "vit_b_lm", "diplomatic-bug/1.2/files/vit_b.pt",
        "fe9252a29f3f4ea53c15a06de471e186", _LIGHT,
    ),
    _zoo(
        "vit_l_lm", "idealistic-rat/1.2/files/vit_l.pt",
        "017f20677997d628426dec80a8018f9d", f"{_LIGHT}, a little better, slower",
    ),
    _zoo(
        "vit_t_em_organelles", "greedy-whale/1/files/vit_t.pt",
        "253474720c497cce605e57c9b1d18fd9", f"{_ELECTRONS}, on a laptop",
    ),
    _zoo(
        "vit_b_em_organelles", "noisy-ox/1.2/files/vit_b.pt",
        "f3bf2ed83d691456bae2c3f9a05fb438", _ELECTRONS,
    ),
    _zoo(
        "vit_l_em_organelles", "humorous-crab/1.2/files/vit_l.pt",
        "810b084b6e51acdbf760a993d8619f2d", f"{_ELECTRONS}, a little better, slower",
    ),
    _shared(
        "vit_b_histopathology", "sBB4H8CTmIoBZsQ", "ffd1a2cd84570458b257bd95fdd8f974",
        good_for=_TISSUE, source=_PATHO_SAM,
    ),
    _shared(
        "vit_l_histopathology", "IZgnn1cpBq2PHod", "b591833c89754271023e901281dee3f2",
        good_for=f"{_TISSUE}, a little better, slower", source=_PATHO_SAM,
    ),
    _shared(
        "vit_h_histopathology", "L7AcvVz7DoWJ2RZ", "bd1856dafc156a43fb3aa705f1a6e92e",
        good_for=f"{_TISSUE}, for a good GPU", source=_PATHO_SAM,
    ),
    _shared(
        "vit_b_medical_imaging", "f5Ol4FrjPQWfjUF", "40169f1e3c03a4b67bff58249c176d92",
        good_for="X-ray, CT, MRI and ultrasound", source=_MEDICO_SAM,
    ),
)  # fmt: skip

REGISTRY: dict[str, ModelEntry] = {entry.name: entry for entry in _ENTRIES}
"""All named models, the embedded one first."""

_ELSEWHERE_CALLED = {"vit_t": "mobile_sam", "default": "vit_h"}


def find_entry(name: str) -> ModelEntry:
    """Return the record of a model.

    Raises
    ------
    UnknownModelError
        If there is none; the message suggests the nearest name and lists them all.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    near = _nearest_name(name)
    hint = f"did you mean {near!r}? " if near else ""
    raise UnknownModelError(
        f"no model is named {name!r} and no file has this path; {hint}expected one of "
        f"{', '.join(REGISTRY)}, or the path of a weights file"
    )


def _nearest_name(name: str) -> str | None:
    wanted = name.lower().replace("-", "_")
    if wanted in _ELSEWHERE_CALLED:
        return _ELSEWHERE_CALLED[wanted]
    return next(iter(difflib.get_close_matches(wanted, REGISTRY, n=1)), None)

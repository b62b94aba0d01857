"""What is remembered of a file once it has been checked.

Beside `vit_b.pth` lies `vit_b.pth.json` with the file's sha256, size and time of
change. While size and time stay the same, the next start need not read gigabytes to
know the sha256; where they have changed, the file is read again and must still have
the sha256 of the first time, even if only a weaker digest was published.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

from tilesam.errors import CheckpointError, OutputError
from tilesam.model.checkpoints.digests import hash_file, parse_digest
from tilesam.writing import written_whole

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from tilesam.model.checkpoints.registry import ModelEntry


@dataclass(frozen=True)
class Receipt:
    """A file that was checked.

    Parameters
    ----------
    digest
        The published one that it agreed with.
    sha256
        Of the content, in hexadecimal.
    size_bytes, mtime_ns
        As the file system had them.
    url
        Where the file came from.
    """

    digest: str
    sha256: str
    size_bytes: int
    mtime_ns: int
    url: str | None


def receipt_path(path: Path) -> Path:
    """Return where the receipt of a weights file lies."""
    return path.with_name(f"{path.name}.json")


def read_receipt(path: Path) -> Receipt | None:
    """Return the receipt of a weights file; None if there is none to make sense of."""
    try:
        content = json.loads(receipt_path(path).read_text(encoding="utf-8"))
        return Receipt(**{field.name: content[field.name] for field in fields(Receipt)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_receipt(path: Path, entry: ModelEntry, sha256: str) -> None:
    """Remember that a weights file agreed with its entry.

    Where nothing can be written (a shared, read-only folder) nothing is remembered.
    """
    status = path.stat()
    receipt = Receipt(
        str(entry.digest), sha256, status.st_size, status.st_mtime_ns, entry.url
    )
    text = json.dumps(asdict(receipt), indent=2)
    with contextlib.suppress(OutputError), written_whole(receipt_path(path)) as partial:
        partial.write_text(text, encoding="utf-8")


class Verdict(NamedTuple):
    """What an examination found: one of the two is empty.

    Parameters
    ----------
    sha256
        Of a file that is what it should be, in hexadecimal.
    fault
        What is wrong with the file, to follow its name in a sentence.
    """

    sha256: str
    fault: str


def check_file(
    path: Path, entry: ModelEntry, *, is_ours: bool = False, must_read: bool = False
) -> str:
    """Return the sha256 of a file, having made sure that it is the published one.

    Parameters
    ----------
    path
        The file; read only if it has changed since it was last checked.
    entry
        The model that it is said to be.
    is_ours
        Leave a receipt beside the file, so that it need not be read the next time.
    must_read
        Read the file even if it has a receipt.

    Returns
    -------
    str
        In hexadecimal.

    Raises
    ------
    CheckpointError
        If the file is another one.
    """
    receipt = read_receipt(path)
    if receipt and not must_read and _still_holds(receipt, path.stat(), entry):
        return receipt.sha256
    sha256, fault = examine(path, entry)
    if fault:
        raise CheckpointError(
            f"{path} {fault}; delete it and run `napari-sam models fetch {entry.name}`"
        )
    if is_ours:
        write_receipt(path, entry, sha256)
    return sha256


def examine(path: Path, entry: ModelEntry) -> Verdict:
    """Read a file and say whether it is the published one.

    It must have the published size and digest, as far as there are any, and the sha256
    of the first time, if there was one.
    """
    size = path.stat().st_size
    if entry.size_bytes not in (None, size):
        expected = f"{entry.size_bytes:,}"
        return Verdict("", f"has {size:,} bytes, {entry.name} has {expected}: {_CAUSE}")
    published = parse_digest(entry.digest) if entry.digest else None
    found = hash_file(path, *({"sha256", published.kind} if published else {"sha256"}))
    if published and found[published.kind] != published:
        seen = found[published.kind]
        return Verdict("", f"has {seen}, {entry.name} has {published}: {_CAUSE}")
    sha256 = found["sha256"].value
    receipt = read_receipt(path)
    if receipt and receipt.digest == entry.digest and receipt.sha256 != sha256:
        return Verdict(
            "", f"has {entry.digest} but not the sha256 it had at first: it was forged"
        )
    return Verdict(sha256, "")


_CAUSE = "it is truncated, damaged or another file"


def _still_holds(receipt: Receipt, status: os.stat_result, entry: ModelEntry) -> bool:
    now = (status.st_size, status.st_mtime_ns, entry.digest)
    return now == (receipt.size_bytes, receipt.mtime_ns, receipt.digest)

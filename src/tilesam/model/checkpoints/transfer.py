"""One file over HTTP into a partial file that a later attempt can go on with.

Bytes are only ever appended to bytes of the same version (see `partial`); where a
server cannot say so, or does not know ranges, the transfer starts anew.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from tilesam.model.checkpoints.partial import (
    Version,
    bytes_here,
    discard,
    read_version,
    write_version,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Progress = Callable[[int, int | None], None]

MAX_ATTEMPTS = 5
"""How often a connection may break; only while every attempt brings some bytes."""

TIMEOUT = httpx.Timeout(60.0, connect=20.0)
"""Seconds of silence after which a server is given up."""


class TransferError(Exception):
    """What arrived cannot be the wanted file. The message is a bare reason."""


@dataclass(frozen=True)
class Request:
    """What to fetch and what is known of it.

    Parameters
    ----------
    url
        http or https.
    exact_bytes
        Size of the file, None if unknown.
    most_bytes
        Nothing larger than this is accepted.
    """

    url: str
    exact_bytes: int | None
    most_bytes: int


def transfer(
    request: Request,
    part: Path,
    *,
    timeout: httpx.Timeout = TIMEOUT,
    progress: Progress | None = None,
) -> None:
    """Fill `part` with the whole resource, going on where an earlier call stopped.

    Parameters
    ----------
    request
        What to fetch.
    part
        The partial file; complete and on disk when this returns.
    timeout
        See `TIMEOUT`.
    progress
        Called with the bytes that are there and the total, None while unknown.

    Raises
    ------
    TransferError
        If size or kind of the answer are wrong.
    httpx.HTTPError
        If the server, a proxy or the network fail; what arrived is kept.
    OSError
        If `part` cannot be written.
    """
    with _open_client(timeout) as client:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            before = bytes_here(part)
            try:
                _go_on(request, part, client=client, progress=progress)
                break
            except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ReadTimeout):
                if attempt == MAX_ATTEMPTS or bytes_here(part) <= before:
                    raise
            except TransferError:
                discard(part)
                raise


def _open_client(timeout: httpx.Timeout) -> httpx.Client:
    try:
        # The environment's proxies and certificates are read here.
        return httpx.Client(follow_redirects=True, timeout=timeout)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise TransferError(f"the proxy settings cannot be used: {error}") from error


def _go_on(
    request: Request, part: Path, *, client: httpx.Client, progress: Progress | None
) -> None:
    version = _wanted_version(part, request)
    if version is None:
        discard(part)
    have = bytes_here(part)
    if version and have and have == version.total:
        return
    headers = _headers(have, version.validator if version else None)
    with client.stream("GET", request.url, headers=headers) as response:
        start = _start_of(response, have, version)
        if start is not None:
            _receive(request, part, response=response, start=start, progress=progress)
            return
    # The server has other bytes than those that are here.
    discard(part)
    _go_on(request, part, client=client, progress=progress)


def _headers(have: int, validator: str | None) -> dict[str, str]:
    # Compressed answers have other lengths and ranges than the file.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    return headers


def _start_of(
    response: httpx.Response, have: int, version: Version | None
) -> int | None:
    """Return at which byte the answer begins; None if it does not fit what is there."""
    if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
        return None
    response.raise_for_status()
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return 0
    start, total = _content_range(response)
    known = version.total if version else None
    if start == have and (known is None or total in (None, known)):
        return start
    if have:
        return None
    raise TransferError("it answers with a part of the file that was not asked for")


def _receive(
    request: Request,
    part: Path,
    *,
    response: httpx.Response,
    start: int,
    progress: Progress | None,
) -> None:
    total = _total_bytes(response, start)
    _check_answer(request, response, total)
    if total is not None:
        _check_room(part, total - start)
    if start == 0:
        # Emptied before its version changes: old bytes never pass for new ones.
        discard(part)
        part.touch()
    if not _is_encoded(response):
        write_version(part, Version(request.url, _validator(response), total))
    done = start
    with part.open("r+b") as file:
        file.seek(start)
        for chunk in response.iter_bytes():
            file.write(chunk)
            done += len(chunk)
            if done > request.most_bytes:
                raise TransferError(
                    f"it sends more than the {request.most_bytes:,} bytes that the "
                    "file can have"
                )
            if progress:
                progress(done, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done != total:
        raise httpx.RemoteProtocolError(f"{done:,} of {total:,} bytes arrived")


def _check_answer(
    request: Request, response: httpx.Response, total: int | None
) -> None:
    if request.url.startswith("https:") and response.url.scheme != "https":
        raise TransferError(f"it redirects to {response.url}, which is not encrypted")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise TransferError(
            "a web page came instead of the file, perhaps the login page of a network"
        )
    if total is not None and total != (request.exact_bytes or total):
        raise TransferError(
            f"it offers {total:,} bytes where {request.exact_bytes:,} are expected"
        )
    if total is not None and total > request.most_bytes:
        raise TransferError(
            f"it offers {total:,} bytes, more than the {request.most_bytes:,} that "
            "the file can have"
        )


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        room = f"{needed:,} bytes are still needed, {part.parent} has room for {free:,}"
        raise OSError(errno.ENOSPC, room)


def _total_bytes(response: httpx.Response, start: int) -> int | None:
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        return _content_range(response)[1]
    if _is_encoded(response):
        return None
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _is_encoded(response: httpx.Response) -> bool:
    """Return whether lengths and ranges are those of compressed bytes."""
    encoding: str = response.headers.get("Content-Encoding", "identity")
    return encoding != "identity"


def _content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """Return the first byte and the total of a partial answer, None where unsaid."""
    field = response.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", field.strip())
    if match is None:
        return None, None
    start, total = match.groups()
    return int(start), None if total == "*" else int(total)


def _validator(response: httpx.Response) -> str | None:
    """Return what identifies this version of the resource in an `If-Range`."""
    tag: str | None = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return tag
    changed: str | None = response.headers.get("Last-Modified")
    return changed


def _wanted_version(part: Path, request: Request) -> Version | None:
    """Return the version that a partial file belongs to, if it is the wanted one."""
    version = read_version(part)
    if version is None or version.url != request.url:
        return None
    sizes = {version.total, request.exact_bytes} - {None}
    return version if len(sizes) <= 1 else None

from __future__ import annotations

import errno
import gzip
import shutil
from collections import namedtuple
from pathlib import Path

import httpx
import pytest

from tilesam.model.checkpoints import transfer as module
from tilesam.model.checkpoints.transfer import (
    Request,
    TransferError,
    discard,
    transfer,
)
from tilesam.testing.serving import CONTENT, PoliteServer, serving

IMPATIENT = httpx.Timeout(0.3)

TOTAL = len(CONTENT)
HALF = TOTAL // 2


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "weights.pt.part"


@pytest.fixture
def request_(server: PoliteServer) -> Request:
    return Request(server.url, TOTAL, TOTAL)


def interrupt(request: Request, part: Path, server: PoliteServer, at: int) -> None:
    """Let the connection break so often that the transfer gives up at `at` bytes."""
    server.manners.breaks_after = [at, 0]
    with pytest.raises(httpx.HTTPError):
        transfer(request, part)
    assert part.stat().st_size == at
    server.requests.clear()


def test_the_whole_file_arrives_and_progress_is_told(
    request_: Request, part: Path
) -> None:
    told: list[tuple[int, int | None]] = []
    transfer(request_, part, progress=lambda done, total: told.append((done, total)))
    assert part.read_bytes() == CONTENT
    assert told[-1] == (TOTAL, TOTAL)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_broken_connection_is_taken_up_again(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    server.manners.breaks_after = [1000, 5000]
    transfer(request_, part)
    assert part.read_bytes() == CONTENT
    assert [r.get("Range") for r in server.requests] == [
        None,
        "bytes=1000-",
        "bytes=6000-",
    ]
    assert server.requests[1]["If-Range"] == '"v1"'


def test_a_connection_that_breaks_for_ever_is_given_up(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    server.manners.breaks_after = [100] * 99
    with pytest.raises(httpx.RemoteProtocolError):
        transfer(request_, part)
    assert len(server.requests) == module.MAX_ATTEMPTS
    assert part.read_bytes() == CONTENT[: 100 * module.MAX_ATTEMPTS]


def test_a_later_call_goes_on(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    interrupt(request_, part, server, HALF)
    transfer(request_, part)
    assert part.read_bytes() == CONTENT
    assert [r.get("Range") for r in server.requests] == [f"bytes={HALF}-"]


def test_what_is_complete_is_not_asked_for_again(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    transfer(request_, part)
    server.requests.clear()
    transfer(request_, part)
    assert server.requests == []


def test_a_server_without_ranges_starts_anew(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    interrupt(request_, part, server, HALF)
    server.manners.knows_ranges = False
    transfer(request_, part)
    assert part.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_other_content_starts_anew(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    interrupt(request_, part, server, HALF)
    server.manners.content, server.manners.etag = CONTENT[::-1], '"v2"'
    transfer(request_, part)
    assert part.read_bytes() == CONTENT[::-1]


def test_without_a_tag_other_sizes_start_anew(part: Path, server: PoliteServer) -> None:
    server.manners.etag = None
    request = Request(server.url, None, 2 * TOTAL)
    interrupt(request, part, server, HALF)
    server.manners.content = CONTENT[::-1] + b"more"
    transfer(request, part)
    assert part.read_bytes() == CONTENT[::-1] + b"more"


def test_more_than_there_is_starts_anew(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    interrupt(request_, part, server, HALF)
    part.write_bytes(bytes(TOTAL + 5))
    transfer(request_, part)
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("damage", ["remove", "garble", "of another address"])
def test_a_part_of_unknown_origin_is_not_gone_on_with(
    damage: str, request_: Request, part: Path, server: PoliteServer
) -> None:
    interrupt(request_, part, server, HALF)
    version = part.with_name(f"{part.name}.version")
    if damage == "remove":
        version.unlink()
    elif damage == "garble":
        version.write_text("{")
    else:
        version.write_text(version.read_text().replace("weights.pt", "other.pt"))
    transfer(request_, part)
    assert part.read_bytes() == CONTENT
    assert "Range" not in server.requests[0]


def test_a_length_that_is_not_said(part: Path, server: PoliteServer) -> None:
    server.manners.says_length = False
    transfer(Request(server.url, None, 2 * TOTAL), part)
    assert part.read_bytes() == CONTENT


def test_an_endless_answer_is_cut_off(part: Path, server: PoliteServer) -> None:
    server.manners.says_length = False
    with pytest.raises(TransferError, match="more than the 1,000 bytes"):
        transfer(Request(server.url, None, 1000), part)
    assert not part.exists()


def test_a_wrong_size_is_told_before_anything_is_read(
    part: Path, server: PoliteServer
) -> None:
    with pytest.raises(TransferError, match=r"offers 307,200 bytes where 5 are"):
        transfer(Request(server.url, 5, 5), part)
    with pytest.raises(TransferError, match="more than the 5 that"):
        transfer(Request(server.url, None, 5), part)
    assert not part.exists()


def test_a_web_page_is_no_file(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    server.manners.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(TransferError, match="web page"):
        transfer(request_, part)


def test_a_server_that_begins_to_compress_unasked(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    interrupt(request_, part, server, HALF)
    server.manners.content, server.manners.etag = gzip.compress(CONTENT), '"v2"'
    server.manners.headers = {"Content-Encoding": "gzip"}
    server.manners.breaks_after = [900]
    with pytest.raises(httpx.HTTPError):
        transfer(request_, part)
    transfer(request_, part)
    assert part.read_bytes() == CONTENT
    # Offsets into the file mean nothing to it, so it is not asked to go on.
    assert [r.get("Range") for r in server.requests] == [f"bytes={HALF}-", None]


def test_a_way_that_ends_unencrypted_is_refused() -> None:
    request = Request("https://example.org/a", None, 9)
    end = httpx.Response(200, request=httpx.Request("GET", "http://example.org/a"))
    with pytest.raises(TransferError, match="not encrypted"):
        module._check_answer(request, end, None)


def test_silence_is_given_up(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    server.manners.stalls_after = 0
    with pytest.raises(httpx.ReadTimeout):
        transfer(request_, part, timeout=IMPATIENT)


def test_a_part_that_was_not_asked_for_is_refused(
    request_: Request, part: Path, server: PoliteServer
) -> None:
    server.manners.status = 206
    with pytest.raises(TransferError, match="not asked for"):
        transfer(request_, part)


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_error_of_the_server_leaves_the_part(
    status: int, request_: Request, part: Path, server: PoliteServer
) -> None:
    interrupt(request_, part, server, HALF)
    server.manners.status, server.manners.knows_ranges = status, False
    with pytest.raises(httpx.HTTPStatusError):
        transfer(request_, part)
    assert part.stat().st_size == HALF


def test_a_redirection_is_followed(part: Path, server: PoliteServer) -> None:
    with serving() as front:
        front.manners.status = 302
        front.manners.headers = {"Location": server.url}
        transfer(Request(front.url, TOTAL, TOTAL), part)
    assert part.read_bytes() == CONTENT


def test_room_on_the_disk_is_looked_at_first(
    request_: Request, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 90, 10))
    with pytest.raises(OSError, match="room for 10") as caught:
        transfer(request_, part)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("proxy", ["socks9://host:1", "http://host:port"])
def test_proxy_settings_that_cannot_be_used(
    proxy: str, request_: Request, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(TransferError, match="proxy settings"):
        transfer(request_, part)


def test_a_proxy_of_the_environment_is_used(
    part: Path, server: PoliteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/weights.pt"))
    transfer(Request("http://weights.invalid/weights.pt", TOTAL, TOTAL), part)
    assert part.read_bytes() == CONTENT
    assert server.requests[0]["Host"] == "weights.invalid"


def test_nothing_is_left_after_discarding(request_: Request, part: Path) -> None:
    transfer(request_, part)
    discard(part)
    assert list(part.parent.iterdir()) == []
    discard(part)

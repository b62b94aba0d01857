from __future__ import annotations

import dataclasses
import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
import xxhash

from tilesam.errors import CheckpointError, DownloadError
from tilesam.model.checkpoints import locations
from tilesam.model.checkpoints import transfer as transfer_module
from tilesam.model.checkpoints.download import fetch
from tilesam.model.checkpoints.locations import FOLDER_VARIABLE, OFFLINE_VARIABLE
from tilesam.model.checkpoints.receipts import read_receipt
from tilesam.model.checkpoints.registry import REGISTRY, ModelEntry
from tilesam.testing.serving import CONTENT, PoliteServer

PATIENT = httpx.Timeout(30.0)
IMPATIENT = httpx.Timeout(30.0, read=0.3)
"""For servers that are silent for ever; a busy one may take as long to answer."""


def visible_files(folder: Path) -> list[str]:
    """Return what is in a folder, but for locks."""
    names = (path.name for path in folder.iterdir())
    return sorted(name for name in names if not name.endswith(".lock"))


def failure(entry: ModelEntry, timeout: httpx.Timeout = PATIENT) -> str:
    """Return the message of a download that fails, one line."""
    with pytest.raises(DownloadError) as caught:
        fetch(entry, timeout=timeout)
    message = str(caught.value)
    assert "\n" not in message
    assert str(entry.url) in message
    assert FOLDER_VARIABLE in message
    assert entry.file_name in message
    return message


def test_a_fetched_file_is_complete_and_has_a_receipt(
    entry: ModelEntry, cache: Path, server: PoliteServer
) -> None:
    path = fetch(entry)
    assert path == cache / "served.pt"
    assert path.read_bytes() == CONTENT
    assert visible_files(cache) == ["served.pt", "served.pt.json"]
    receipt = read_receipt(path)
    assert receipt is not None
    assert (receipt.sha256, receipt.url) == (entry.sha256, server.url)


def test_what_is_there_is_not_fetched_again(
    entry: ModelEntry, server: PoliteServer
) -> None:
    fetch(entry)
    fetch(entry)
    assert len(server.requests) == 1


def test_another_folder_can_be_chosen(entry: ModelEntry, tmp_path: Path) -> None:
    path = fetch(entry, into=tmp_path / "stick" / "weights")
    assert path == tmp_path / "stick" / "weights" / "served.pt"


def test_a_weaker_digest_is_checked_and_a_sha256_recorded(
    sizeless: ModelEntry,
) -> None:
    digest = f"xxh128:{xxhash.xxh128(CONTENT).hexdigest()}"
    entry = dataclasses.replace(sizeless, digest=digest)
    receipt = read_receipt(fetch(entry))
    assert receipt is not None
    assert f"sha256:{receipt.sha256}" == sizeless.digest
    assert receipt.digest == digest


def test_an_interrupted_download_goes_on_at_the_next_call(
    entry: ModelEntry, cache: Path, server: PoliteServer
) -> None:
    server.manners.breaks_after = [1234, 0]
    failure(entry)
    assert visible_files(cache) == ["served.pt.part", "served.pt.part.version"]
    assert fetch(entry).read_bytes() == CONTENT
    assert server.requests[-1]["Range"] == "bytes=1234-"
    assert visible_files(cache) == ["served.pt", "served.pt.json"]


def test_wrong_content_never_takes_the_place_of_weights(
    entry: ModelEntry, cache: Path, server: PoliteServer
) -> None:
    server.manners.content = CONTENT[::-1]
    message = failure(entry)
    assert str(entry.digest) in message
    assert visible_files(cache) == []


def test_wrong_bytes_of_an_earlier_attempt_cost_one_more_attempt(
    entry: ModelEntry, cache: Path, server: PoliteServer
) -> None:
    server.manners.etag = None
    server.manners.content = CONTENT[::-1]
    server.manners.breaks_after = [1234, 0]
    failure(entry)
    server.manners.content = CONTENT
    assert fetch(entry).read_bytes() == CONTENT


def test_a_damaged_file_is_replaced(
    entry: ModelEntry, caplog: pytest.LogCaptureFixture
) -> None:
    path = fetch(entry)
    path.write_bytes(CONTENT[:100])
    assert fetch(entry).read_bytes() == CONTENT
    assert "fetching it anew" in caplog.text


def test_a_damaged_file_stays_until_a_good_one_is_there(
    entry: ModelEntry, server: PoliteServer
) -> None:
    path = fetch(entry)
    path.write_bytes(b"precious")
    server.manners.status = 404
    failure(entry)
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "access is refused"),
        (404, "no such file"),
        (407, "proxy wants a login"),
        (503, "503 Service Unavailable"),
    ],
)
def test_an_error_of_the_server_is_put_into_words(
    status: int, words: str, entry: ModelEntry, server: PoliteServer
) -> None:
    server.manners.status = status
    assert words in failure(entry)


def test_silence(entry: ModelEntry, server: PoliteServer) -> None:
    server.manners.stalls_after = 0
    assert "did not answer in time" in failure(entry, IMPATIENT)


def test_a_refused_connection(entry: ModelEntry) -> None:
    with PoliteServer() as gone:
        url = gone.url
    message = failure(dataclasses.replace(entry, url=url))
    assert "no connection" in message
    assert "no proxy is set" in message


def test_a_host_that_does_not_exist(
    entry: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise httpx.ConnectError("[Errno -2] Name or service not known")

    monkeypatch.setattr(transfer_module, "_go_on", resolve)
    assert "host name cannot be resolved" in failure(entry)


def test_a_certificate_that_is_not_trusted(
    entry: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def distrust(*_: object, **__: object) -> None:
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")

    monkeypatch.setattr(transfer_module, "_go_on", distrust)
    assert "SSL_CERT_FILE" in failure(entry)


def test_the_proxy_is_named_without_its_password(
    entry: ModelEntry, server: PoliteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://jane:secret@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.manners.status = 404
    message = failure(entry)
    assert "HTTPS_PROXY=http://***@proxy.example:3128" in message
    assert "secret" not in message
    assert "jane" not in message


def test_a_full_disk(entry: ModelEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transfer_module, "_receive", fill)
    assert "the disk is full (No space left on device)" in failure(entry)


def test_a_cache_that_cannot_be_made(entry: ModelEntry, cache: Path) -> None:
    cache.parent.write_text("a file where the folder should be")
    assert f"{cache.parent} is a file; expected a folder" in failure(entry)


def test_offline_means_no_request(
    entry: ModelEntry, server: PoliteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OFFLINE_VARIABLE, "1")
    assert OFFLINE_VARIABLE in failure(entry)
    assert server.requests == []


def test_offline_is_no_matter_where_the_file_is_here(
    entry: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fetch(entry)
    monkeypatch.setenv(OFFLINE_VARIABLE, "1")
    assert fetch(entry) == path


def test_embedded_weights_come_from_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "EMBEDDED_FOLDER", tmp_path)
    with pytest.raises(CheckpointError, match="install napari-sam-tiles again"):
        fetch(REGISTRY["tiny"])
    (tmp_path / "tiny.safetensors").touch()
    assert fetch(REGISTRY["tiny"]) == tmp_path / "tiny.safetensors"


def test_threads_that_fetch_at_once_make_one_request(
    entry: ModelEntry, server: PoliteServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.manners.headers = {"X-Slow": "yes"}
    paths: list[Path] = []
    threads = [
        threading.Thread(target=lambda: paths.append(fetch(entry))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert len(paths) == 4
    assert len(server.requests) == 1


FETCH_IN_A_PROCESS = """
import json, sys, pathlib
from tilesam.model.checkpoints.download import fetch
from tilesam.model.checkpoints.registry import ModelEntry
print(fetch(ModelEntry(**json.loads(sys.argv[1])), into=pathlib.Path(sys.argv[2])))
"""


def test_processes_that_fetch_at_once_do_not_disturb_each_other(
    entry: ModelEntry, server: PoliteServer, tmp_path: Path
) -> None:
    command = [
        sys.executable, "-c", FETCH_IN_A_PROCESS,
        json.dumps(dataclasses.asdict(entry)), str(tmp_path),
    ]  # fmt: skip
    server.manners.breaks_after = [1000, 2000, 3000]
    processes = [subprocess.Popen(command, env=dict(os.environ)) for _ in range(2)]
    assert [process.wait(30) for process in processes] == [0, 0]
    assert (tmp_path / "served.pt").read_bytes() == CONTENT
    assert len(server.requests) == 4
    assert not list(tmp_path.glob("*.part*"))


def test_fetching_is_logged(
    entry: ModelEntry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="tilesam"):
        path = fetch(entry)
    assert f"fetching served from {entry.url} to {path}" in caplog.text

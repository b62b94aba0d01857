"""A web server in this process whose manners a test can choose."""

from __future__ import annotations

import http.server
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = bytes(range(256)) * 1200
"""What the server serves, 300 kB."""


@dataclass
class Manners:
    """How the server answers; a test changes what it needs."""

    content: bytes = CONTENT
    status: int = 200
    etag: str | None = '"v1"'
    knows_ranges: bool = True
    says_length: bool = True
    breaks_after: list[int] = field(default_factory=list)  # one entry per answer
    stalls_after: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: PoliteServer

    def do_GET(self) -> None:
        manners = self.server.manners
        self.server.requests.append(dict(self.headers.items()))
        start = self._wanted_start(manners)
        if start is None:
            self.send_error(416)
            return
        body = manners.content[start:]
        self.send_response(206 if start and manners.status == 200 else manners.status)
        if start:
            total = len(manners.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if manners.says_length:
            self.send_header("Content-Length", str(len(body)))
        if manners.etag:
            self.send_header("ETag", manners.etag)
        for name, value in manners.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self._send_body(body, manners)

    def _wanted_start(self, manners: Manners) -> int | None:
        """Return the first byte to send; None if there is no such byte."""
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range", manners.etag)
        if wanted is None or not manners.knows_ranges or condition != manners.etag:
            return 0
        start = int(wanted.group(1))
        return start if start < len(manners.content) else None

    def _send_body(self, body: bytes, manners: Manners) -> None:
        if manners.breaks_after:
            body = body[: manners.breaks_after.pop(0)]
            self.close_connection = True
        if manners.stalls_after is not None:
            self.wfile.write(body[: manners.stalls_after])
            self.wfile.flush()
            time.sleep(1.0)
            return
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class PoliteServer(http.server.ThreadingHTTPServer):
    """Serves one file under every path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.manners = Manners()
        self.requests: list[dict[str, str]] = []

    def handle_error(self, *_: object) -> None:
        """Clients may leave in the middle of an answer."""

    @property
    def url(self) -> str:
        """Address of the file."""
        return f"http://127.0.0.1:{self.server_address[1]}/weights.pt"


@contextmanager
def serving() -> Iterator[PoliteServer]:
    """Run a server while the block runs."""
    with PoliteServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

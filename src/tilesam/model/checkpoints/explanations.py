"""Why a download failed, in words that say what to do."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import httpx

from tilesam.model.checkpoints.locations import FOLDER_VARIABLE

if TYPE_CHECKING:
    from tilesam.model.checkpoints.registry import ModelEntry

PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
"""Environment variables that decide about proxies, also in lower case."""


def explain(entry: ModelEntry, error: Exception) -> str:
    """Return one line: what failed, why, and how to have the weights all the same."""
    return (
        f"cannot fetch {entry.name} from {entry.url}: {_reason(error)}; "
        f"{_proxies()}; try again, or {without_network(entry)}"
    )


def without_network(entry: ModelEntry) -> str:
    """Return how to bring the weights here by hand."""
    return (
        f"download {entry.url} on another machine, name the file {entry.file_name} and "
        f"set {FOLDER_VARIABLE} to its folder"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return _reason_of_status(error.response)
    if isinstance(error, httpx.TimeoutException):
        return "the server or proxy did not answer in time"
    if isinstance(error, httpx.ProxyError):
        return f"the proxy failed: {error}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk is full ({error.strerror})"
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectError):
        return _reason_of_connection(text)
    return text


def _reason_of_status(response: httpx.Response) -> str:
    status = f"{response.status_code} {response.reason_phrase}"
    meanings = {
        401: "a login is wanted",
        403: "access is refused, by the server or by a firewall",
        404: "there is no such file, it may have moved",
        407: "the proxy wants a login: http://user:password@host:port",
        429: "there were too many requests, wait a while",
    }
    meaning = meanings.get(response.status_code)
    return f"{meaning} ({status})" if meaning else f"the server answered {status}"


def _reason_of_connection(text: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            "its certificate is not trusted; where a firewall signs anew, set "
            "SSL_CERT_FILE to your organisation's certificates"
        )
    resolver_says = ("Name or service", "nodename", "getaddrinfo", "name resolution")
    if any(words in text for words in resolver_says):
        return f"the host name cannot be resolved ({text})"
    return f"no connection ({text})"


def _proxies() -> str:
    found = {
        variable: os.environ.get(variable) or os.environ.get(variable.lower())
        for variable in PROXY_VARIABLES
    }
    given = [f"{name}={_hide_login(value)}" for name, value in found.items() if value]
    return ", ".join(given) if given else "no proxy is set (HTTPS_PROXY, ALL_PROXY)"


def _hide_login(proxy: str) -> str:
    """Return the address of a proxy without the login that may be in it."""
    login, at, host = proxy.rpartition("@")
    if not at:
        return proxy
    scheme, separator, _ = login.partition("://")
    return f"{scheme}://***@{host}" if separator else f"***@{host}"

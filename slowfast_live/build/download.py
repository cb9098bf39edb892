"""Fetching a checkpoint: resumable, checked, cached for the user, and clear about what is wrong."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from slowfast_live.build.cache import cached_path, sha256_of
from slowfast_live.errors import SlowFastLiveError

_LOG = logging.getLogger(__name__)

Progress = Callable[[int, "int | None"], None]
"""Called with (bytes there, bytes in all or None)."""


class DownloadError(SlowFastLiveError):
    """A checkpoint cannot be fetched, or is not what it was."""


@dataclass(frozen=True, slots=True)
class Patience:
    """When to give up.

    Attributes:
        connect_s: Seconds to wait for a connection.
        read_s: Seconds without a byte after which the connection counts as cut.
        attempts: Connections in a row that bring nothing new before giving up.
        pause_s: Seconds before the second attempt; doubles with each.
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    attempts: int = 5
    pause_s: float = 1.0


def fetch(
    url: str,
    *,
    cache: Path | None = None,
    sha256_prefix: str = "",
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> tuple[Path, str]:
    """Return the file behind `url` from the cache, downloading what is missing of it.

    An interrupted download goes on where it stopped, if the server's file is still the same. The checksum is
    recorded beside the file at the first download (`NAME.sha256`, the format of sha256sum) and checked at
    every later use. Proxies are taken from the environment (HTTPS_PROXY, NO_PROXY, ...).

    Args:
        url: http or https.
        cache: Folder; the user's cache where None.
        sha256_prefix: First digits that the checksum must have; empty for any.
        progress: Told how much is there.
        patience: When to give up.

    Returns:
        The file, and its SHA-256.

    Raises:
        DownloadError: The server cannot be reached, refuses, or is too slow; or the checksum is another.
    """
    path = cached_path(url, cache)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            _download(url, path, progress or (lambda _there, _total: None), patience or Patience())
        return path, _checked(path, url, sha256_prefix)
    except OSError as error:
        raise DownloadError(f"{path} cannot be written: {error.strerror or error}.") from error


def _checked(path: Path, url: str, prefix: str) -> str:
    record = path.with_name(path.name + ".sha256")
    found = sha256_of(path)
    if record.is_file():
        expected = record.read_text(encoding="utf-8").split()[0].lower()
        if found != expected:
            raise DownloadError(
                f"{path} has changed since it was downloaded from {url}: its SHA-256 is {found}, recorded "
                f"was {expected}. Delete it to download it again, or delete "
                f"{record.name} if the change is yours."
            )
    elif not found.startswith(prefix.lower()):
        path.unlink()
        raise DownloadError(
            f"What came from {url} is not the published file: its SHA-256 is {found}, expected {prefix}... "
            "It was deleted; try again, or fetch it by other means and give it with --checkpoint."
        )
    else:
        record.write_text(f"{found}  {path.name}\n", encoding="utf-8")
    return found


def _download(url: str, path: Path, progress: Progress, patience: Patience) -> None:
    part = path.with_name(path.name + ".part")
    tag_file = path.with_name(path.name + ".part.json")
    timeout = httpx.Timeout(patience.read_s, connect=patience.connect_s)
    failures, pause_s, had = 0, patience.pause_s, -1
    with httpx.Client(timeout=timeout, follow_redirects=True) as client:
        while True:
            try:
                _receive(client, url, part, tag_file, progress)
                break
            except httpx.HTTPStatusError as error:
                if error.response.status_code < 500:
                    raise _refused(url, path, f"the server answered {_status(error.response)}") from error
                problem: httpx.HTTPError = error
            except (httpx.TransportError, httpx.DecodingError) as error:
                problem = error
            except httpx.InvalidURL as error:
                raise _refused(url, path, f"it is no valid address ({error})") from error
            there = part.stat().st_size if part.is_file() else 0
            # A connection that brought something new was worth its while: it does not count as a failure.
            failures = failures + 1 if there <= had else 1
            had = max(had, there)
            if failures >= patience.attempts:
                raise _refused(url, path, _reason(problem)) from problem
            _LOG.info("Connection lost after %d bytes (%s); going on", there, problem)
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, 30.0)
    part.replace(path)
    tag_file.unlink(missing_ok=True)


def _receive(client: httpx.Client, url: str, part: Path, tag_file: Path, progress: Progress) -> None:
    """Append to `part` what is missing; raises httpx errors, also where the body ends early."""
    there = part.stat().st_size if part.is_file() else 0
    tag = _tag(tag_file, url) if there else ""
    if not tag:
        there = 0
    # A compressed answer could not be continued at a byte of the file.
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers |= {"Range": f"bytes={there}-", "If-Range": tag}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
            raise httpx.RemoteProtocolError("the part kept from last time does not belong to this file")
        response.raise_for_status()
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            there = 0  # the file is another one now, or the server cannot continue
        length = response.headers.get("Content-Length")
        total = there + int(length) if length is not None else None
        etag = response.headers.get("ETag", "")
        strong = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
        tag_file.write_text(json.dumps({"url": url, "tag": strong}), encoding="utf-8")
        progress(there, total)
        with part.open("ab" if there else "wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
                there += len(chunk)
                progress(there, total)
    if total is not None and there != total:
        raise httpx.RemoteProtocolError(f"the file ended after {there} of {total} bytes")


def _tag(tag_file: Path, url: str) -> str:
    """Return what tells the server's version of the file that `part` belongs to; "" where it is unknown."""
    try:
        known = json.loads(tag_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(known.get("tag", "")) if known.get("url") == url else ""


def _status(response: httpx.Response) -> str:
    return f"{response.status_code} {response.reason_phrase}".strip()


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"the server answered {_status(error.response)}"
    if isinstance(error, httpx.TimeoutException):
        return "the server did not answer in time"
    return f"there is no connection ({error or type(error).__name__})"


def _refused(url: str, path: Path, reason: str) -> DownloadError:
    return DownloadError(
        f"{url} cannot be downloaded: {reason}. Fetch it by other means and put it at {path}, or name it "
        "with --checkpoint FILE.",
        details=reason,
    )

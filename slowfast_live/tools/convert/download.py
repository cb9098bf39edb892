"""Downloads checkpoints: resumable, verified, cached, with clear error messages."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from slowfast_live.errors import SlowFastLiveError
from slowfast_live.tools.convert.cache import cached_path, sha256_of

_LOG = logging.getLogger(__name__)

Progress = Callable[[int, "int | None"], None]
"""Called with (bytes received, total bytes or None)."""


class DownloadError(SlowFastLiveError):
    """A checkpoint cannot be downloaded, or has changed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """When to give up.

    Attributes:
        connect_s: Timeout of a connection attempt in seconds.
        read_s: Seconds without data after which the connection counts as lost.
        attempts: Number of consecutive connections without new data before giving up.
        pause_s: Seconds before the second attempt; doubled before each further one.
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
    sha384: str = "",
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> tuple[Path, str]:
    """Return the file at `url` from the cache, downloading what is missing.

    An interrupted download is resumed if the server's file is unchanged. The checksum is recorded beside the file at
    the first download (`NAME.sha256`, the format of sha256sum) and verified at every later use. Proxies are taken from
    the environment (HTTPS_PROXY, NO_PROXY, ...).

    Args:
        url: http or https.
        cache: Cache folder; None for the user's.
        sha256_prefix: Required first digits of the checksum; "" for any.
        sha384: Required SHA-384, for publishers who state that; "" for any.
        progress: Receives the number of bytes.
        patience: When to give up.

    Returns:
        The file, and its SHA-256.

    Raises:
        DownloadError: The server cannot be reached, refuses, or is too slow; or the checksum does not match.
    """
    path = cached_path(url, cache)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            _download(url, path, progress or (lambda _there, _total: None), patience or Patience())
        return path, _checked(path, url, sha256_prefix, sha384)
    except OSError as error:
        raise DownloadError(f"{path} cannot be written: {error.strerror or error}.") from error


def _checked(path: Path, url: str, prefix: str, sha384: str) -> str:
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
        raise _unpublished(path, url, f"its SHA-256 is {found}, expected {prefix}...")
    elif sha384 and (other := _sha384_of(path)) != sha384.lower():
        raise _unpublished(path, url, f"its SHA-384 is {other}, expected {sha384}.")
    else:
        record.write_text(f"{found}  {path.name}\n", encoding="utf-8")
    return found


def _unpublished(path: Path, url: str, reason: str) -> DownloadError:
    """Delete a file that is not the published one, and return the error that says so."""
    path.unlink()
    return DownloadError(
        f"What came from {url} is not the published file: {reason} It was deleted; try again, or fetch it by other "
        "means and give it with --checkpoint."
    )


def _sha384_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha384").hexdigest()


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
            # A connection that brought new data was useful: it does not count as a failure.
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
    """Append the missing data to `part`; raises httpx errors, also if the body ends early."""
    there = part.stat().st_size if part.is_file() else 0
    tag = _tag(tag_file, url) if there else ""
    if not tag:
        there = 0
    # A compressed response could not be resumed at a byte offset of the file.
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers |= {"Range": f"bytes={there}-", "If-Range": tag}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
            raise httpx.RemoteProtocolError("the part kept from last time does not belong to this file")
        response.raise_for_status()
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            there = 0  # the file has changed, or the server cannot resume
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
    """Return the identifier of the server's version of the file that `part` belongs to; "" if unknown."""
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

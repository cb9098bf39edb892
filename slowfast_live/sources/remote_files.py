"""Files by URL (s3://, gs://, az://, http:// ...), through fsspec. A file is copied to this machine before it is read.

A URL travels as a `Path`, like any other file: `Path("s3://bucket/clip.mp4")`. fsspec and what it needs for a scheme
(the extra `cluster`; gcsfs for gs://, adlfs for az://) are imported on first use.
"""

from __future__ import annotations

import atexit
import calendar
import email.utils
import re
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from slowfast_live.errors import SourceError, UsageError
from slowfast_live.messages import Message, system_reason
from slowfast_live.urls import display_url

_URL = re.compile(r"(?i)^([a-z][a-z0-9+.-]+):[/\\]{1,2}(.+)", re.DOTALL)
_CONNECT_S, _SILENCE_S = 10.0, 20.0
"""Seconds that a web server may take to connect, and from one piece of data to the next."""
_KEPT_COPIES = 2
"""Copies that a process keeps: of the file that is analyzed, and of the one before it."""
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "Last-Modified", "created")


def url_of(path: Path | str) -> str | None:
    """Return the URL that a path stands for; None if it is a path of this machine."""
    found = _URL.match(str(path))
    if found is None or found[1].lower() == "file":
        return None
    return f"{found[1].lower()}://{found[2]}".replace("\\", "/")


def remote_state(url: str) -> tuple[int, int]:
    """Return the size in bytes of a file by URL, and its modification time in nanoseconds (0 if it has none).

    Raises:
        OSError: It does not exist, or cannot be reached.
    """
    system, name = file_system(url)
    return _state(_guarded(url, lambda: system.info(name)))


def remote_videos(url: str, wanted: Callable[[str], bool]) -> list[tuple[str, str]]:
    """Return (URL, path relative to the folder) of the videos in a folder by URL, or of the file itself.

    Args:
        url: A folder or a file.
        wanted: Whether a file of this name counts, in a folder.

    Raises:
        UsageError: There is nothing at that URL, or it cannot be reached.
    """
    try:
        system, name = file_system(url)
        scheme = url.partition("://")[0]
        if scheme in ("http", "https") or not _guarded(url, lambda: system.isdir(name)):
            _guarded(url, lambda: system.info(name))
            return [(url, display_url(url).partition("?")[0].rstrip("/").rpartition("/")[2])]
        root = name.rstrip("/") + "/"
        names = sorted(_guarded(url, lambda: system.find(name)))
    except OSError as error:
        raise UsageError(
            Message("{path} cannot be read: {reason}.", path=display_url(url), reason=_why(url, error)), repr(error)
        ) from error
    found = [(each, each.removeprefix(root)) for each in names]
    return [
        (f"{scheme}://{each}", below)
        for each, below in found
        if wanted(each.rpartition("/")[2]) and not any(part.startswith(".") for part in below.split("/"))
    ]


def file_system(url: str) -> tuple[Any, str]:
    """Return fsspec's file system for a URL, and the URL's name in it.

    Raises:
        UsageError: fsspec, or what it needs for this scheme, is not installed.
        OSError: It cannot be reached.
    """
    try:
        import fsspec
    except ImportError as error:
        raise UsageError(
            Message("URLs need the package fsspec. Install it: pip install 'slowfast-live[cluster]'")
        ) from error
    try:
        system, name = fsspec.core.url_to_fs(url, **_limits(url))
    except ImportError as error:
        raise UsageError(Message("{name}: {reason}", name=display_url(url), reason=error), repr(error)) from error
    except ValueError as error:
        raise UsageError(
            Message("{url} is no URL of a known kind: {error}.", url=display_url(url), error=error), repr(error)
        ) from error
    return system, str(name)


def _limits(url: str) -> dict[str, Any]:
    """Return fsspec's options that keep a web server that falls silent from being waited for; {} for other kinds."""
    if not url.startswith(("http://", "https://")):
        return {}
    import aiohttp  # installed with fsspec's file system for the web

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
    return {"client_kwargs": {"timeout": timeout}}


def local_copy(path: Path) -> Path:
    """Return a file's path on this machine; a file by URL is fetched first.

    Raises:
        SourceError: It cannot be fetched.
    """
    url = url_of(path)
    return path if url is None else _copies.get(url)


class _Copies:
    """The copies of this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._known: OrderedDict[tuple[str, int, int], Path] = OrderedDict()

    def get(self, url: str) -> Path:
        with self._lock:
            try:
                key = (url, *remote_state(url))
                if key in self._known:
                    self._known.move_to_end(key)
                    return self._known[key]
                place = self._place(url, len(self._known))
                system, name = file_system(url)
                _guarded(url, lambda: system.get_file(name, str(place)))
            except OSError as error:
                raise SourceError(
                    Message("{url} cannot be fetched: {reason}.", url=display_url(url), reason=_why(url, error)),
                    repr(error),
                ) from error
            self._known[key] = place
            while len(self._known) > _KEPT_COPIES:
                shutil.rmtree(self._known.popitem(last=False)[1].parent, ignore_errors=True)
            return place

    def _place(self, url: str, number: int) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="slowfast-live-"))
            atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{number}-", dir=self._folder))
        return folder / (url.partition("?")[0].rstrip("/").rpartition("/")[2] or "video")


_copies = _Copies()


def _guarded(url: str, work: Callable[[], Any]) -> Any:
    """Do something with a remote file; whatever a library raises becomes an `OSError`."""
    try:
        return work()
    except OSError:
        raise
    except Exception as error:  # libraries of clouds have exceptions of their own
        raise OSError(0, f"{type(error).__name__}: {error}", display_url(url)) from error


def _state(info: dict[str, Any]) -> tuple[int, int]:
    size = int(info.get("size") or 0)
    for name in _TIMES:
        value = info.get(name)
        if isinstance(value, datetime):
            return size, calendar.timegm(value.utctimetuple()) * 1_000_000_000 + value.microsecond * 1000
        if isinstance(value, int | float):
            return size, int(value * 1e9)
        if isinstance(value, str) and (parsed := email.utils.parsedate_tz(value)) is not None:
            return size, email.utils.mktime_tz(parsed) * 1_000_000_000
    return size, 0


def _why(url: str, error: OSError) -> str:
    """Return the reason of an error; libraries give the address alone for what they do not find."""
    if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
        return Message("the server sent nothing for {seconds} s", seconds=f"{_SILENCE_S:g}")
    if (answer := _answer(error.__cause__)) is not None:
        return answer
    reason = system_reason(error)
    if isinstance(error, FileNotFoundError) and reason.strip("'\"") in (url, display_url(url), url.partition("://")[2]):
        return Message("nothing is found there. Check the address, and whether its server can be reached")
    return reason


def _answer(cause: BaseException | None) -> str | None:
    """Return what a web server answered instead of the file, from an exception of aiohttp; None for any other."""
    if type(cause).__name__ == "TooManyRedirects":
        return Message("the server redirects in a circle")
    if type(cause).__name__ == "ClientPayloadError":
        return Message("the server sent less than it announced. Try again")
    status = getattr(cause, "status", None)
    if not isinstance(status, int) or status in (0, 404, 410):
        return None
    error = f"{status} {getattr(cause, 'message', '')}"
    if status == 401:
        return Message(
            "the server answered with an error ({error}). Give a user name and password: http://user:password@host/...",
            error=error,
        )
    return Message("the server answered with an error ({error})", error=error)

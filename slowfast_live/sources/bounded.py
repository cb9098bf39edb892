"""Reading with a time limit, so that callers cannot hang.

FFmpeg and the operating system may block forever, for example on a pipe without a writer in a playlist, or on a
disconnected network drive. `BoundedSource` reads on another thread. The caller waits in Python, where Ctrl-C works, and
only for a limited time; a thread that does not return is abandoned.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message
from slowfast_live.sources.base import LocalSource, Picture
from slowfast_live.types import SourceInfo

log = logging.getLogger(__name__)
T = TypeVar("T")

ANSWER_S = 60.0
"""Time limit for a response: a disk may have to spin up, and a damaged part may be long."""
_CLOSE_S = 0.5


class _Call(Generic[T]):
    """A call that is made by another thread."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done: SimpleQueue[T | BaseException] = SimpleQueue()

    def make(self) -> None:
        """Make the call, and store its result or exception."""
        try:
            self._done.put(self._work())
        except BaseException as error:  # noqa: BLE001 - passed on to the waiting thread
            self._done.put(error)

    def wait(self, timeout_s: float) -> T:
        """Return the result of the call, or raise its exception.

        Raises:
            Empty: There is no result within `timeout_s`.
        """
        result = self._done.get(timeout=timeout_s)
        if isinstance(result, BaseException):
            raise result
        return result


class BoundedSource:
    """Reads a file source on its own thread; each call has a time limit.

    Args:
        source: The source to read; must not be used elsewhere.
        name: Name for messages.
        answer_s: Time limit of each call, in seconds.
    """

    def __init__(self, source: LocalSource, name: str, answer_s: float = ANSWER_S) -> None:
        self._source, self._name, self._answer_s = source, name, answer_s
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._left_behind = False

    @property
    def zero_s(self) -> float:
        """The source's own time of `Picture.t_s` 0, in seconds."""
        return self._source.zero_s

    @property
    def warning(self) -> str:
        """Problems of the source found so far; "" if there are none."""
        return self._source.warning

    def open(self) -> SourceInfo:
        """Open the source."""
        return self._call(self._source.open)

    def read(self) -> Picture | None:
        """Return the next frame, or None at the end."""
        return self._call(self._source.read)

    def seek(self, t_s: float) -> None:
        """Seek to the last frame at or before `t_s`."""
        self._call(lambda: self._source.seek(t_s))

    def close(self) -> None:
        """Release the source. A source that is still reading is closed by its own thread."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._calls.put(self._source.close)
        self._calls.put(None)
        thread.join(0 if self._left_behind else _CLOSE_S)

    def _call(self, work: Callable[[], T]) -> T:
        if self._left_behind:
            raise SourceError(Message("{name} did not answer and was given up.", name=self._name))
        if self._thread is None:
            self._calls = SimpleQueue()
            self._thread = threading.Thread(target=_serve, args=(self._calls,), name=f"read {self._name}", daemon=True)
            self._thread.start()
        call = _Call(work)
        self._calls.put(call.make)
        try:
            return call.wait(self._answer_s)
        except Empty:
            self._left_behind = True
            message = Message(
                "{name} gave no answer within {answer_s:g} s. Is its drive or network share still connected?",
                name=self._name,
                answer_s=self._answer_s,
            )
            raise SourceError(message) from None
        except KeyboardInterrupt:
            self._left_behind = True
            raise


def _serve(calls: SimpleQueue[Callable[[], object] | None]) -> None:
    while (call := calls.get()) is not None:
        call()

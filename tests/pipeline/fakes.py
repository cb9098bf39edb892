"""A source and a backend, both under a test's control."""

import queue
import threading
from collections.abc import Callable, Iterable

import numpy as np

from slowfast_live.errors import SourceError
from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.spec import Model
from slowfast_live.sources.base import Picture
from slowfast_live.types import SourceInfo, SourceKind, SourceSpec


def picture(t_s: float, value: int = 0, size: tuple[int, int] = (48, 64)) -> Picture:
    image = np.full((*size, 3), value % 256, np.uint8)
    image[:8, :8] = 255 - value % 256
    image.flags.writeable = False
    return Picture(image, t_s)


class FileFake:
    """`frames` pictures at `fps`; frame i is of grey level i."""

    warning = ""

    def __init__(self, frames: int = 300, fps: float = 30.0, error: SourceError | None = None) -> None:
        self.frames, self.fps, self.error = frames, fps, error
        self.at = 0
        self.opened = self.closed = 0

    def open(self) -> SourceInfo:
        self.opened += 1
        if self.error is not None:
            raise self.error
        return SourceInfo(64, 48, self.fps, self.frames / self.fps, seekable=True)

    def read(self) -> Picture | None:
        if self.at >= self.frames:
            return None
        self.at += 1
        return picture((self.at - 1) / self.fps, self.at - 1)

    def seek(self, t_s: float) -> None:
        self.at = min(self.frames - 1, max(0, int(t_s * self.fps + 1e-6)))

    def close(self) -> None:
        self.closed += 1


class LiveFake:
    """A camera that gives what the test puts in: a picture, an error to raise, or nothing (it blocks)."""

    warning = ""

    def __init__(self, open_errors: Iterable[SourceError | None] = ()) -> None:
        self.inbox: queue.Queue[Picture | Exception | None] = queue.Queue()
        self.open_errors = iter(open_errors)
        self.opened = self.closed = 0
        self.closed_by: list[int] = []

    def open(self) -> SourceInfo:
        self.opened += 1
        error = next(self.open_errors, None)
        if error is not None:
            raise error
        return SourceInfo(64, 48, 30.0)

    def read(self) -> Picture | None:
        item = self.inbox.get()
        if isinstance(item, Exception):
            raise item
        return item

    def seek(self, t_s: float) -> None:
        raise AssertionError("a live source is never searched")

    def close(self) -> None:
        self.closed += 1
        self.closed_by.append(threading.get_ident())


CAMERA = SourceSpec(SourceKind.CAMERA, "0", "Fake camera")
OTHER_CAMERA = SourceSpec(SourceKind.CAMERA, "1", "Other camera")
FILE = SourceSpec(SourceKind.FILE, "clip.mp4")


class FakeRequest:
    """Answers with the class whose number is the mean grey level modulo K."""

    def __init__(self, runner: "FakeRunner") -> None:
        self._runner = runner
        self._clip = np.zeros(runner.model.spec.input_shape[1:], np.uint8)

    @property
    def clip(self) -> np.ndarray:
        assert not self._runner.closed, "a closed model is used"
        return self._clip

    def start(self, done: Callable[[InferResult], None]) -> None:
        self._runner.backend.started += 1
        threading.Thread(target=self._answer, args=(done,), daemon=True).start()

    def _answer(self, done: Callable[[InferResult], None]) -> None:
        backend = self._runner.backend
        backend.gate.wait()
        if backend.infer_error is not None:
            done(InferResult(None, backend.infer_error))
            return
        probs = np.zeros(len(self._runner.model.spec.labels), np.float32)
        probs[int(self._clip[-1, 20, 20, 0]) % len(probs)] = 1
        done(InferResult(probs))


class FakeRunner:
    def __init__(self, backend: "FakeBackend", model: Model, device: str) -> None:
        self.backend, self.model, self.device = backend, model, device
        self.execution_precision = "f32"
        self.closed = False
        self.requests = (FakeRequest(self),)

    def close(self) -> None:
        assert not self.closed
        self.closed = True


class FakeBackend:
    """Compiles at once, or when the test lets it; inference waits for `gate`."""

    def __init__(self) -> None:
        self.runners: list[FakeRunner] = []
        self.compile_gate = threading.Event()
        self.compile_gate.set()
        self.gate = threading.Event()
        self.gate.set()
        self.compile_error: Exception | None = None
        self.infer_error: Exception | None = None
        self.compiled: list[tuple[str, str]] = []
        self.started = 0

    def compile(self, model: Model, device: str) -> FakeRunner:
        self.compiled.append((model.name, device))
        self.compile_gate.wait()
        if self.compile_error is not None:
            raise self.compile_error
        runner = FakeRunner(self, model, device)
        self.runners.append(runner)
        return runner

    @property
    def open_runners(self) -> int:
        return sum(not runner.closed for runner in self.runners)

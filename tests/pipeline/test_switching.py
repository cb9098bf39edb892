"""Two hundred switches in one run, on the real backend and real files: nothing may be left behind."""

import gc
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Registry
from slowfast_live.pipeline import Pipeline
from slowfast_live.sources import make_source
from slowfast_live.sources.base import FrameSource, Picture
from slowfast_live.types import PipelineState, SourceInfo, SourceKind, SourceSpec
from tests.pipeline.fakes import picture
from tests.waiting import eventually

SWITCHES = 200
WARM_UP = 60
"""Switches after which caches and allocators have settled, and growth counts as a leak."""


class TickingCamera:
    """A camera that delivers for ever."""

    warning = ""

    def open(self) -> SourceInfo:
        return SourceInfo(64, 48, 100.0)

    def read(self) -> Picture:
        time.sleep(0.005)  # the camera's own pace
        return picture(time.monotonic())

    def seek(self, t_s: float) -> None:
        raise AssertionError

    def close(self) -> None:
        pass


def make(spec: SourceSpec) -> FrameSource:
    return TickingCamera() if spec.kind is SourceKind.CAMERA else make_source(spec)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[SourceSpec]:
    import av

    folder = tmp_path_factory.mktemp("files")
    specs = []
    for name, codec, size in (("a.mp4", "libx264", (160, 120)), ("b.avi", "mpeg4", (120, 200))):
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream(codec, rate=30)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for i in range(90):
                image = np.full((size[1], size[0], 3), 2 * i, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode())
        specs.append(SourceSpec(SourceKind.FILE, str(folder / name)))
    return specs


def test_two_hundred_switches_leave_nothing_behind(files: list[SourceSpec], registry: Registry, tmp_path: Path) -> None:
    process = psutil.Process()
    camera = SourceSpec(SourceKind.CAMERA, "0", "Ticking")
    sources = [*files, camera]
    models = [registry.find(name) for name in ("tiny_trained-fp32", "tiny_short-fp32", "tiny-fp32")]
    rng = np.random.default_rng(3)
    threads_before = set(threading.enumerate())
    pipeline = Pipeline(OpenVinoBackend(tmp_path / "cache"), make)
    pipeline.use_model(models[0])
    pipeline.open(files[0])
    eventually(lambda: pipeline.status().model and pipeline.status().state is PipelineState.RUNNING)
    settled: tuple[int, int, int] | None = None
    try:
        for count in range(SWITCHES):
            kind = count % 3
            generation = pipeline.status().generation
            if kind == 0:
                spec = sources[rng.integers(len(sources))]
                pipeline.open(spec)
                eventually(lambda spec=spec: pipeline.status().source == spec and not pipeline.status().opening)
                captured = pipeline.status().frames_captured
                eventually(lambda captured=captured: pipeline.status().frames_captured > captured)
            elif kind == 1:
                model = models[rng.integers(len(models))]
                pipeline.use_model(model)
                eventually(
                    lambda generation=generation: (
                        pipeline.status().generation > generation and not pipeline.status().switching
                    )
                )
                assert pipeline.status().model == model.name
            else:
                device = "AUTO" if rng.integers(2) else "CPU"
                pipeline.use_device(device)
                eventually(
                    lambda generation=generation: (
                        pipeline.status().generation > generation and not pipeline.status().switching
                    )
                )
                assert pipeline.status().device == device
            if count == WARM_UP:
                gc.collect()
                settled = process.num_threads(), process.num_fds(), process.memory_info().rss
        assert settled is not None and not pipeline.notices()
        gc.collect()
        threads, handles, rss = settled
        # A capture or a model that was just replaced may still be on its way out.
        eventually(lambda: process.num_threads() <= threads + 4, f"threads back to {threads}")
        assert process.num_fds() <= handles + 4
        assert process.memory_info().rss - rss < 60e6, "memory keeps growing"
    finally:
        pipeline.stop()
    eventually(
        lambda: {t for t in set(threading.enumerate()) - threads_before if t.name != "ThreadPoolExecutor-0_0"} == set()
    )
    assert pipeline.status().state is PipelineState.IDLE

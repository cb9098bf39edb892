"""A real sender on 127.0.0.1 that is killed, and comes back."""

import shutil
import socket
import subprocess

import pytest

from slowfast_live.inference.spec import Model
from slowfast_live.pipeline import Pipeline
from slowfast_live.sources import make_source, parse_source
from slowfast_live.types import Level, PipelineState
from tests.pipeline.fakes import FakeBackend
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the ffmpeg command sends the stream")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def send(port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *("ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=30"),
            *("-c:v", "mpeg2video", "-g", "10", "-f", "mpegts", f"tcp://127.0.0.1:{port}?listen=1"),
        ],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.timeout(180)
def test_a_stream_that_dies_comes_back_by_itself(tiny: Model) -> None:
    port = free_port()
    pipeline = Pipeline(FakeBackend(), make_source)
    sender = send(port)
    try:
        pipeline.use_model(tiny)

        # Until the sender listens, opening fails at once: that is a notice, and the user tries again.
        def opened() -> bool:
            if pipeline.status().state is not PipelineState.RUNNING and not pipeline.status().opening:
                pipeline.open(parse_source(f"tcp://127.0.0.1:{port}"))
            return pipeline.status().state is PipelineState.RUNNING

        eventually(opened, "the stream is open", 60)
        eventually(lambda: pipeline.status().coverage >= 1, "the span is covered", 60)
        pipeline.notices()
        generation = pipeline.status().generation

        sender.kill()
        sender.wait()
        eventually(lambda: pipeline.status().reconnect_attempt >= 2, "it is retried", 60)
        assert pipeline.status().state is PipelineState.RUNNING and pipeline.status().coverage < 1
        notices = pipeline.notices()
        assert [n.level for n in notices] == [Level.WARNING] and f"127.0.0.1:{port}" in notices[0].message

        sender = send(port)
        captured = pipeline.status().frames_captured
        eventually(lambda: pipeline.status().frames_captured > captured + 10, "it is back", 90)
        assert pipeline.status().reconnect_attempt == 0 and pipeline.status().generation > generation
        eventually(lambda: pipeline.prediction() is not None, "and is recognised again", 60)
    finally:
        sender.kill()
        sender.wait()
        pipeline.stop()

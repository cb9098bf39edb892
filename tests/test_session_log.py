import json
from pathlib import Path

import numpy as np
import pytest

from slowfast_live.errors import UsageError
from slowfast_live.session_log import SessionLog, Summary
from slowfast_live.types import Prediction, Readout, ReadoutState
from tests.stepped_clock import SteppedClock

PREDICTION = Prediction(
    probs=np.array([0.7, 0.3], np.float32),
    top=(("jumping jacks", 0.7), ("squat", 0.3)),
    t_end_s=2.5,
    latency_ms=40.0,
    infer_ms=30.0,
    model="tiny",
    device="CPU",
    generation=1,
)
SUMMARY = Summary(60, 59, 1, 2, 10.0, 30.0, 29.5, 40.0, 41.0, 3.0, 8.0, 2.0, 6.0, 100.0, 101.0, "closed")


def test_lines_are_as_documented(tmp_path: Path) -> None:
    clock = SteppedClock()
    log = SessionLog(tmp_path / "log.jsonl", clock)
    clock.step(1.0)
    log.prediction(PREDICTION, Readout(ReadoutState.ACTION, "jumping jacks", 0.66))
    clock.step(0.1)
    log.prediction(PREDICTION, Readout(ReadoutState.NO_CONFIDENT_ACTION, None, 0.2))
    assert log.predictions_per_s == pytest.approx(10.0) and log.elapsed_s == pytest.approx(1.1)
    log.close(SUMMARY)
    log.close(SUMMARY)
    first, second, last = (json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines())
    assert first == {
        "type": "prediction",
        "t_video_s": 2.5,
        "t_wall_s": 1.0,
        "latency_ms": 40.0,
        "infer_ms": 30.0,
        "label": "jumping jacks",
        "score": 0.66,
        "top": [["jumping jacks", 0.7], ["squat", 0.3]],
        "model": "tiny",
        "device": "CPU",
    }
    assert second["label"] is None
    assert last["type"] == "summary" and last["exit_reason"] == "closed" and len(last) == 20


def test_what_is_no_session_log_stays(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for content in (b"notes", b'{"type": "prediction"}\n', b"\xff\x00" * 9, b'{"type": "summary", "mine": 1}\n'):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"log\.jsonl exists and was not written by this program.*another file"):
            SessionLog(path)
        assert path.read_bytes() == content
    path.write_bytes(b"")
    for _ in range(2):  # an empty file, then an earlier log, with a summary alone
        SessionLog(path).close(SUMMARY)
    log = SessionLog(path)
    log.prediction(PREDICTION, Readout(ReadoutState.ACTION, "squat", 0.5))
    log.close(SUMMARY)
    SessionLog(path).close(SUMMARY)
    assert len(path.read_bytes().splitlines()) == 1


def test_a_folder_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        SessionLog(tmp_path)


def test_a_full_disk_ends_the_log_and_not_the_app(caplog: pytest.LogCaptureFixture) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    log = SessionLog(Path("/dev/full"))
    log.prediction(PREDICTION, Readout(ReadoutState.ACTION, "squat", 0.5))
    log.prediction(PREDICTION, Readout(ReadoutState.ACTION, "squat", 0.5))
    log.close(SUMMARY)
    assert caplog.text.count("cannot be written any further") == 1

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from slowfast_live.errors import ModelError, UsageError
from slowfast_live.people.detector import NetworkDetector, make_detector
from slowfast_live.people.now import AUTOMATIC
from slowfast_live.people.spec import DetectorModel, find_detector, find_detectors, load_detector
from slowfast_live.tools.convert import cli
from slowfast_live.tools.convert.detector_catalogue import DETECTORS, NAMES, DetectorEntry, PublishedFile, split_names
from slowfast_live.tools.convert.detectors import DetectorRequest, build_detector
from slowfast_live.tools.convert.download import DownloadError, Patience
from slowfast_live.tools.convert.progress import BuildJsonReporter

from .server import Behaviour, serving

HASTY = Patience(connect_s=5, read_s=5, attempts=2, pause_s=0)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def ssd(path: Path, score: float = 0.9) -> Path:
    """Write an SSD that always sees one person, but more surely the brighter the picture: (1, 1, 2, 7)."""
    picture = ops.parameter([1, 3, 32, 48], ov.Type.f32, "data")
    brightness = ops.divide(ops.reduce_mean(picture, np.array([0, 1, 2, 3]), False), np.float32(255 / score))
    row = np.array([[[[0, 1, 0, 0.25, 0.1, 0.5, 0.9], [-1, 0, 0, 0, 0, 0, 0]]]], np.float32)
    where = np.zeros_like(row)
    where[0, 0, 0, 2] = 1
    out = ops.add(ops.constant(row), ops.multiply(ops.constant(where), brightness))
    ov.save_model(ov.Model([out], [picture], "ssd"), path, compress_to_fp16=False)
    return path


def test_the_published_detectors_are_offered_by_name() -> None:
    assert NAMES["person_detector"] == "yolox_nano"
    assert {"yolox_nano", "yolox_tiny", "person_detection_0202", "person_detection_0203"} <= DETECTORS.keys()
    assert split_names(["x3d_s", "person_detector"]) == (["x3d_s"], ["person_detector"])


def test_an_own_file_becomes_a_detector_that_runs(tmp_path: Path) -> None:
    source = ssd(tmp_path / "mine.xml")
    reporter = BuildJsonReporter()
    request = DetectorRequest("person_detector", tmp_path / "models", checkpoint=source)
    folder = build_detector(request, reporter)
    assert folder.name == "person_detector-mine"
    spec = load_detector(folder)
    assert (spec.format, spec.height, spec.width, spec.person) == ("ssd", 32, 48, None)
    detector = NetworkDetector(DetectorModel(folder, spec), cache_dir=tmp_path / "cache")
    found = detector.detect(np.full((90, 160, 3), 255, np.uint8), 0.0)
    assert found.boxes.tolist() == [pytest.approx([0.25, 0.1, 0.5, 0.9], abs=1e-3)]
    assert found.scores.tolist() == [pytest.approx(0.9, abs=1e-3)]
    assert len(detector.detect(np.zeros((90, 160, 3), np.uint8), 0.0)) == 0
    before = (folder / "detector.xml").stat().st_mtime_ns
    assert build_detector(request, reporter) == folder
    assert (folder / "detector.xml").stat().st_mtime_ns == before, "what is up to date is not built again"
    assert [d.name for d in find_detectors([tmp_path / "models"])[0]] == ["person_detector-mine"]


@pytest.mark.parametrize("wrong", ["", "checksum", "size", "missing"])
def test_a_published_file_is_fetched_and_checked(tmp_path: Path, wrong: str) -> None:
    content = ssd(tmp_path / "zoo.xml").read_bytes()
    weights = (tmp_path / "zoo.bin").read_bytes()
    xml, weights_server = Behaviour(content, status=404 if wrong == "missing" else 0), Behaviour(weights)
    with serving(xml) as one, serving(weights_server) as two:
        files = (
            PublishedFile(f"{one}/zoo.xml", "0" * 8 if wrong == "checksum" else hashlib.sha256(content).hexdigest()),
            PublishedFile(f"{two}/zoo.bin", size=len(weights) + (wrong == "size")),
        )
        entry = DetectorEntry("zoo", "Zoo", files, 0.6, 0.3)
        request = DetectorRequest(
            "zoo", tmp_path / "models", cache=tmp_path / "cache", patience=HASTY, entries={"zoo": entry}
        )
        if wrong:
            with pytest.raises(DownloadError, match=r"not the published file|404"):
                build_detector(request, BuildJsonReporter())
            assert not request.folder.exists()
            return
        folder = build_detector(request, BuildJsonReporter())
    spec = load_detector(folder)
    assert (spec.title, spec.found, spec.kept, spec.licence) == ("Zoo", 0.6, 0.3, "Apache-2.0")
    assert spec.origin["url"].endswith("/zoo.xml")


def test_what_is_no_detector_is_said(tmp_path: Path) -> None:
    picture = ops.parameter([1, 3, 32, 48], ov.Type.f32, "data")
    path = tmp_path / "classifier.xml"
    ov.save_model(ov.Model([ops.reduce_mean(picture, np.array([2, 3]), False)], [picture], "c"), path)
    with pytest.raises(ModelError, match=r"classifier\.xml is not a person detector.*YOLOX"):
        build_detector(DetectorRequest("person_detector", tmp_path, checkpoint=path), BuildJsonReporter())
    assert not list(tmp_path.glob("person_detector*"))


def test_a_folder_of_the_user_is_left_alone(tmp_path: Path) -> None:
    source = ssd(tmp_path / "mine.xml")
    target = tmp_path / "models" / "person_detector-mine"
    target.mkdir(parents=True)
    (target / "diary.txt").write_text("mine")
    with pytest.raises(UsageError, match="was not built by this program"):
        build_detector(DetectorRequest("person_detector", tmp_path / "models", checkpoint=source), BuildJsonReporter())
    assert (target / "diary.txt").read_text() == "mine"


def test_the_command_builds_detectors_and_refuses_what_does_not_apply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ssd(tmp_path / "mine.xml")
    words = ["person_detector", "--checkpoint", str(source), "--output", str(tmp_path / "models")]
    assert cli.main([*words, "--name", "lobby"]) == 0
    assert (tmp_path / "models" / "lobby" / "detector.json").is_file()
    assert cli.main([*words, "--classes", "3"]) == 2
    assert "--classes does not apply to a person detector" in capsys.readouterr().err


def test_without_any_detector_regions_that_move_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tmp_path))
    monkeypatch.setattr("slowfast_live.paths.model_folders", lambda: (tmp_path,))
    assert make_detector(AUTOMATIC).title == "Motion"
    with pytest.raises(ModelError, match="There is no person detector 'x'"):
        find_detector("x")

"""Inputs and results by URL, against a real S3 server on 127.0.0.1."""

from __future__ import annotations

import functools
import http.server
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra `cluster`)")
pytest.importorskip("s3fs", reason="s3fs is not installed (extra `cluster`)")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed (extra `dev`)")

from slowfast_live import cli
from slowfast_live.analysis import command
from slowfast_live.export.findings import decode
from slowfast_live.sources import remote_files
from slowfast_live.sources.remote_files import url_of
from tests.analysis.fakes import PlainRunner, write_clip
from tests.sources.web_server import WebServer


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket that the environment points to."""
    for name, value in (
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    system.mkdir("films")
    yield "s3://films"
    system.rm("films", recursive=True)
    type(system).clear_instance_cache()


@pytest.fixture(autouse=True)
def at_hand(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    monkeypatch.setattr(command, "_compile", lambda model, _device, _notify: PlainRunner(model))


def analyze(*words: object) -> int:
    return cli.main(["analyze", "--model", "tiny_short-fp32", "--stride", "0.25", *map(str, words)])


def put(bucket: str, name: str, path: Path) -> None:
    system, root = fsspec.core.url_to_fs(bucket)
    system.put_file(str(path), f"{root}/{name}")


def test_from_s3_to_s3(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "a.mp4", [(2, 28), (2, 130)], (32, 24))
    put(bucket, "in/a.mp4", clip)
    put(bucket, "in/sub/b.mp4", clip)
    put(bucket, "in/notes.txt", clip)
    words = (f"{bucket}/in", "--out", f"{bucket}/out", "--format", "csv,parquet")
    assert analyze(*words) == 0
    assert f"Report: {bucket}/out/report.html" in capsys.readouterr().out
    system, root = fsspec.core.url_to_fs(f"{bucket}/out")
    names = {name.removeprefix(f"{root}/") for name in system.find(root)}
    assert {"a.json", "a.events.csv", "a.events.parquet", "sub/b.predictions.parquet", "report.html"} <= names
    assert ".slowfast-live/files.jsonl" in names and not any("lock" in name for name in names)
    found = decode(system.cat_file(f"{root}/a.json"), "a.json")
    assert found.source.path == f"{bucket}/in/a.mp4" and found.source.size_bytes == clip.stat().st_size
    assert analyze(clip, "--out", tmp_path / "here") == 0
    here = decode((tmp_path / "here" / "a.json").read_bytes(), "a.json")
    assert found.events == here.events and found.predictions == here.predictions and found.events
    capsys.readouterr()
    monkeypatch.setenv("SLOWFAST_LIVE_CACHE", str(tmp_path / "another machine"))
    assert analyze(*words) == 0
    assert "2 analyzed (2 of them earlier)" in capsys.readouterr().out


def test_files_of_others_are_kept(bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path / "a.mp4", [(2, 28)], (32, 24))
    system, root = fsspec.core.url_to_fs(f"{bucket}/out")
    system.pipe_file(f"{root}/a.json", b"mine")
    assert analyze(clip, "--out", f"{bucket}/out") == 0
    assert system.cat_file(f"{root}/a.json") == b"mine"
    assert "because a.* is there and is kept" in capsys.readouterr().out


def test_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    clip = write_clip(tmp_path / "a.mp4", [(2, 28), (2, 130)], (32, 24))
    assert analyze(clip, "--out", tmp_path / "out", "--format", "parquet") == 0
    found = decode((tmp_path / "out" / "a.json").read_bytes(), "a.json")
    events = parquet.read_table(tmp_path / "out" / "a.events.parquet").to_pylist()
    assert [(row["label"], row["begin_s"], row["source"]) for row in events] == [
        (event.label, event.begin_s, "a.mp4") for event in found.events
    ]
    data = (tmp_path / "out" / "a.predictions.parquet").read_bytes()
    rows = parquet.read_table(io.BytesIO(data)).to_pylist()
    assert len(rows) == len(found.predictions) and rows[3]["top"] == [label for label, _ in found.predictions[3].top]


def test_a_file_on_a_web_server(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    write_clip(tmp_path / "in" / "a.mp4", [(2, 28)], (32, 24))
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=str(tmp_path / "in"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a.mp4"
        assert analyze(url, "--out", tmp_path / "out") == 0
        server.shutdown()
    assert decode((tmp_path / "out" / "a.json").read_bytes(), "a").source.path == url


def _redirect(page: Any) -> None:
    page.begin(302, Location="/circle.mp4", Content_Length=0, Connection="close")


def _silent(page: Any) -> None:
    page.begin(Content_Length=9999)
    page.wfile.write(b"begins")
    page.wfile.flush()
    page.server.over.wait()


def _short(page: Any) -> None:
    page.begin(Content_Length=9999)
    page.wfile.write(b"begins")


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (lambda page: page.begin(500, Content_Length=0), "answered with an error (500 Internal Server Error)"),
        (lambda page: page.begin(401, Content_Length=0), "answered with an error (401 Unauthorized). Give a user name"),
        (lambda page: page.begin(404, Content_Length=0), "nothing is found there"),
        (lambda page: page.server.over.wait(), "sent nothing for 0.5 s"),
        (_redirect, "redirects in a circle"),
        (_silent, "sent nothing for 0.5 s"),
        (_short, "sent less than it announced"),
    ],
    ids=["500", "401", "404", "stalls", "circle", "falls silent", "too short"],
)
def test_what_a_web_server_answers_is_said_in_bounded_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, page: Any, said: str
) -> None:
    monkeypatch.setattr(remote_files, "_SILENCE_S", 0.5)
    server = WebServer()
    server.pages["/circle.mp4"] = page
    try:
        assert cli.main(["analyze", f"{server.address}/circle.mp4", "--out", str(tmp_path)]) in (1, 2)
    finally:
        server.stop()
    told = capsys.readouterr()
    assert said in told.out + told.err


def test_mistakes(bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, expected in (
        ((f"{bucket}/nowhere",), f"{bucket}/nowhere cannot be read"),
        (("nonsense://x/y",), "no URL of a known kind"),
        (("rtsp://x/y",), "is the address of a stream"),
    ):
        try:
            code: Any = analyze(*words, "--out", tmp_path / "out")
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr().err
        assert code == 2 and expected in said, said


def test_a_server_that_is_not_there_is_said_without_an_address_in_place_of_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("aiohttp")
    assert cli.main(["analyze", "http://127.0.0.1:1/a.mp4", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("127.0.0.1") == 1 and "nothing is found there" in said


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://b/k.mp4", "s3://b/k.mp4"),
        ("http://h:1/a.mp4?x=1", "http://h:1/a.mp4?x=1"),
        ("C:/films/a.mp4", None),
        ("/a/b.mp4", None),
        ("file:///a", None),
        ("a:b.mp4", None),
    ],
)
def test_what_is_a_url(text: str, url: str | None) -> None:
    assert url_of(Path(text)) == url

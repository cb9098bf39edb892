from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from slowfast_live.tools.convert.cache import cached_path
from slowfast_live.tools.convert.download import DownloadError, Patience, fetch

from .server import Behaviour, serving

CONTENT = bytes(range(256)) * 4096
DIGEST = hashlib.sha256(CONTENT).hexdigest()
HASTY = Patience(connect_s=5, read_s=5, attempts=3, pause_s=0)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_the_file_is_fetched_once_and_its_checksum_recorded(tmp_path: Path) -> None:
    behavior, seen = Behaviour(CONTENT), []
    with serving(behavior) as address:
        url = f"{address}/zoo/model.pyth"
        path, digest = fetch(url, cache=tmp_path, progress=lambda there, total: seen.append((there, total)))
        again, _ = fetch(url, cache=tmp_path)
    assert path == again == tmp_path / "model.pyth" == cached_path(url, tmp_path)
    assert path.read_bytes() == CONTENT and digest == DIGEST
    assert (tmp_path / "model.pyth.sha256").read_text() == f"{DIGEST}  model.pyth\n"
    assert len(behavior.requests) == 1
    assert seen[0] == (0, len(CONTENT)) and seen[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.pyth", "model.pyth.sha256"]


def test_a_cut_connection_goes_on_where_it_stopped(tmp_path: Path) -> None:
    behavior = Behaviour(CONTENT, cut_after=[300_000, 300_000])
    with serving(behavior) as address:
        path, _ = fetch(f"{address}/a.pyth", cache=tmp_path, patience=HASTY)
    assert path.read_bytes() == CONTENT
    assert [r.get("Range") for r in behavior.requests] == [None, "bytes=300000-", "bytes=600000-"]


def test_a_download_given_up_is_continued_by_the_next_run(tmp_path: Path) -> None:
    behavior = Behaviour(CONTENT, cut_after=[500_000, 0, 0])
    with serving(behavior) as address:
        url = f"{address}/a.pyth"
        with pytest.raises(DownloadError, match=r"cannot be downloaded.*put it at .*a\.pyth.*--checkpoint"):
            fetch(url, cache=tmp_path, patience=Patience(5, 5, attempts=2, pause_s=0))
        assert not (tmp_path / "a.pyth").exists()
        path, _ = fetch(url, cache=tmp_path, patience=HASTY)
    assert path.read_bytes() == CONTENT
    assert behavior.requests[-1]["Range"] == "bytes=500000-"


@pytest.mark.parametrize("change", ["file", "server"])
def test_a_part_that_cannot_be_continued_is_fetched_anew(tmp_path: Path, change: str) -> None:
    behavior = Behaviour(CONTENT[::-1] if change == "file" else CONTENT, cut_after=[400_000, 0])
    with serving(behavior) as address:
        url = f"{address}/a.pyth"
        with pytest.raises(DownloadError):
            fetch(url, cache=tmp_path, patience=Patience(5, 5, attempts=2, pause_s=0))
        if change == "file":
            behavior.content, behavior.etag = CONTENT, '"two"'
        else:
            behavior.ranges = False
        path, _ = fetch(url, cache=tmp_path, patience=HASTY)
    assert path.read_bytes() == CONTENT


def test_a_missing_file_is_one_clear_error_at_once(tmp_path: Path) -> None:
    behavior = Behaviour(status=404)
    with serving(behavior) as address, pytest.raises(DownloadError) as caught:
        fetch(f"{address}/zoo/gone.pyth", cache=tmp_path, patience=HASTY)
    assert len(behavior.requests) == 1
    for part in (f"{address}/zoo/gone.pyth", "404", str(tmp_path / "gone.pyth"), "--checkpoint"):
        assert part in caught.value.message


def test_a_server_in_trouble_is_asked_again(tmp_path: Path) -> None:
    behavior = Behaviour(status=503)
    with serving(behavior) as address, pytest.raises(DownloadError, match="503"):
        fetch(f"{address}/a.pyth", cache=tmp_path, patience=HASTY)
    assert len(behavior.requests) == HASTY.attempts


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    behavior = Behaviour(CONTENT, silent=True)
    slow = Patience(connect_s=5, read_s=0.2, attempts=2, pause_s=0)
    with serving(behavior) as address, pytest.raises(DownloadError, match="did not answer in time"):
        fetch(f"{address}/a.pyth", cache=tmp_path, patience=slow)
    assert len(behavior.requests) == 2


def test_offline_is_one_clear_error(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DownloadError, match=r"there is no connection.*--checkpoint"):
        fetch(f"http://127.0.0.1:{port}/a.pyth", cache=tmp_path, patience=HASTY)


def test_a_file_that_changed_since_its_download_is_refused(tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT)) as address:
        url = f"{address}/a.pyth"
        path, _ = fetch(url, cache=tmp_path)
        path.write_bytes(CONTENT[:-1] + b"!")
        with pytest.raises(DownloadError, match="has changed since it was downloaded") as caught:
            fetch(url, cache=tmp_path)
    assert DIGEST in caught.value.message and str(path) in caught.value.message


def test_a_file_that_is_not_the_published_one_is_refused_and_removed(tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT)) as address:
        url = f"{address}/a.pyth"
        with pytest.raises(DownloadError, match="is not the published file"):
            fetch(url, cache=tmp_path, sha256_prefix="0" * 8)
        assert not (tmp_path / "a.pyth").exists()
        assert fetch(url, cache=tmp_path, sha256_prefix=DIGEST[:8])[1] == DIGEST


def test_the_proxy_of_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    behavior = Behaviour(CONTENT)
    with serving(behavior) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        path, _ = fetch("http://checkpoints.invalid/a.pyth", cache=tmp_path, patience=HASTY)
    assert path.read_bytes() == CONTENT
    assert behavior.requests[0]["Host"] == "checkpoints.invalid"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that cannot be written")
def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch("http://127.0.0.1:9/a.pyth", cache=tmp_path / "cache", patience=HASTY)

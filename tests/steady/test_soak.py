"""A short soak of the real window, and what makes a verdict bad."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slowfast_live.tools.soak.checks import Sample, holds, judge, slope

GOOD = [
    Sample(30.0 * i, 300.0 + (i % 3), 20, 15, 900 * i, 880 * i, 20 * i, 90 * i, 30.0, 20.0, 40 * i, home=i in (2, 20))
    for i in range(21)
]


def verdict(
    samples: list[Sample], faults: tuple[str, ...] = (), left: tuple[str, ...] = (), *, ended: bool = True
) -> bool:
    return holds(judge(samples, faults, left, ended))


def test_a_run_in_which_nothing_grows_is_good() -> None:
    assert verdict(GOOD)


def test_what_grows_leaks_or_fails_is_bad() -> None:
    assert not verdict([replace(s, rss_mb=s.rss_mb + 4 * s.t_s / 60) for s in GOOD]), "memory"
    assert not verdict([*GOOD[:-1], replace(GOOD[-1], threads=25)]), "threads"
    assert not verdict([*GOOD[:-1], replace(GOOD[-1], handles=20)]), "handles"
    assert not verdict([*GOOD[:-1], replace(GOOD[-1], longest_work_ms=400.0)]), "the window"
    assert not verdict([replace(s, predictions=0) for s in GOOD]), "predictions"
    assert not verdict(GOOD, faults=("told: it broke",))
    assert not verdict(GOOD, left=("capture clip.mp4",))
    assert not verdict(GOOD, ended=False)
    assert not verdict([]), "nothing measured is nothing proven"


def test_the_warm_up_and_a_larger_model_for_a_while_are_no_growth() -> None:
    assert verdict([replace(s, rss_mb=100.0 * i) if i < 2 else s for i, s in enumerate(GOOD)])
    assert verdict([replace(s, rss_mb=900.0) if 8 <= i < 13 else s for i, s in enumerate(GOOD)])


def test_slope() -> None:
    assert slope([], []) == slope([1.0], [5.0]) == 0
    assert slope([0, 1, 2, 3], [1, 3, 5, 7]) == pytest.approx(2)
    assert slope([0, 1, 2, 3, 4], [0, 2, 900, 6, 8]) == pytest.approx(2)
    assert slope([1, 1], [0, 5]) == 0


@pytest.mark.timeout(420)
def test_a_short_soak_of_the_real_window(tiny_models: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "slowfast_live", "soak", "--minutes", "2", "--seed", "3", "--every", "1"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "SLOWFAST_LIVE_MODELS": str(tiny_models)}
    command += ["--report", str(tmp_path / "soak.json")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)
    report = json.loads((tmp_path / "soak.json").read_text())
    samples, findings = report["samples"], {finding["what"]: finding for finding in report["verdict"]}
    assert [sample["home"] for sample in samples].count(True) == 2
    assert samples[-1]["acts"] > 5 and samples[-1]["shown"] > 30
    # How long a turn takes is the machine's business here; that nothing is left behind or breaks is the app's.
    for what in ("threads, same state", "handles, same state", "errors", "threads left behind", "came back and closed"):
        assert findings[what]["good"], f"{what}: {findings[what]['measured']}\n{result.stdout}\n{result.stderr}"
    assert result.returncode == (0 if report["holds"] else 1)


def test_a_report_that_cannot_be_written_is_told_before_the_soak(
    tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from slowfast_live.cli import main

    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    assert main(["soak", "--minutes", "60", "--report", str(tmp_path / "nowhere/soak.json")]) == 2
    assert "--report" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["soak.json", "soak.csv"])
def test_what_is_no_report_of_a_soak_stays(
    name: str, tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from slowfast_live.cli import main

    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    (tmp_path / name).write_bytes(b"mine,yours")
    assert main(["soak", "--minutes", "60", "--report", str(tmp_path / name)]) == 2
    assert "exists and was not written by this program" in capsys.readouterr().err
    assert (tmp_path / name).read_bytes() == b"mine,yours"

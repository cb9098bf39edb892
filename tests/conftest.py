"""Shared by all tests: no screen, no user folders touched, and the small untrained model."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("SLOWFAST_LIVE_LANGUAGE", "en")  # that of a developer must not decide what tests read

from slowfast_live.inference.spec import Model, Registry
from tests.tiny_model import write_tiny_model

# A shell starts background jobs with SIGINT ignored, and programs inherit that: tests that send one to a program of
# their own would wait forever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no failure. CI tries the same examples each time; a developer's machine looks for new ones.
settings.register_profile(
    "untimed",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("untimed")

SHARED_DATA = Path(__file__).resolve().parents[1] / "../shared/data"


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has settings, cache and data folders of its own."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_PICTURES_DIR"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SLOWFAST_LIVE_MODELS", raising=False)
    return home


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small two-pathway models with fixed random weights, marked untrained or (for tests) trained."""
    root = tmp_path_factory.mktemp("models")
    write_tiny_model(root / "tiny-fp32", trained=False)
    write_tiny_model(root / "tiny_trained-fp32", trained=True, seed=1)
    write_tiny_model(root / "tiny_short-fp32", trained=True, seed=2, frames=16, stride=2, side=48)
    return root


@pytest.fixture
def registry(tiny_models: Path) -> Registry:
    return Registry([tiny_models])


@pytest.fixture
def tiny(registry: Registry) -> Model:
    return registry.find("tiny_trained-fp32")


@pytest.fixture(scope="session")
def clips() -> Iterator[Path]:
    """Real clips beside the repository; tests that want them skip where they are not."""
    folder = SHARED_DATA / "clips"
    if not folder.is_dir():
        pytest.skip(f"real clips are not at {folder.name}/ beside the repository")
    yield folder.resolve()

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("grpc", reason="grpcio is not installed (extra `remote`)")

from slowfast_live.inference.openvino_backend import input_name
from slowfast_live.inference.remote.repository import export_to_server
from slowfast_live.inference.spec import Model, Registry
from tests.inference.remote.kserve_server import KServeServer


@pytest.fixture(scope="session")
def repository(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny models as a server loads them."""
    folder = tmp_path_factory.mktemp("repository")
    for model in Registry([tiny_models]).scan()[0]:
        export_to_server(model, folder, input_name(model))
    return folder


@pytest.fixture
def serve(repository: Path) -> Iterator[Callable[..., KServeServer]]:
    """Start servers; all of them end with the test."""
    started: list[KServeServer] = []

    def start(folder: Path = repository, **options: Any) -> KServeServer:
        started.append(KServeServer(folder, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def short(registry: Registry) -> Model:
    return registry.find("tiny_short-fp32")

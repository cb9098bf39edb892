"""A model on an inference server, against a real one on 127.0.0.1 with OpenVINO inside."""

import queue
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import pytest

from slowfast_live.errors import DeviceError, ModelError, UsageError
from slowfast_live.inference import spec as specs
from slowfast_live.inference.backend import CompiledModel, InferResult
from slowfast_live.inference.device_backend import DeviceBackend, devices_with_servers, probed, substituted
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.remote import client as client_module
from slowfast_live.inference.remote import failover
from slowfast_live.inference.remote.address import names_server, parse_address
from slowfast_live.inference.remote.client import InferenceClient, ServerLostError
from slowfast_live.inference.spec import Model
from slowfast_live.types import Level, Notice
from tests.inference.remote.kserve_server import KServeServer

Serve = Callable[..., KServeServer]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost server is tried again soon."""
    monkeypatch.setattr(failover.FailoverModel.__init__, "__defaults__", ((0.05,),))
    monkeypatch.setattr(client_module, "RETRY_AFTER_S", (0.01, 0.05))


def clip(model: Model, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 200, model.spec.input_shape[1:], np.uint8)


def answer(runner: CompiledModel, image: np.ndarray, request: int = 0) -> InferResult:
    outcomes: queue.SimpleQueue[InferResult] = queue.SimpleQueue()
    runner.requests[request].clip[:] = image
    runner.requests[request].start(outcomes.put)
    return outcomes.get(timeout=60)


class Told:
    """Keeps notices, and waits for one."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self._changed = threading.Condition()

    def __call__(self, notice: Notice) -> None:
        with self._changed:
            self.notices.append(notice)
            self._changed.notify_all()

    def wait(self, words: str) -> Notice:
        with self._changed:
            assert self._changed.wait_for(lambda: any(words in n.message for n in self.notices), 60), self.notices
            return next(notice for notice in self.notices if words in notice.message)


@pytest.mark.parametrize(("triton", "raw"), [(True, True), (False, False)], ids=["triton", "plain"])
def test_it_answers_as_this_machine_does(serve: Serve, short: Model, triton: bool, raw: bool) -> None:
    server = serve(triton=triton)
    server.raw = raw
    runner = DeviceBackend(OpenVinoBackend()).compile(short, server.address)
    here = OpenVinoBackend().compile(short, "CPU")
    assert runner.device == server.address and len(runner.requests) > 1
    for seed in range(3):
        image = clip(short, seed)
        remote, local = answer(runner, image, seed % 2), answer(here, image)
        assert remote.error is None and np.abs(remote.probs - local.probs).max() < 1e-6
    assert server.asked >= 4 and substituted(runner) == 0
    runner.close()
    here.close()


def test_the_model_may_have_another_name_there(serve: Serve, short: Model, repository: Path, tmp_path: Path) -> None:
    shutil.copytree(repository / short.name, tmp_path / "mine")
    server = serve(tmp_path, triton=False)
    runner = DeviceBackend(OpenVinoBackend()).compile(short, f"{server.address}/mine")
    assert answer(runner, clip(short)).error is None and runner.device.endswith("/mine")
    runner.close()


def test_tls(serve: Serve, short: Model, tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    key, chain = certificate.private_key_pem.bytes(), b"".join(c.bytes() for c in certificate.cert_chain_pems)
    server = serve(tls=(key, chain))
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    address = f"grpcs://localhost:{server.port}"
    runner = DeviceBackend(OpenVinoBackend(), wait_for_lost=False).compile(short, f"{address}?ca={tmp_path}/ca.pem")
    assert answer(runner, clip(short)).error is None and server.asked
    runner.close()
    with pytest.raises(ServerLostError, match="does not answer"):  # whose certificate nobody here trusts
        DeviceBackend(OpenVinoBackend(), wait_for_lost=False).compile(short, address)
    with pytest.raises(DeviceError, match=r"gone\.pem cannot be read"):
        InferenceClient(parse_address(f"{address}?ca={tmp_path}/gone.pem"))


def test_a_server_that_dies_is_replaced_and_taken_back(serve: Serve, short: Model) -> None:
    told, server = Told(), serve()
    here = OpenVinoBackend().compile(short, "CPU")
    runner = DeviceBackend(OpenVinoBackend(), told).compile(short, server.address)
    image = clip(short)
    expected = answer(here, image).probs
    assert np.abs(answer(runner, image).probs - expected).max() < 1e-6
    server.close()
    assert np.abs(answer(runner, image).probs - expected).max() < 1e-6
    lost = told.wait("takes over")
    assert lost.level is Level.WARNING and server.address in lost.message and "CPU" in lost.message
    assert runner.device == "CPU" and substituted(runner) == 1
    again = serve(port=server.port)
    told.wait("answers again")
    asked = again.asked
    assert answer(runner, image).error is None and runner.device == server.address and again.asked == asked + 1
    runner.close()
    here.close()


def test_a_server_that_hangs_is_replaced(serve: Serve, short: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    told, server = Told(), serve()
    runner = DeviceBackend(OpenVinoBackend(), told).compile(short, server.address)
    runner._client._answer_within_s = 0.2
    server.hold.clear()
    assert answer(runner, clip(short)).error is None
    assert "took too long" in told.wait("takes over").message
    runner.close()


def test_a_busy_server_is_asked_again(serve: Serve, short: Model) -> None:
    server = serve()
    runner = DeviceBackend(OpenVinoBackend()).compile(short, server.address)
    asked = server.asked
    server.refuse = grpc.StatusCode.UNAVAILABLE
    timer = threading.Timer(0.03, lambda: setattr(server, "refuse", None))
    timer.start()
    answer(runner, clip(short))
    timer.join()
    assert server.asked >= asked + 2
    runner.close()


def test_one_that_cannot_be_reached_at_the_start(serve: Serve, short: Model) -> None:
    told, server = Told(), serve()
    server.close()
    with pytest.raises(ServerLostError, match=f"{server.address} does not answer"):
        DeviceBackend(OpenVinoBackend(), wait_for_lost=False).compile(short, server.address)
    runner = DeviceBackend(OpenVinoBackend(), told).compile(short, server.address)
    assert runner.device == "CPU" and answer(runner, clip(short)).error is None
    serve(port=server.port)
    told.wait("answers again")
    assert answer(runner, clip(short)).error is None and runner.device == server.address
    runner.close()


def test_labels_that_do_not_fit_are_never_shown(serve: Serve, short: Model, repository: Path, tmp_path: Path) -> None:
    backend = DeviceBackend(OpenVinoBackend())
    server = serve()
    server.shape = [1, 9]
    with pytest.raises(ModelError, match=r"probabilities FP32 \[1, 9\].*names 7 labels"):
        backend.compile(short, server.address)
    server.shape = None
    with pytest.raises(ModelError, match=r"has no model 'other'.*models export"):
        backend.compile(short, f"{server.address}/other")
    with pytest.raises(ModelError, match=r"takes .* UINT8.*describes one clip UINT8 \[1, 16, 48, 48, 3\]"):
        backend.compile(short, f"{server.address}/tiny_trained-fp32")
    server.triton = False  # it cannot say its labels, and has them in another order
    server.shift = 1
    with pytest.raises(ModelError, match="answers otherwise"):
        backend.compile(short, server.address)
    server.shift, server.triton = 0, True
    renamed = tmp_path / short.name
    shutil.copytree(short.folder, renamed)
    text = (renamed / "model.json").read_text().replace("action 3", "jumping")
    (renamed / "model.json").write_text(text)
    with pytest.raises(ModelError, match="exported with other labels"):
        backend.compile(Model(renamed, specs.load(renamed)), server.address)


def test_a_model_that_changes_on_the_server(serve: Serve, short: Model) -> None:
    """Its answers no longer fit: this machine goes on, and the reason is given."""
    told, server = Told(), serve()
    runner = DeviceBackend(OpenVinoBackend(), told).compile(short, server.address)
    server.refuse = grpc.StatusCode.INVALID_ARGUMENT
    assert answer(runner, clip(short)).error is None
    assert "refuses: no" in told.wait("takes over").message
    runner.close()


@pytest.mark.parametrize(
    "text",
    ["grpc://cellar", "http://cellar:9000", "grpc://me@cellar:9000", "grpc://:9000", "grpc://cellar:port", "cellar",
     "grpc://cellar:9000?ca=x", "grpcs://cellar:9000?key=x", "grpc://cellar:9000/a b", "grpc://cellar:99999"],
)  # fmt: skip
def test_an_address_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="Expected an address such as grpc://"):
        parse_address(text)


@pytest.mark.parametrize(
    "text",
    ["grpc://cellar:9000", "grpcs://10.0.0.2:443/slowfast", "grpc://[::1]:9000", "grpcs://h:1/m?ca=/etc/my ca.pem"],
)
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    address = parse_address(text)
    assert parse_address(address.text) == address and names_server(address.text)


def test_servers_stand_in_the_list(serve: Serve) -> None:
    server = serve()
    gone = "grpc://127.0.0.1:1"
    *here, one, other = map(probed, devices_with_servers([server.address, gone]))
    assert here[0].name == "CPU" and one.name == server.address and one.full_name == "test server 1.0"
    assert not other.available and f"{gone} does not answer" in other.reason

"""What torchvision's MViTv2 computes does not change when it is made ready for export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import openvino as ov
import pytest
import torch
from torch import nn

from slowfast_live.tools.convert.compat import attention_without_scatter, prepare_imports

VIDEO = (1, 3, 4, 16, 16)


@pytest.fixture
def mvit() -> nn.Module:
    """Two blocks of MViTv2, the second at half the resolution, with relative positions that are not zero."""
    prepare_imports()
    from torchvision.models.video.mvit import MSBlockConfig, MViT

    blocks = [
        MSBlockConfig(1, 16, 16, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 2, 2]),
        MSBlockConfig(2, 16, 32, [3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 1, 1]),
    ]
    torch.manual_seed(0)
    network = MViT((16, 16), 4, blocks, True, False, True, True, num_classes=5)
    for name, parameter in network.named_parameters():
        if "rel_pos" in name:
            nn.init.normal_(parameter)
    return network.eval()


@torch.no_grad()
def test_sums_out_of_place_are_the_same(mvit: nn.Module) -> None:
    video = torch.randn(VIDEO)
    expected = mvit(video)
    with attention_without_scatter():
        assert torch.allclose(mvit(video), expected, atol=1e-6)
    for parameter in (p for name, p in mvit.named_parameters() if "rel_pos" in name):
        parameter.zero_()
    assert not torch.allclose(mvit(video), expected, atol=1e-3), "positions do not matter to this network"


def test_what_was_replaced_comes_back(mvit: nn.Module) -> None:
    before = torch.tensor_split
    with pytest.raises(RuntimeError, match="stop"), attention_without_scatter():
        assert torch.tensor_split is not before
        raise RuntimeError("stop")
    assert torch.tensor_split is before


@torch.no_grad()
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning", "ignore:.*folding.*")
def test_the_export_gives_torchs_answers(mvit: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "mvit.onnx"
    with attention_without_scatter():
        torch.onnx.export(mvit, (torch.zeros(VIDEO),), str(path), input_names=["video"], opset_version=17, dynamo=False)
    video = torch.randn(VIDEO)
    expected = mvit(video).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert np.allclose(session.run(None, {"video": video.numpy()})[0], expected, atol=1e-5)
    compiled = ov.Core().compile_model(ov.convert_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert np.allclose(compiled([video.numpy()])[0], expected, atol=1e-4)

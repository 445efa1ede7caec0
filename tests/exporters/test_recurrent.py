"""LSTMs in traces: the same graph, without a walk over all steps."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch._decomp import decompositions

from geoml_cli.exporters._recurrent import lstms_as_one_operator

pytestmark = pytest.mark.filterwarnings("ignore:The tensor attribute")  # as exporters do; PyTorch's own of any LSTM


class _Recurrent(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.lstm = nn.LSTM(3, 5, batch_first=True, **options)

    def forward(self, x):
        return self.lstm(x)[0][:, -1]


def _graph(network, dtype=torch.float32):
    batch = torch.export.Dim("sample", min=1)
    return torch.export.export(network, (torch.zeros(4, 7, 3, dtype=dtype),), dynamic_shapes=({0: batch},))


@pytest.fixture
def walked(monkeypatch):
    """Count layers that a trace walks over step by step."""
    found = []
    step_by_step = decompositions.one_layer_lstm
    monkeypatch.setattr(
        decompositions, "one_layer_lstm", lambda *args, **more: found.append(1) or step_by_step(*args, **more)
    )
    return found


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
def test_the_graph_is_the_same_and_no_step_is_walked(options, walked):
    torch.manual_seed(1)
    network = _Recurrent(**options).eval().requires_grad_(False)
    ordinary = _graph(network)
    count = len(walked)
    assert count == (4 if options else 1)
    chosen = decompositions.select_one_layer_lstm_function
    with lstms_as_one_operator():
        quick = _graph(network)
    assert len(walked) == count and decompositions.select_one_layer_lstm_function is chosen
    assert [str(node.target) for node in quick.graph.nodes] == [str(node.target) for node in ordinary.graph.nodes]
    assert sum("lstm" in str(node.target) for node in quick.graph.nodes if node.op == "call_function") == 1
    x = torch.randn(9, 7, 3)
    torch.testing.assert_close(quick.module()(x), network(x), rtol=0, atol=0)


@pytest.mark.parametrize("other", [{"proj_size": 2}, {"dtype": torch.float64}])
def test_an_lstm_that_is_no_one_operator_of_onednn_is_traced_as_ever(other, walked):
    network = _Recurrent(**other).eval().requires_grad_(False)
    dtype = other.get("dtype", torch.float32)
    with lstms_as_one_operator():
        graph = _graph(network, dtype)
    assert walked
    x = torch.randn(9, 7, 3, dtype=dtype)
    torch.testing.assert_close(graph.module()(x), network(x), rtol=0, atol=0)


def test_an_error_of_a_trace_leaves_pytorch_as_it_was():
    chosen = decompositions.select_one_layer_lstm_function
    with pytest.raises(ValueError, match="of the trace"), lstms_as_one_operator():
        raise ValueError("of the trace")
    assert decompositions.select_one_layer_lstm_function is chosen


def test_a_pytorch_without_these_functions_is_left_alone(monkeypatch):
    monkeypatch.delattr(decompositions, "mkldnn_one_layer_lstm")
    chosen = decompositions.select_one_layer_lstm_function
    with lstms_as_one_operator():
        assert decompositions.select_one_layer_lstm_function is chosen

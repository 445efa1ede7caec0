"""Traces of LSTMs in a time that does not grow with their steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def lstms_as_one_operator() -> Iterator[None]:
    """Let a trace learn the shapes of an LSTM from oneDNN's operator in place of one step after another.

    The graph holds the LSTM as one operator either way. A trace switches oneDNN off, and then runs all steps of an LSTM
    on tensors without numbers, only to find what shapes come out: 10 s for two layers of 96 steps. Where PyTorch has no
    oneDNN, or chooses in another way than it does now, traces take their time.
    """
    from torch._decomp import decompositions

    chosen, whole = "select_one_layer_lstm_function", getattr(decompositions, "mkldnn_one_layer_lstm", None)
    if whole is None or not hasattr(decompositions, chosen) or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        yield
        return
    stepwise = getattr(decompositions, chosen)

    def select(x: torch.Tensor, states: tuple[torch.Tensor, ...], parameters: object) -> object:
        # Not of projections, which oneDNN lacks, nor of gradients, nor of other numbers than float32.
        fits = x.dtype == torch.float32 and not x.requires_grad and states[0].shape[2] == states[1].shape[2]
        return whole if fits and x.device.type == "cpu" else stepwise(x, states, parameters)

    setattr(decompositions, chosen, select)
    try:
        yield
    finally:
        setattr(decompositions, chosen, stepwise)

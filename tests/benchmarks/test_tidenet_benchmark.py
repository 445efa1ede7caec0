"""The benchmark of TIDE-Net runs at a small size and prints its ratios."""

import re

import pytest
import torch

from benchmarks import tidenet


def test_steps_forecasts_and_loading_are_compared(capsys):
    tidenet.main(["--side", "16", "--hidden", "32"])
    found = dict(re.findall(r"^ratio: (.*): ([\d.]+)$", capsys.readouterr().out, re.MULTILINE))
    assert list(found) == [
        "training step / its arithmetic, 16 x 16",
        "forecast / its arithmetic, 16 x 16",
        "peak memory, training step, 16 x 16, geoml / plain",
        "peak memory, forecast, 16 x 16, geoml / plain",
        "geoml / HDF5 opened for each sample, 16 x 16",
    ]
    assert float(found["training step / its arithmetic, 16 x 16"]) > 1


def test_peak_memory_is_that_of_tensors_at_once():
    """Two tensors of a MiB at the same time, and one later, are two; what is there before does not count."""
    before = torch.zeros(1 << 18)

    def call():
        first, second = before + 1, before + 2
        del first, second
        return before + 3

    assert tidenet.peak_mib(call) == pytest.approx(2, rel=0.01)


def test_networks_that_differ_are_found(monkeypatch):
    def other(network):
        tidenet.nn.init.zeros_(network.alphamixer.unet.conv_out.weight)
        return network

    monkeypatch.setattr(tidenet, "plain", other)
    with pytest.raises(AssertionError, match="both give the same training step"):
        tidenet.memory(16, 32)

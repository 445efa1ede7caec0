"""The benchmarks of Geo-Mamba run at a small size; that both ways give the same numbers they check themselves."""

import re

import pytest
import torch

pytest.importorskip("mambapy", reason="the benchmarks compare with mambapy")
from benchmarks import geomamba, kernels


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def ratios(text):
    return dict(re.findall(r"^ratio: (.*): ([\d.]+)$", text, re.MULTILINE))


def test_kernels_are_compared_in_time_and_memory(capsys):
    given = ["--scan", "2", "8", "16", "4", "--kan", "40", "6", "5", "--repeats", "1", "--threads", "1"]
    kernels.main(given)
    found = ratios(capsys.readouterr().out)
    names = ("scan (2, 8, 16, 4)", "KAN 40 x 6 -> 5")
    assert list(found) == [f"plain / geoml, {name}, {what}" for name in names for what in ("time", "extra memory")]


def test_ways_that_differ_are_found():
    ours, _, inputs = kernels.kan_case(20, 3, 2)
    with pytest.raises(AssertionError, match="the two ways differ"):
        kernels.check((ours, lambda *tensors: ours(*tensors) * 1.01, inputs))


def test_a_training_step_is_compared_with_its_products(capsys):
    geomamba.main("--batch-size 2 --embedding 4 --layers 1 --repeats 1 --rows 3 --threads 1".split())
    out = capsys.readouterr().out
    assert list(ratios(out)) == ["plain / geoml, training step", "geoml / its matrix products, training step"]
    assert "rows a second, in blocks of 3" in out

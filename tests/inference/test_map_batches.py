"""How many maps are predicted at once: by the memory that they take, which a profiler measures."""

from __future__ import annotations

import pytest
import torch
from live_memory import measured
from map_case import land_of, maps, write_maps
from torch import nn

from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import SettingsError
from geoml_cli.inference import map_batches
from geoml_cli.inference.load import open_trained
from geoml_cli.layers import live_bytes
from geoml_cli.layers.widths import rows_at_once
from geoml_cli.samples.samples import signature
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.plan import networks_of
from geoml_cli.work.reporting import NullReporter

SHAPE = (24, 32)
CPU = torch.device("cpu")
SETTINGS = ["network.hidden=32", "train.threads=1", "train.steps=2", "train.evaluate_steps=2", "train.calibrate=false"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_maps(tmp_path_factory.mktemp("maps"), maps(54, SHAPE), land_of(SHAPE))


class Alone(nn.Module):
    """A network with fresh weights, and the inputs of some samples of numbers drawn."""

    def __init__(self, dataset: Dataset, variant: str, hidden: int = 32) -> None:
        super().__init__()
        settings = load("tidenet", "small", None, {}, [f"network.hidden={hidden}", f"network.variant={variant}"])
        [self._record] = networks_of(settings).values()
        described = signature(self._record.samples(dataset))
        self.network = self._record.build(described).eval()
        self.shapes = {name: item.shape for name, item in described.inputs.items()}

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self._record.predict(self.network, dict(zip(self.shapes, inputs, strict=True)))

    def inputs(self, rows: int) -> list[torch.Tensor]:
        return [torch.rand(rows, *shape) for shape in self.shapes.values()]


def taken(network: Alone, rows: int) -> int:
    """Return the most memory of tensors while samples are predicted [bytes]."""
    inputs = network.inputs(rows)
    with torch.inference_mode():
        return measured(lambda: network(*inputs))


@pytest.mark.parametrize("variant", ["tidenet", "simvp"])
def test_as_many_maps_as_the_memory_holds(dataset: Dataset, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Alone(dataset, variant)
    one = taken(network, 1)
    for fits in (1, 3):
        # What is said of a single map is within a third of what it takes.
        monkeypatch.setattr(live_bytes, "total_memory", lambda fits=fits: int(one * fits * 1.5))
        found = map_batches.maps_at_once(network, network.inputs(1), CPU)
        assert fits <= found <= 2 * fits, (found, fits)
        assert map_batches.maps_at_once(network, network.inputs(1), CPU, 64) == found
        assert map_batches.maps_at_once(network, network.inputs(1), CPU, 1) == 1
    monkeypatch.setattr(live_bytes, "total_memory", lambda: one // 2)
    with pytest.raises(SettingsError, match=r"maps of 24 x 32 cells takes 0\.0 GiB of memory, and there are 0\.0"):
        map_batches.maps_at_once(network, network.inputs(1), CPU)
    monkeypatch.setattr(live_bytes, "total_memory", lambda: None)
    assert map_batches.maps_at_once(network, network.inputs(1), CPU) > 3


def test_it_is_the_number_that_a_prediction_would_find(dataset: Dataset) -> None:
    network = Alone(dataset, "tidenet", 64)
    computed = rows_at_once(lambda rows: network(*network.inputs(rows)), CPU)
    assert map_batches.maps_at_once(network, network.inputs(2), CPU) == computed


def test_a_run_whose_maps_do_not_fit_is_refused(dataset, geoml, tmp_path, monkeypatch):
    settings = load("tidenet", "small", None, {}, SETTINGS)
    run = train(settings, dataset, RunLocation(tmp_path / "run"), None, NullReporter())
    samples = open_trained(run).samples(dataset)
    rows = samples.usable()[:3]
    expected = open_trained(run).predictor().outputs(samples, rows)
    monkeypatch.setattr(map_batches, "_LARGE", 0)
    found = open_trained(run).predictor().outputs(samples, rows)
    torch.testing.assert_close(torch.from_numpy(found), torch.from_numpy(expected), equal_nan=True)
    monkeypatch.setattr(live_bytes, "total_memory", lambda: 2**10)
    for words in (("predict", "--date", "1973-06"), ("evaluate",)):
        told = geoml(words[0], run.folder, *words[1:], "--data", dataset.folder)
        assert told.code == 2, told.err
        assert "to predict one sample with maps of" in told.err and "frames.most_cells=N" in told.err

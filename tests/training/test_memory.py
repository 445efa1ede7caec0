"""Memory of a training step: as PyTorch's profiler measures it, and refused before anything is read."""

from __future__ import annotations

import pytest
import torch
from live_memory import measured
from map_case import land_of, maps, write_maps

from geoml_cli.config.load import load
from geoml_cli.errors import SettingsError
from geoml_cli.layers import live_bytes
from geoml_cli.models.spec import Call
from geoml_cli.samples.samples import signature
from geoml_cli.training import memory
from geoml_cli.training.plan import networks_of, plan_run

SHAPE = (24, 32)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_maps(tmp_path_factory.mktemp("maps"), maps(54, SHAPE), land_of(SHAPE))


def settings_of(*assignments):
    return load("tidenet", "small", None, {}, ["network.hidden=32", "train.threads=1", *assignments])


@pytest.mark.parametrize("variant", ["tidenet", "simvp"])
def test_a_step_takes_what_is_said(dataset, variant):
    [network] = networks_of(settings_of(f"network.variant={variant}")).values()
    data = signature(network.samples(dataset))
    module = network.build(data)
    batch = {name: torch.rand(2, *item.shape) for name, item in data.inputs.items()}
    batch["target"] = torch.rand(2, *data.target_shape)
    step = measured(lambda: network.loss(module, batch, Call(1, 2)).backward())
    said = memory.step_bytes(network, data, 2)
    # Convolutions work in buffers of their own, which nothing announces.
    assert 0.7 * step < said < 1.05 * step, (said, step)


def test_the_random_state_is_left_as_it_was(dataset):
    [network] = networks_of(settings_of()).values()
    data = signature(network.samples(dataset))
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    memory.step_bytes(network, data, 1)
    assert torch.equal(torch.rand(3), expected)


def refused(dataset, monkeypatch, mebibytes, *assignments):
    monkeypatch.setattr(memory, "_FEWEST_NUMBERS", 0)
    monkeypatch.setattr(live_bytes, "total_memory", lambda: mebibytes * 2**20)
    with pytest.raises(SettingsError) as error:
        plan_run(settings_of(*assignments), dataset)
    assert error.value.exit_code == 2
    return str(error.value)


def test_a_step_that_does_not_fit_is_refused_before_the_scaling_is_fitted(dataset, monkeypatch):
    monkeypatch.setattr("geoml_cli.samples.scaling.fit", lambda *_: pytest.fail("fitted"))
    text = refused(dataset, monkeypatch, 150, "train.batch_size=64")
    assert "a training step of 64 sample(s) with maps of 24 x 32 cells takes" in text
    assert "GiB of memory, and there are 0.1" in text
    assert "train.accumulate=" in text


def test_maps_of_which_no_sample_fits_are_to_be_smaller(dataset, monkeypatch):
    text = refused(dataset, monkeypatch, 20, "train.batch_size=1")
    assert "Use maps of fewer than" in text and "frames.most_cells=N" in text


def test_what_accumulates_is_counted_by_its_parts(dataset, monkeypatch):
    text = refused(dataset, monkeypatch, 20, "train.batch_size=8", "train.accumulate=4")
    assert "a training step of 2 sample(s)" in text


def test_small_batches_and_systems_that_do_not_tell_are_not_looked_at(dataset, monkeypatch):
    monkeypatch.setattr(memory, "step_bytes", lambda *_: pytest.fail("looked at"))
    monkeypatch.setattr(live_bytes, "total_memory", lambda: 1)
    plan_run(settings_of(), dataset)
    monkeypatch.setattr(memory, "_FEWEST_NUMBERS", 0)
    monkeypatch.setattr(live_bytes, "total_memory", lambda: None)
    plan_run(settings_of(), dataset)

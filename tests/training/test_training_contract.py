"""The training contract, over every model found: how a batch is cut does not change its gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from geoml_cli import registry
from geoml_cli.config.load import load
from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import SettingsError
from geoml_cli.models.spec import Call, Network, mean_criterion
from geoml_cli.samples.batches import Batches
from geoml_cli.samples.samples import Samples, signature
from geoml_cli.samples.scaling import fit
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.training.processes import Accelerated, refuse_accumulation, refuse_cpu_processes
from geoml_cli.training.sampler import EpochSampler
from geoml_cli.work.reporting import NullReporter

ROWS = 12


@pytest.fixture(scope="module", params=registry.models())
def trained_network(request, tmp_path_factory):
    """Give each network of a model with samples of its demo's source."""
    model = request.param
    source = registry.card(model).demo.source
    folder = tmp_path_factory.mktemp(model)
    options = registry.source(source).synthetic(folder / "raw", 3)
    dataset = Dataset(prepare(Raw(source, folder / "raw", options), folder / source, NullReporter()).folder)
    # Sizes of the demo, where it has some: its maps are smaller than the paper's.
    words = registry.card(model).demo.steps[0]
    sizes = [text for text in words if text.startswith(("network.", "frames."))]
    settings = load(model, None, None, {}, sizes)
    return model, settings, dataset


def gradient(network: Network, module: nn.Module, batches: Batches, rows: np.ndarray, parts: int) -> torch.Tensor:
    """Add up the gradients of a batch cut into parts, as the trainer does."""
    module.zero_grad()
    for part in np.array_split(rows, parts):
        loss = network.loss(module, batches(part), Call(1, len(rows)))
        (loss * (len(part) / len(rows))).backward()
    return torch.cat([p.grad.flatten() for p in module.parameters() if p.grad is not None])


def prepared(network: Network, dataset: Dataset, settings) -> tuple[Samples, Batches, nn.Module]:
    samples = network.samples(dataset)
    rows = samples.usable()
    scaling = fit(
        samples,
        rows,
        settings.shared.inputs,
        settings.shared.target if network.task(signature(samples)).scales_target else type(settings.shared.target)(),
    )
    torch.manual_seed(0)
    module = network.build(signature(samples)).eval()  # dropout would draw anew for each part
    return samples, Batches(samples, scaling, torch.device("cpu")), module


def test_parts_of_a_batch_have_the_gradient_of_the_whole(trained_network):
    _, settings, dataset = trained_network
    for network in registry.spec(settings.model).networks(settings.own).values():
        samples, batches, module = prepared(network, dataset, settings)
        rows = samples.usable()[:ROWS]
        module.train(False)
        whole = gradient(network, module, batches, rows, 1)
        for parts in (2, 4):
            apart = gradient(network, module, batches, rows, parts) - whole
            # As vectors: single numbers near 0 are sums that cancel, whose last digits differ between processors.
            assert apart.norm() <= 1e-3 * whole.norm(), (apart.norm(), whole.norm())
            assert apart.abs().max() <= 1e-3 * whole.abs().max()


def test_criteria_of_parts_add_up_to_those_of_the_whole(trained_network):
    _, settings, dataset = trained_network
    for network in registry.spec(settings.model).networks(settings.own).values():
        samples, batches, module = prepared(network, dataset, settings)
        rows = samples.usable()[:ROWS]
        with torch.no_grad():
            for criterion in network.criteria.values():
                whole = criterion.value(criterion.sums(module, batches(rows)))
                parts = sum(criterion.sums(module, batches(part)) for part in np.array_split(rows, 3))
                assert criterion.value(parts) == pytest.approx(whole, rel=1e-5)


def test_a_penalty_per_row_does_not_depend_on_the_parts():
    """The penalty alone, as a network with one would write it: divided by the rows of the whole batch."""
    module = nn.Linear(3, 1)

    def penalty(rows: int, call: Call) -> torch.Tensor:
        return 0.1 * module.weight.square().sum() / call.rows

    found = []
    for parts in (1, 2, 4):
        module.zero_grad()
        for size in (len(part) for part in np.array_split(np.arange(8), parts)):
            (penalty(size, Call(1, 8)) * (size / 8)).backward()
        found.append(module.weight.grad.clone())
    torch.testing.assert_close(found[1], found[0])
    torch.testing.assert_close(found[2], found[0])


@pytest.mark.parametrize(
    ("rows", "size", "smallest", "expected"),
    [
        (10, 4, 1, [4, 4, 2]),
        (9, 4, 2, [4, 5]),
        (9, 4, 1, [4, 4, 1]),
        (8, 4, 2, [4, 4]),
        (1, 4, 2, [1]),
        (10, 4, 3, [4, 6]),
    ],
)
def test_a_short_last_batch_joins_the_one_before(rows, size, smallest, expected):
    sampler = EpochSampler(np.arange(rows), size, 1, smallest)
    for epoch in range(2):
        batches = [sampler.batch(epoch * sampler.steps_per_epoch + step) for step in range(sampler.steps_per_epoch)]
        assert [len(batch) for batch in batches] == expected
        np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(rows))


class _Several:
    count, device = 2, torch.device("cpu")


def with_batch_norm() -> Network:
    return Network(
        task=None, samples=None, build=lambda data: nn.BatchNorm1d(2), loss=None, predict=None,  # type: ignore[arg-type]
        criteria={"loss": mean_criterion(lambda module, batch: torch.zeros(()))}, smallest_batch=2,
    )  # fmt: skip


def test_batch_statistics_refuse_accumulation_and_cpu_processes():
    networks = {"": with_batch_norm()}
    refuse_accumulation(networks, TrainSettings())
    refuse_cpu_processes(networks, Accelerated(TrainSettings(), cpu=True))
    with pytest.raises(SettingsError, match=r"BatchNorm.*accumulate = 4.*train.accumulate=1") as refusal:
        refuse_accumulation(networks, TrainSettings(accumulate=4))
    assert refusal.value.exit_code == 2
    with pytest.raises(SettingsError, match=r"BatchNorm.*2 CPU processes.*Use one process, or GPUs"):
        refuse_cpu_processes(networks, _Several())  # type: ignore[arg-type]
    without = {"": replace(with_batch_norm(), smallest_batch=1)}
    refuse_accumulation(without, TrainSettings(accumulate=4))
    refuse_cpu_processes(without, _Several())  # type: ignore[arg-type]

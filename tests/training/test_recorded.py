"""Steps as CUDA graphs: what is recorded when, what is compared, what is refused. A stand-in records on the CPU."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from model_case import settings_of_demo
from torch import Tensor, nn

from geoml_cli import registry
from geoml_cli.config.load import load, read_settings
from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import SettingsError
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.plan import networks_of
from geoml_cli.training.recorded import Recorded, recorded, refuse_graphs, unrecorded
from geoml_cli.work.reporting import NullReporter

SETTINGS = TrainSettings(batch_size=4, cuda_graphs=True)


class Summing(nn.Module):
    """Takes an input that may be missing, as Geo-Mamba does."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x: Tensor, missing: Tensor | None, shift: Tensor) -> Tensor:
        assert missing is None
        return self.layer(x) + shift


class Recorder:
    """Writes inputs into the tensors that it was given, as a graph does, and counts."""

    def __init__(self) -> None:
        self.recordings = self.replays = 0

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[..., Tensor]:
        self.recordings += 1
        compute = module.forward
        torch.rand(5)  # what PyTorch's warming up draws

        def replay(*given: Tensor) -> Tensor:
            self.replays += 1
            for own, new in zip(inputs, given, strict=True):
                own.copy_(new)
            return compute(*inputs)

        module.forward = replay  # type: ignore[method-assign]
        return module


def batch(rows: int) -> tuple[Tensor, None, Tensor]:
    return torch.randn(rows, 3), None, torch.randn(rows, 1).expand(rows, 1)


def trained(network: nn.Module, way: nn.Module, rows: tuple[int, ...]) -> list[float]:
    torch.manual_seed(5)
    optimiser, losses = torch.optim.Adam(network.parameters(), lr=0.1), []
    for count in rows:
        loss = way(*batch(count)).square().mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    return losses


def test_whole_batches_are_replayed_and_others_computed():
    recorder = Recorder()
    one, other = Summing(), Summing()
    other.load_state_dict(one.state_dict())
    rows = (4, 4, 3, 4, 4, 2, 4)
    expected = trained(one, one, rows)
    # The same draws as well: recording takes none from the generators of the training.
    assert trained(other, Recorded(other, SETTINGS, recorder), rows) == expected
    # Of five whole batches the first is computed, for kernels to be chosen; one replay is the comparison's.
    assert (recorder.recordings, recorder.replays) == (1, 4 + 1)


def test_a_whole_batch_of_another_shape_is_computed():
    recorder, network = Recorder(), Summing()
    way = Recorded(network, SETTINGS, recorder)
    for _ in range(3):
        way(*batch(4))
    before = recorder.replays
    way(torch.randn(4, 7, 3), None, torch.zeros(4, 1, 1))
    assert recorder.replays == before


@pytest.mark.parametrize("wrong", ["output", "gradients"])
def test_a_graph_that_gives_something_else_is_refused(wrong):
    def record(module: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[..., Tensor]:
        def replay(*given: Tensor) -> Tensor:
            found = module.forward(*given)
            return 2 * found if wrong == "output" else found + (found - found.detach())

        return replay

    way = Recorded(Summing(), SETTINGS, record)
    way(*batch(4))
    with pytest.raises(SettingsError, match=r"the recorded network differs by .* from the network itself") as caught:
        way(*batch(4))
    assert caught.value.fix == "Train a new run with --set train.cuda_graphs=false."


def test_a_network_that_cannot_be_recorded_is_named():
    def record(module: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[..., Tensor]:
        raise RuntimeError("operation not permitted when stream is capturing")

    way = Recorded(Summing(), SETTINGS, record)
    way(*batch(4))
    with pytest.raises(SettingsError, match="PyTorch cannot record this network here"):
        way(*batch(4))


@pytest.mark.parametrize("model", ["ech", "mmnet", "soc", "tidenet"])
def test_networks_that_draw_or_decide_are_refused(model):
    settings = load(model, None, None, {}, ["train.cuda_graphs=true"])
    with pytest.raises(SettingsError, match="not known to compute the same in every step") as caught:
        refuse_graphs(networks_of(settings), settings.shared.train)
    remedied = load(model, None, None, {}, caught.value.fix.split("--set ")[1].rstrip(".").split())
    refuse_graphs(networks_of(remedied), remedied.shared.train)


def test_gradients_of_parts_are_refused():
    given = ["train.cuda_graphs=true", "train.batch_size=8", "train.accumulate=2"]
    settings = load("geomamba", "gwsa", None, {}, given)
    with pytest.raises(SettingsError, match="accumulate = 2: a graph replaces gradients") as caught:
        refuse_graphs(networks_of(settings), settings.shared.train)
    for remedy in ("train.cuda_graphs=false", "train.accumulate=1"):
        assert remedy in caught.value.fix
        remedied = load("geomamba", "gwsa", None, {}, [*given, remedy])
        refuse_graphs(networks_of(remedied), remedied.shared.train)


def test_a_run_goes_on_where_there_is_no_card():
    cpu, card = torch.device("cpu"), torch.device("cuda")
    assert "training is on cpu" in unrecorded(SETTINGS, cpu, 1)
    assert "2 processes train" in unrecorded(SETTINGS, card, 2)
    assert not unrecorded(SETTINGS, card, 1) and not unrecorded(TrainSettings(), cpu, 1)
    network = Summing()
    assert recorded(network, SETTINGS, cpu, 1) is network
    assert recorded(network, TrainSettings(), card, 1) is network
    assert isinstance(recorded(network, SETTINGS, card, 1), Recorded)


def test_a_training_without_a_card_says_so_and_gives_the_same(tmp_path):
    card, settings = registry.card("geomamba"), settings_of_demo("geomamba")
    options = registry.source(card.demo.source).synthetic(tmp_path / "raw", 3)
    raw = Raw(card.demo.source, tmp_path / "raw", options)
    dataset = Dataset(prepare(raw, tmp_path / "data", NullReporter()).folder)
    plain = train(settings, dataset, RunLocation(tmp_path / "plain", cpu=True), None, NullReporter())
    reporter, asked = NullReporter(), read_settings(plain.config, ["train.cuda_graphs=true"])
    run = train(asked, dataset, RunLocation(tmp_path / "asked", cpu=True), None, reporter)
    assert "cuda_graphs = true changes nothing here: training is on cpu." in reporter.warned
    for name in run.planned():
        losses = [[entry["val_loss"] for entry in one.history(name)] for one in (plain, run)]
        assert losses[0] == losses[1]


def test_recording_expects_two_streams(monkeypatch) -> None:
    """PyTorch warns of them otherwise, in every step; `filterwarnings = error` would show it on a card alone."""
    said: list[bool] = []
    monkeypatch.setattr(torch.autograd.graph, "set_warn_on_accumulate_grad_stream_mismatch", said.append, raising=False)
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", lambda module, inputs, **_: module)
    network = Recorded(Summing(), SETTINGS)
    for _ in range(2):
        network(*batch(4))
    assert said == [False]

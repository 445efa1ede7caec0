"""Sampler, optimiser, average, checkpoints, diagnosis: the loop's parts, one by one."""

from __future__ import annotations

import json
import random
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.errors import DataError
from geoml_cli.runs import checkpoint
from geoml_cli.runs.checkpoint import Snapshot
from geoml_cli.runs.run import CheckpointFiles
from geoml_cli.training import optimizers
from geoml_cli.training.ema import WeightEMA
from geoml_cli.training.nonfinite import first_nonfinite
from geoml_cli.training.sampler import EpochSampler, shard
from geoml_cli.training.state import State


def test_an_epoch_holds_every_row_once_in_an_order_of_its_own():
    rows = np.arange(100, 123)
    order = EpochSampler(rows, 5, seed=3)
    assert order.steps_per_epoch == 5
    epochs = [np.concatenate([order.batch(5 * epoch + k) for k in range(5)]) for epoch in range(3)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), rows)
    assert not np.array_equal(epochs[0], epochs[1])


def test_the_rows_of_a_step_follow_from_seed_and_step_alone():
    rows = np.arange(40)
    forwards, backwards = EpochSampler(rows, 7, 1), EpochSampler(rows, 7, 1)
    expected = [forwards.batch(step) for step in range(12)]
    for step in reversed(range(12)):
        np.testing.assert_array_equal(backwards.batch(step), expected[step])
    assert not np.array_equal(EpochSampler(rows, 7, 2).batch(0), expected[0])


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
def test_processes_share_a_batch_without_rest(processes):
    rows = np.arange(5)
    shares = [shard(rows, rank, processes) for rank in range(processes)]
    np.testing.assert_array_equal(np.sort(np.concatenate(shares)), rows)


def test_rates_warm_up_fall_and_rise_again():
    settings = TrainSettings(lr=1.0, lr_min=0.1, schedule="cosine", warmup_steps=4, cosine_steps=10)
    rates = [optimizers.rate(settings, step, 100) for step in range(34)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0 and rates[14] == pytest.approx(0.1) and rates[24] == pytest.approx(1.0)
    assert rates[9] == pytest.approx(0.55)
    # The cosine of torch, which knows no warm-up.
    parameter = nn.Parameter(torch.zeros(1))
    stepper = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(stepper, T_max=10, eta_min=0.1)
    for rate in rates[4:30]:
        assert rate == pytest.approx(stepper.param_groups[0]["lr"], abs=1e-9)
        stepper.step()
        theirs.step()


def test_a_cosine_without_length_ends_with_training():
    settings = TrainSettings(lr=1.0, lr_min=0.1, schedule="cosine")
    assert optimizers.rate(settings, 50, 50) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)]
)
def test_optimisers_take_the_settings(name, kind):
    settings = TrainSettings(optimiser=name, lr=0.5, betas=(0.8, 0.9), weight_decay=0.25)
    made = optimizers.optimiser(settings, nn.Linear(2, 1))
    assert type(made) is kind
    group = made.param_groups[0]
    assert group["lr"] == 0.5 and group["weight_decay"] == 0.25
    assert group.get("betas", (0.8, 0.9)) == (0.8, 0.9) and group.get("momentum", 0.8) == 0.8


def test_settings_refuse_what_cannot_be():
    with pytest.raises(ValueError, match=r"lr_min 2 is above lr 1"):
        TrainSettings(lr=1, lr_min=2)
    with pytest.raises(ValueError, match="accumulate 5 cuts a batch of 4 into empty parts"):
        TrainSettings(batch_size=4, accumulate=5)


def test_an_average_follows_the_weights_and_copies_buffers():
    network = nn.BatchNorm1d(1)
    average = WeightEMA(network, 0.75)
    with torch.no_grad():
        network.weight.fill_(5.0)
        network.running_mean.fill_(7.0)
    average.update(network)
    assert average.weights["weight"].item() == pytest.approx(0.75 * 1 + 0.25 * 5)
    assert average.weights["running_mean"].item() == 7.0
    with average.applied_to(network):
        assert network.weight.item() == pytest.approx(2.0)
    assert network.weight.item() == 5.0


@pytest.fixture
def files(tmp_path):
    return CheckpointFiles(tmp_path / "checkpoints" / "last")


def snapshot(value):
    return Snapshot({"w": torch.full((2,), value)}, {"s": torch.tensor([value])}, {"step": int(value)})


def test_a_checkpoint_replaces_the_one_before(files):
    checkpoint.write(snapshot(1.0), files)
    checkpoint.write(snapshot(2.0), files)
    assert checkpoint.read(files).numbers["step"] == 2
    assert [path.name for path in files.folder.parent.iterdir()] == ["last"]


def test_a_kill_at_any_point_of_the_replacement_leaves_a_whole_checkpoint(files, monkeypatch):
    """Every call that changes the disk is a point where the process may end."""
    checkpoint.write(snapshot(1.0), files)
    points = 0

    class Killed(BaseException):
        pass

    def counted(function, limit):
        def run(*arguments, **options):
            nonlocal points
            points += 1
            if points == limit:
                raise Killed
            return function(*arguments, **options)

        return run

    seen = set()
    for limit in range(1, 40):
        points = 0
        backup = shutil.copytree(files.folder.parent, files.folder.parent.parent / f"backup-{limit}")
        with monkeypatch.context() as patched:
            patched.setattr(checkpoint, "save_file", counted(checkpoint.save_file, limit))
            patched.setattr(checkpoint, "sync", counted(checkpoint.sync, limit))
            patched.setattr(shutil, "rmtree", counted(shutil.rmtree, limit))
            patched.setattr("pathlib.Path.rename", counted(type(files.folder).rename, limit))
            try:
                checkpoint.write(snapshot(2.0), files)
                finished = True
            except Killed:
                finished = False
        step = checkpoint.read(files).numbers["step"]
        assert step in (1, 2)
        seen.add(step)
        shutil.rmtree(files.folder.parent)
        backup.rename(files.folder.parent)
        if finished:
            break
    assert finished and seen == {1, 2} and limit > 8


@pytest.mark.parametrize("name", ["weights", "state", "meta"])
def test_a_damaged_checkpoint_is_said(files, name):
    checkpoint.write(snapshot(1.0), files)
    path = getattr(files, name)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"last: the checkpoint cannot be read .* Restore it from a copy"):
        checkpoint.read(files)


def test_a_state_goes_on_exactly_where_it_was(files):
    """Weights, moments, average and all random states: ten steps are ten steps, saved in between or not."""
    settings = TrainSettings(optimiser="adamw", ema_decay=0.9, lr=0.01)

    def fresh():
        torch.manual_seed(0)
        return State(nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1)), settings)

    def steps(state, count):
        for _ in range(count):
            x = torch.randn(5, 3) * random.random() + np.random.rand()
            loss = state.network(x).square().mean()
            loss.backward()
            state.optimiser.step()
            state.optimiser.zero_grad()
            state.average.update(state.network)
            state.counters.step += 1

    whole = fresh()
    random.seed(1)
    np.random.seed(1)
    steps(whole, 10)
    halves = fresh()
    random.seed(1)
    np.random.seed(1)
    steps(halves, 4)
    checkpoint.write(halves.snapshot(), files)
    steps(halves, 3)  # lost, as after a kill
    again = fresh()
    again.restore(checkpoint.read(files))
    assert again.counters.step == 4 and again.counters.best == {}
    steps(again, 6)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name
        assert torch.equal(whole.average.weights[name], again.average.weights[name]), name


def test_a_checkpoint_holds_no_pickle(files):
    state = State(nn.Linear(2, 1), TrainSettings())
    state.network(torch.ones(1, 2)).sum().backward()
    state.optimiser.step()
    checkpoint.write(state.snapshot(), files)
    assert sorted(path.name for path in files.folder.iterdir()) == [
        "meta.json",
        "state.safetensors",
        "weights.safetensors",
    ]
    json.loads(files.meta.read_text())
    for path in (files.weights, files.state):
        header = int.from_bytes(path.read_bytes()[:8], "little")
        assert json.loads(path.read_bytes()[8 : 8 + header])


def run(network, batch):
    return network(batch["x"])


def test_the_first_thing_that_is_not_finite_is_named():
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    good = {"x": torch.ones(3, 2), "target": torch.ones(3)}
    bad = {"x": torch.tensor([[1.0, 2.0], [float("nan"), 1.0], [float("inf"), 1.0]]), "target": torch.ones(3)}
    assert first_nonfinite(network, run, bad) == ("input 'x' at 2 of 3 rows of the batch", True)
    huge = {"x": torch.full((3, 2), 3e38), "target": torch.ones(3)}
    with torch.no_grad():
        network[0].weight.fill_(3.0)
    assert first_nonfinite(network, run, huge) == ("output of layer '0' (Linear)", False)
    with torch.no_grad():
        network[2].bias.fill_(float("nan"))
    assert first_nonfinite(network, run, good) == ("parameter '2.bias'", False)

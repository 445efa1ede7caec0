"""Frozen parts: what does not change, what does, and names that are refused."""

from __future__ import annotations

import re

import pytest
import torch
from quick import QUICK
from safetensors.torch import load_file
from torch import nn

from geoml_cli.config.load import load
from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import SettingsError, StoppedError
from geoml_cli.runs.run import Run
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.freezing import freeze, keep_in_evaluation
from geoml_cli.training.state import State
from geoml_cli.training.trainer import Trainer
from geoml_cli.work.reporting import NullReporter

SETTINGS = [QUICK[k] for k in range(1, len(QUICK), 2)]


class Told(NullReporter):
    """Keeps what is said."""

    def __init__(self):
        self.texts = []

    def info(self, text):
        self.texts.append(text)


@pytest.fixture(scope="module")
def dataset(data_root) -> Dataset:
    return Dataset(data_root / "soc")


def tune(trained, dataset, folder, *more, reporter=None) -> Run:
    settings = load("soc", "map", None, {}, [*SETTINGS, f"train.start_run={trained}", *more])
    return train(settings, dataset, RunLocation(folder, cpu=True), None, reporter or NullReporter())


def test_a_frozen_part_keeps_weights_and_statistics_under_decay():
    torch.manual_seed(1)
    module = nn.Module()
    module.part = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    module.part2 = nn.Linear(4, 1)
    assert freeze(module, ["part", "nowhere"]) == (16 + 8, 16 + 8 + 5)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state = State(module, TrainSettings(optimiser="adamw", lr=0.1, weight_decay=0.5))
    x = torch.randn(8, 3)
    module.train()
    keep_in_evaluation(module, ["part"])
    assert module.training and module.part2.training and not any(layer.training for layer in module.part.modules())
    assert torch.equal(module.part(x), module.part(x)), "dropout drops nothing"
    module.part2(module.part(x)).sum().backward()
    state.optimiser.step()
    same = {name for name, value in module.state_dict().items() if torch.equal(value, before[name])}
    assert same == {name for name in before if name.startswith("part.")}


def test_a_frozen_recurrent_layer_passes_gradients_on_and_drops_nothing():
    module = nn.Sequential(nn.Linear(3, 4), nn.LSTM(4, 5, num_layers=2, dropout=0.9))
    module.train()
    keep_in_evaluation(module, ["1"])
    x = torch.randn(6, 2, 3)
    assert torch.equal(module(x)[0], module(x)[0])
    assert module[1].training, "cuDNN has no gradient of a recurrent layer in evaluation mode"


def test_a_run_with_frozen_parts_is_resumed_to_the_same_weights(trained, dataset, tmp_path, monkeypatch):
    more = ('train.freeze=["conv1", "fc1"]', "train.lr=0.01", "train.weight_decay=0.1", "train.ema_decay=0.5")
    told = Told()
    whole = tune(trained, dataset, tmp_path / "whole", *more, reporter=told)
    assert (
        f"Fine-tuned from the weights of run {trained.name}, with its scaling; frozen parts: conv1, fc1." in told.texts
    )
    assert any(re.fullmatch(r"Member fold-1: \d+ of \d+ parameters are frozen\.", text) for text in told.texts)
    original, left = Trainer.run, [4]

    def stopped(self, stop, advance):
        def now():
            left[0] -= 1
            return left[0] == 0

        original(self, now, advance)

    monkeypatch.setattr(Trainer, "run", stopped)
    with pytest.raises(StoppedError):
        tune(trained, dataset, tmp_path / "stopped", *more)
    resumed = tune(trained, dataset, tmp_path / "stopped", *more)
    for member in whole.members():
        start, one, two = (load_file(run.member(member).best().weights) for run in (Run(trained), whole, resumed))
        assert all(torch.equal(two[name], value) for name, value in one.items())
        same = {name for name, value in one.items() if torch.equal(value, start[name])}
        assert same == {name for name in one if name.startswith(("conv1.", "fc1."))}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["conv"],
            r"'conv' is not a part of the network with parameters\. Did you mean conv2\? Parts: conv1, conv2, fc1,",
        ),
        (["conv1.wieght"], r"Did you mean conv1\.weight\? Parts of conv1: conv1\.weight, conv1\.bias\."),
        (["conv1", "conv2", "fc1", "fc2"], r"all \d+ parameters of the network are frozen.*Leave out one or more of"),
    ],
)
def test_wrong_names_are_refused_before_anything_is_written(trained, data_root, geoml, tmp_path, names, message):
    command = ("train", "soc", "--preset", "map", *QUICK, "--data", data_root, "--from", trained, "--dry-run")
    told = geoml(*command, "--run", tmp_path / "run", "--set", f"train.freeze={names}".replace("'", '"'))
    assert told.code == 2 and re.search(message, " ".join(told.err.split())), told.err
    assert not (tmp_path / "run").exists()
    fixed = ["conv1"]  # what the messages lead to
    assert geoml(*command, "--set", f"train.freeze={fixed}".replace("'", '"')).code == 0


def test_without_a_start_there_is_nothing_to_keep(dataset):
    with pytest.raises(SettingsError, match=r"freeze concerns weights of another run: name it with start_run \(--from"):
        load("soc", "map", None, {}, [*SETTINGS, 'train.freeze=["conv1"]'])

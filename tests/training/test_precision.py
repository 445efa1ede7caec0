"""Mixed precision tried before a run: what falls back to float32, what is refused, what stays untouched."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import SettingsError
from geoml_cli.runs.create import discard
from geoml_cli.runs.run import Run
from geoml_cli.stages.train import RunLocation, start, train
from geoml_cli.training import precision, trial
from geoml_cli.training.precision import Trial, check_device, layer_reasons, lower, random_states_kept, try_network
from geoml_cli.training.trial import float32_layers
from geoml_cli.work.reporting import NullReporter

CPU = torch.device("cpu")
TINY = ("network.variant=cnn-lstm", "split.folds=2", "split.seeds=[1]", "train.epochs=1", "train.batch_size=64")
OLD_PROCESSOR = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
"""As on an x86-64 processor without AVX-512; without effect on others."""


def settings(*more: str):
    return load("soc", "map", None, {}, [*TINY, *more])


@pytest.fixture(scope="module")
def dataset(data_root):
    return Dataset(data_root / "soc")


class Fragile(nn.Linear):
    """A layer that no library computes in bf16, like an LSTM without AVX-512."""

    def forward(self, x):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("no Fragile kernel. Set VERBOSE=all to learn more")
        assert x.dtype == torch.float32
        return super().forward(x)


class OneWay(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.half = torch.is_autocast_enabled("cpu")
        return x * 2

    @staticmethod
    def backward(ctx, to_out):
        if ctx.half:
            raise RuntimeError("no OneWay gradient")
        return to_out * 2


class FragileBackward(nn.Module):
    """A layer whose backward pass alone fails."""

    def forward(self, x):
        return OneWay.apply(x)


class FragileValidation(nn.Module):
    """A layer that fails in validation alone."""

    def forward(self, x):
        if not self.training and torch.is_autocast_enabled("cpu"):
            raise RuntimeError("no inference kernel")
        return x * 2


class Whole(nn.Module):
    """A network that fails outside of any layer."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        hidden = self.linear(x)
        if hidden.dtype != torch.float32:
            raise RuntimeError("no product of halves")
        return hidden


def tried(network: nn.Module) -> Trial:
    return try_network(network, partial(network, torch.ones(2, 4)), "bf16")


@pytest.mark.parametrize("layer", [Fragile(4, 4), FragileBackward(), FragileValidation()])
def test_a_layer_that_fails_runs_in_float32_and_the_others_do_not(layer):
    network = nn.Sequential(nn.Linear(4, 4), nn.Sequential(layer, nn.ReLU()), nn.Linear(4, 4))
    name = type(layer).__name__
    trial = tried(copy.deepcopy(network))
    assert trial.float32 == (name,) and not trial.refused
    assert trial.reason.startswith("no ") and "VERBOSE" not in trial.reason
    trial.check("bf16", CPU)
    assert trial.message("bf16", CPU) == f"Precision bf16: {name} layers run in float32 on this device (cpu): " + (
        f"{trial.reason}."
    )
    lower(network, trial.float32)
    with torch.autocast("cpu", torch.bfloat16):
        assert network[0](torch.ones(2, 4)).dtype == torch.bfloat16
        network(torch.ones(2, 4)).float().sum().backward()
        network.eval()(torch.ones(2, 4))


def test_several_kinds_fall_back_together():
    network = nn.Sequential(Fragile(4, 4), FragileBackward(), nn.Linear(4, 4), Fragile(4, 4), FragileValidation())
    assert tried(network).float32 == ("Fragile", "FragileBackward", "FragileValidation")


def test_a_network_that_works_has_nothing_to_say():
    trial = tried(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))
    assert trial.layers == ("Linear", "ReLU", "Sequential")
    assert not trial.float32 and not trial.refused and not trial.message("bf16", CPU)


def test_what_is_outside_of_the_layers_is_refused():
    trial = tried(Whole())
    assert trial.refused == "Whole"
    expected = (
        r"^\[train\] precision: bf16 does not work on this device \(cpu\): Whole failed \(no product of halves\)\. "
        r"Use --set train\.precision=fp32\.$"
    )
    with pytest.raises(SettingsError, match=expected) as caught:
        trial.check("bf16", CPU)
    assert caught.value.exit_code == 2


def test_a_failure_of_float32_is_not_laid_on_the_precision():
    network = nn.Sequential(nn.Linear(3, 4))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        tried(network)


def test_a_lowered_layer_gives_the_bits_of_float32():
    torch.manual_seed(0)
    plain = nn.LSTM(3, 5, 2, batch_first=True)
    lowered = copy.deepcopy(plain)
    lower(lowered, ("LSTM",))
    x = torch.randn(4, 6, 3).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found, (hidden, _) = lowered(x, (torch.ones(2, 4, 5).bfloat16(), torch.zeros(2, 4, 5)))
    expected, (hidden_expected, _) = plain(x.float(), (torch.ones(2, 4, 5), torch.zeros(2, 4, 5)))
    assert torch.equal(found, expected) and torch.equal(hidden, hidden_expected)
    found.sum().backward()
    expected.sum().backward()
    for (name, one), (other_name, other) in zip(plain.named_parameters(), lowered.named_parameters(), strict=True):
        assert name == other_name and torch.equal(one.grad, other.grad)
    copied = copy.deepcopy(lowered)
    assert copied.forward.__self__ is copied
    assert list(copied.state_dict()) == list(plain.state_dict())


class FakeRanks:
    """Two processes, of which the other found something else."""

    def __init__(self, *other: float):
        self.other = other

    def all_reduce_sum(self, *values: float) -> list[float]:
        return [float(one) + other for one, other in zip(values, self.other, strict=True)]


def test_processes_on_different_processors_agree():
    here = Trial(("LSTM", "Linear"), ("Linear",), reason="no kernel")
    assert here.agreed(FakeRanks(0, 0, 0)) == here
    assert here.agreed(FakeRanks(1, 1, 0)).float32 == ("LSTM", "Linear")
    other = Trial(("LSTM", "Linear")).agreed(FakeRanks(1, 0, 0))
    assert other.float32 == ("LSTM",) and other.reason == "it failed in another process"
    refused = Trial(("LSTM", "Linear")).agreed(FakeRanks(0, 0, 1))
    with pytest.raises(SettingsError, match=r"network failed \(it failed in another process\)"):
        refused.check("bf16", CPU)


def states() -> tuple:
    return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()


def test_random_states_are_put_back():
    before = states()
    with random_states_kept():
        torch.randn(3), random.random(), np.random.rand()
    assert states() == before


def test_a_trial_leaves_random_states_and_threads_as_they_were(dataset):
    before, threads = states(), torch.get_num_threads()
    float32_layers(settings("train.precision=bf16", "train.threads=1"), dataset, CPU, NullReporter())
    layer_reasons(CPU, "bf16")
    assert states() == before and torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_nothing_is_tried_in_float32(dataset, monkeypatch):
    monkeypatch.setattr(trial, "try_network", lambda *_: pytest.fail("tried"))
    reporter = NullReporter()
    assert float32_layers(settings(), dataset, CPU, reporter) == () and not reporter.said


@pytest.fixture
def fragile_soc(monkeypatch):
    """Networks of soc whose Linear layers fail under autocast."""
    forward = nn.Linear.forward

    def failing(self, x):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("no Linear kernel. Set VERBOSE=all")
        return forward(self, x)

    monkeypatch.setattr(nn.Linear, "forward", failing)


def test_a_run_says_once_what_runs_in_float32_and_again_when_resumed(dataset, tmp_path, fragile_soc):
    place, chosen = RunLocation(tmp_path / "run", cpu=True), settings("train.precision=bf16")
    whole = train(chosen, dataset, RunLocation(tmp_path / "whole", cpu=True), None, NullReporter())
    for member in ("fold-1", "fold-2"):
        reporter = NullReporter()
        train(chosen, dataset, place, [member], reporter)
        told = [line for line in reporter.said if line.startswith("Precision bf16: ")]
        assert len(told) == 1 and "Linear" in told[0] and "layers run in float32 on this device (cpu): " in told[0]
    for member in ("fold-1", "fold-2"):
        for one, other in zip(whole.history(member), Run(place.run).history(member), strict=True):
            assert one["loss"] == other["loss"] and one["val_loss"] == other["val_loss"]


def test_a_refusal_ends_with_2_and_leaves_no_run(geoml, data_root, tmp_path, monkeypatch):
    from geoml_cli.models.soc import network

    def failing(*arguments):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("no pooling of halves")
        return original(*arguments)

    original = network.convolved
    monkeypatch.setattr(network, "convolved", failing)
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "runs"))
    sets = [part for text in (*TINY, "train.precision=bf16") for part in ("--set", text)]
    for more in ([], ["--processes", "2"], ["--run", str(tmp_path / "runs" / "named")]):
        done = geoml("train", "soc", "--preset", "map", "--cpu", "--data", data_root, *sets, *more)
        assert done.code == 2
        assert "bf16 does not work on this device (cpu): CnnLstm failed (no pooling of halves)." in done.err
        assert "Use --set train.precision=fp32." in done.err
        assert not list(tmp_path.rglob("run.json")) and not (tmp_path / "runs").exists()


def test_fp16_is_refused_before_processes_are_started(geoml, data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "runs"))
    sets = [part for text in (*TINY, "train.precision=fp16") for part in ("--set", text)]
    done = geoml("train", "soc", "--preset", "map", "--processes", "2", "--data", data_root, *sets)
    assert done.code == 2 and "fp16 needs a GPU. Use bf16 or fp32." in done.err
    assert not (tmp_path / "runs").exists()
    with pytest.raises(SettingsError, match="fp16 needs a GPU"):
        check_device("fp16", cpu=True)
    check_device("bf16", cpu=True)


def test_only_a_run_in_which_no_member_began_is_discarded(dataset, tmp_path):
    waiting, begun = (start(settings(), dataset, RunLocation(tmp_path / name)) for name in ("waiting", "begun"))
    begun.mark("fold-1", "interrupted")
    for run in (waiting, begun):
        discard(run)
    assert not waiting.folder.exists() and begun.record().members["fold-1"] == "interrupted"


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `geoml` as on a processor without AVX-512."""
    words = [sys.executable, "-m", "geoml_cli", *map(str, arguments)]
    return subprocess.run(words, env=OLD_PROCESSOR, capture_output=True, text=True)


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_lstm_trains_in_bf16_without_avx512(data_root, tmp_path: Path, processes):
    """What doctor says of the processor is what training does on it."""
    rows = {row["item"]: row for row in json.loads(command("doctor", "--json").stdout)}
    fallen = "LSTM" in rows["precision bf16, cpu"]["state"].partition("in float32: ")[2]
    sets = [part for text in (*TINY, "train.precision=bf16") for part in ("--set", text)]
    arguments = ["--cpu", "--data", data_root, "--run", tmp_path / "run", *sets]
    more = ["--processes", processes] if processes > 1 else []
    done = command("train", "soc", "--preset", "map", *arguments, *more)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("Precision bf16: ")]
    assert len(told) == fallen
    assert all("LSTM layers run in float32 on this device (cpu): " in line for line in told)
    assert Run(tmp_path / "run").record().status == "finished"


def test_reasons_name_the_kinds_that_fail(fragile_soc):
    reasons = layer_reasons(CPU, "bf16")
    assert list(reasons) == ["Linear", "Conv1d", "Conv2d", "LSTM"]
    assert reasons["Linear"] == "no Linear kernel" and not reasons["Conv2d"]
    assert not any(layer_reasons(CPU, "fp32").values())


def test_a_message_without_words_is_its_type():
    assert precision._sentence(RuntimeError("")) == "RuntimeError"
    assert precision._sentence(RuntimeError("one. two")) == "one"

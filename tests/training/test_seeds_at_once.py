"""Seeds of a fold trained at once: the weights of one after another within rounding, and all else each member's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from model_case import Interrupting
from safetensors.torch import load_file

from geoml_cli import registry
from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError, StoppedError
from geoml_cli.runs.run import Run
from geoml_cli.samples.batches import Batches
from geoml_cli.splits.split import Split
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training import lockstep
from geoml_cli.training.at_once import groups, not_at_once, refuse_at_once, refuse_processes_at_once
from geoml_cli.training.lockstep import Stack
from geoml_cli.training.plan import networks_of
from geoml_cli.training.trainer import Trainer
from geoml_cli.work.locking import locked
from geoml_cli.work.reporting import NullReporter

CPU = torch.device("cpu")
AT_ONCE = "train.seeds_at_once=true"
SMALL = (
    "split.folds=2",
    "split.seeds=[1,2,3]",
    "train.epochs=3",
    "train.batch_size=48",
    "train.calibrate=false",
    "train.checkpoint_seconds=0",
)


def settings(*more: str):
    return load("soc", "map", None, {}, [*SMALL, *more])


@pytest.fixture(scope="module")
def dataset(data_root):
    return Dataset(data_root / "soc")


def trained(dataset: Dataset, folder: Path, *more: str, reporter: NullReporter | None = None) -> Run:
    place = RunLocation(folder, cpu=True)
    return train(settings(*more), dataset, place, None, reporter or NullReporter())


@pytest.fixture(scope="module")
def at_once(dataset, tmp_path_factory) -> Run:
    return trained(dataset, tmp_path_factory.mktemp("at-once") / "run", AT_ONCE)


def weights(run: Run, which: str = "last") -> dict[str, dict[str, torch.Tensor]]:
    return {name: load_file(run.member(name).checkpoint(which).weights) for name in run.planned()}


def last_step(run: Run, name: str) -> int:
    return int(json.loads(run.member(name).checkpoint("last").meta.read_text())["counters"]["step"])


def scores(run: Run) -> dict[str, list[tuple[int, float, float]]]:
    """Return step, loss (none before the first) and validation loss of every entry of the histories."""
    keys = ("step", "loss", "val_loss")
    return {
        name: [tuple(np.nan if entry[key] is None else entry[key] for key in keys) for entry in run.history(name)]
        for name in run.planned()
    }


def assert_close(one: Run, other: Run) -> None:
    assert list(scores(one)) == list(scores(other))
    for name, entries in scores(one).items():
        np.testing.assert_allclose(scores(other)[name], entries, rtol=1e-5, atol=1e-5)
    for name, of_member in weights(one).items():
        for key, value in of_member.items():
            torch.testing.assert_close(weights(other)[name][key], value, rtol=1e-3, atol=1e-5)


def assert_same(one: Run, other: Run) -> None:
    assert scores(one) == scores(other)
    for which in ("last", "best"):
        for name, of_member in weights(one, which).items():
            assert all(torch.equal(weights(other, which)[name][key], value) for key, value in of_member.items())


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("train.optimiser=adam", "train.clip_norm=0.1", "train.ema_decay=0.9", "train.ema_every=2"),
        ("train.optimiser=sgd", "train.schedule=linear", "train.warmup_steps=3", "train.weight_decay=0"),
    ],
    ids=["adamw", "adam, clipped and averaged", "sgd"],
)
def test_losses_and_scores_are_those_of_one_after_another(dataset, tmp_path, more):
    reporter = NullReporter()
    alone = trained(dataset, tmp_path / "alone", *more)
    together = trained(dataset, tmp_path / "together", AT_ONCE, *more, reporter=reporter)
    assert together.record().status == "finished" and not reporter.warned
    assert_close(alone, together)
    assert "Trains 3 seeds at once: fold-1-seed-1, fold-1-seed-2, fold-1-seed-3." in reporter.said
    assert "seeds_at_once = true" in together.config.read_text()
    assert alone.record().smearing == pytest.approx(together.record().smearing, rel=1e-4)
    first, second, *_ = weights(together).values()
    assert not any(torch.equal(first[key], second[key]) for key in first if key.endswith("weight"))


def test_the_same_run_twice_gives_the_same_bits(dataset, at_once, tmp_path):
    assert_same(at_once, trained(dataset, tmp_path / "again", AT_ONCE))


def test_a_stopped_run_ends_with_the_bits_of_one_never_stopped(dataset, at_once, tmp_path):
    with pytest.raises(StoppedError, match="stopped at step 2 of"):
        trained(dataset, tmp_path / "run", AT_ONCE, reporter=Interrupting(6))
    run = Run(tmp_path / "run")
    assert [last_step(run, f"fold-1-seed-{seed}") for seed in (1, 2, 3)] == [2, 2, 2]
    statuses = run.record().members
    assert [statuses[f"fold-1-seed-{seed}"] for seed in (1, 2, 3)] == ["interrupted"] * 3
    assert_same(at_once, trained(dataset, run.folder, AT_ONCE))


def test_a_member_whose_checkpoint_is_older_catches_up(dataset, tmp_path, monkeypatch):
    whole = trained(dataset, tmp_path / "whole", AT_ONCE)
    saves = Trainer.save

    def killed(trainer: Trainer) -> None:
        if trainer.state.counters.step >= 3 and trainer.member.name == "fold-1-seed-2":
            raise OSError("killed")
        saves(trainer)

    monkeypatch.setattr(Trainer, "save", killed)
    with pytest.raises(OSError, match="killed"):
        trained(dataset, tmp_path / "run", AT_ONCE)
    monkeypatch.undo()
    run = Run(tmp_path / "run")
    assert [last_step(run, f"fold-1-seed-{seed}") for seed in (1, 2, 3)] == [3, 2, 2]
    sizes: list[int] = []
    step = Stack.step

    def counted(stack: Stack) -> None:
        sizes.append(len(stack.trainers))
        step(stack)

    monkeypatch.setattr(lockstep.Stack, "step", counted)
    trained(dataset, run.folder, AT_ONCE)
    assert sizes[:2] == [2, 3], "two are a step behind"
    assert_close(whole, run)


def test_a_member_that_stops_early_leaves_the_others(dataset, tmp_path, monkeypatch):
    # The validation of one member never improves.
    improved = Trainer._improved

    def never(trainer: Trainer, name: str, value: float) -> bool:
        best = trainer.state.counters.best
        return improved(trainer, name, value) if trainer.member.split.seed != 2 or not best else False

    monkeypatch.setattr(Trainer, "_improved", never)
    more = ("train.patience=1", "train.evaluate_steps=1", "split.folds=2", "train.epochs=2")
    run = trained(dataset, tmp_path / "run", AT_ONCE, *more)
    steps = {name: last_step(run, name) for name in run.planned()}
    assert steps["fold-1-seed-2"] == steps["fold-2-seed-2"] == 2
    assert run.record().status == "finished"
    assert_close(trained(dataset, tmp_path / "alone", *more), run)
    assert max(steps.values()) > 2


def test_a_loss_that_is_not_finite_fails_its_member_and_saves_the_others(dataset, tmp_path, monkeypatch):
    gather = Batches.__call__
    calls: list[int] = []

    def spoilt(batches: Batches, rows: np.ndarray) -> dict[str, torch.Tensor]:
        batch = gather(batches, rows)
        # Three batches are those of a step; the fifth is of the second member.
        if torch.is_grad_enabled():
            calls.append(len(rows))
            if len(calls) == 5:
                batch["static"][0] = torch.nan
        return batch

    monkeypatch.setattr(Batches, "__call__", spoilt)
    with pytest.raises(DataError, match=r"the loss is not finite at step 1 .*input 'static'") as caught:
        trained(dataset, tmp_path / "run", AT_ONCE)
    assert caught.value.where == "member fold-1-seed-2"
    run = Run(tmp_path / "run")
    statuses = run.record().members
    assert [statuses[f"fold-1-seed-{seed}"] for seed in (1, 2, 3)] == ["interrupted", "failed", "interrupted"]
    assert "not finite" in run.record().message
    monkeypatch.undo()
    assert trained(dataset, run.folder, AT_ONCE).record().status == "finished"


def test_frozen_parts_keep_their_weights(dataset, at_once, tmp_path):
    more = (f'train.start_run="{at_once.folder}"', 'train.freeze=["conv1"]')
    alone = trained(dataset, tmp_path / "alone", *more)
    together = trained(dataset, tmp_path / "together", AT_ONCE, *more)
    assert_close(alone, together)
    for name, of_member in weights(together).items():
        assert torch.equal(of_member["conv1.weight"], weights(at_once, "best")[name]["conv1.weight"])


def test_a_member_that_another_process_trains_is_named_and_nothing_is_marked(dataset, tmp_path):
    run = trained(dataset, tmp_path / "run", AT_ONCE)
    for name in ("fold-2-seed-1", "fold-2-seed-2"):
        run.mark(name, "interrupted")

    def never(holder: str) -> None:
        raise AssertionError(holder)

    with (
        locked(run.member("fold-2-seed-2").lock, never),
        pytest.raises(SettingsError, match="is being trained by") as caught,
    ):
        trained(dataset, run.folder, AT_ONCE)
    assert caught.value.where == "member fold-2-seed-2"
    assert run.record().members["fold-2-seed-1"] == "interrupted"


@pytest.mark.slow
def test_processes_side_by_side_take_whole_folds(dataset, at_once, tmp_path):
    place = RunLocation(tmp_path / "run", cpu=True, jobs=4)
    run = train(settings(AT_ONCE), dataset, place, None, NullReporter())
    assert run.record().status == "finished"
    assert_same(at_once, run)


def test_groups_are_the_seeds_of_a_fold_of_a_network():
    none = np.empty(0, dtype=np.int64)
    keys = [("", "fold-1", 1), ("", "fold-1", 2), ("", "fold-2", 1), ("classifier", "fold-1", 1)]
    splits = {str(key): Split(none, none, none, fold, seed, network) for key in keys for network, fold, seed in [key]}
    a, b, c, d = splits
    assert groups(splits, at_once=True) == [[a, b], [c], [d]]
    assert groups(splits, at_once=False) == [[a], [b], [c], [d]]


def test_one_seed_or_a_card_changes_nothing_and_says_so(dataset, tmp_path):
    train_settings = settings(AT_ONCE).shared.train
    assert not not_at_once(train_settings, 3, CPU) and not not_at_once(settings().shared.train, 1, CPU)
    assert "training is on cuda" in not_at_once(train_settings, 3, torch.device("cuda"))
    reporter, more = NullReporter(), ("split.seeds=[1]", "train.epochs=1")
    asked = trained(dataset, tmp_path / "asked", AT_ONCE, *more, reporter=reporter)
    assert reporter.warned == ["seeds_at_once = true changes nothing here: split.seeds names one seed."]
    assert_same(trained(dataset, tmp_path / "plain", *more), asked)


def remedies(error: SettingsError) -> list[str]:
    return [word.rstrip(".,") for word in error.fix.split() if word.startswith("train.")]


@pytest.mark.parametrize(
    ("model", "more"),
    [("ech", []), ("mmnet", []), ("tidenet", []), ("geomamba", []), ("soc", ["network.variant=cnn-lstm"]),
     ("soc", ["network.variant=lstm"])],
)  # fmt: skip
def test_networks_that_cannot_be_stacked_are_refused(model, more):
    given = load(model, None, None, {}, [*more, AT_ONCE])
    with pytest.raises(SettingsError, match="cannot be trained with stacked weights") as caught:
        refuse_at_once(networks_of(given), given.shared.train)
    assert remedies(caught.value) == ["train.seeds_at_once=false"]
    remedied = load(model, None, None, {}, [*more, AT_ONCE, *remedies(caught.value)])
    refuse_at_once(networks_of(remedied), remedied.shared.train)


@pytest.mark.parametrize(
    ("other", "shown"),
    [
        ("train.precision=bf16", "precision = fp32 alone, not bf16"),
        ("train.accumulate=2", "accumulate = 1 alone, not 2"),
        ("train.cuda_graphs=true", "cuda_graphs = false alone, not true"),
    ],
)
def test_settings_that_do_not_go_with_it_are_refused(other, shown):
    given = settings(AT_ONCE, other)
    with pytest.raises(SettingsError, match=shown) as caught:
        refuse_at_once(networks_of(given), given.shared.train)
    assert len(remedies(caught.value)) == 2
    for remedy in remedies(caught.value):
        remedied = settings(AT_ONCE, other, remedy)
        refuse_at_once(networks_of(remedied), remedied.shared.train)


def test_processes_of_one_member_are_refused(geoml, data_root, tmp_path):
    given = settings(AT_ONCE).shared.train
    with pytest.raises(SettingsError, match="2 processes train each member") as caught:
        refuse_processes_at_once(given, 2)
    assert caught.value.fix == "Use one process, or --set train.seeds_at_once=false."
    refuse_processes_at_once(given, 1)
    refuse_processes_at_once(settings(AT_ONCE, *remedies(caught.value)).shared.train, 2)


def test_only_networks_that_are_tried_here_are_declared():
    declared = set()
    for model in registry.models():
        for preset in registry.presets(model):
            networks = networks_of(load(model, preset, None, {}, []))
            declared |= {(model, preset) for network in networks.values() if network.stackable}
    assert declared == {("soc", "map")}

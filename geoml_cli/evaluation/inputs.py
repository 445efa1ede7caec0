"""What is evaluated: a run's networks, the rows they are scored on, and how predictions are pooled.

Legend: N rows of a member, P pooled rows of all folds, M members of a fold, C quantities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from geoml_cli.config.settings import Settings
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.evaluation.kept import of_member
from geoml_cli.inference.load import TrainedRun
from geoml_cli.inference.predictor import pooled
from geoml_cli.metrics.intervals import Bootstrap
from geoml_cli.metrics.metric import Values
from geoml_cli.models.spec import Network
from geoml_cli.runs.kept import KeptArrays
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import Samples
from geoml_cli.splits.grouping import groups
from geoml_cli.splits.split import Rows, Split
from geoml_cli.tasks.task import Task
from geoml_cli.work.reporting import Reporter

Subset = Literal["test", "validation", "train"]
MemberPredictor = Callable[[Samples, Rows], Values]
"""One member: samples and rows to predictions before pooling, [N, ...], in physical units."""


@dataclass(frozen=True)
class EvaluationInputs:
    """One network of a run, opened for evaluation.

    Attributes:
        run: On disk.
        dataset: The data set it was trained on.
        settings: The run's own, with `[evaluate]` as asked for.
        network: The network's record.
        samples: The data set as the network sees it.
        task: What it predicts.
        predictors: The trained members by name.
        subset: Which rows are scored.
        network_name: Of a model of several networks; empty where it has one.
        smearing: Factors that predictions hold, by member; empty for those of the run's scalings.
        kept: Predictions of earlier evaluations; None where they are made anew.
    """

    run: Run
    dataset: Dataset
    settings: Settings
    network: Network
    samples: Samples
    task: Task
    predictors: Mapping[str, MemberPredictor]
    subset: Subset
    network_name: str = ""
    smearing: Mapping[str, float] = field(default_factory=dict)
    kept: KeptArrays | None = None

    @property
    def name(self) -> str:
        """Name the network: its own name, or the model's."""
        return self.network_name or self.network.label or self.run.model

    @property
    def folder(self) -> Path:
        """Return where the evaluation goes."""
        return self.run.evaluation(self.subset) / self.network_name

    @property
    def planned(self) -> list[str]:
        """Name the members of this network, trained or not."""
        return [name for name in self.run.planned() if self.run.network(name) == self.network_name]

    @property
    def bootstrap(self) -> Bootstrap:
        """Return the resampling that the settings ask for."""
        return Bootstrap(self.settings.shared.evaluate.n_bootstrap, self.settings.shared.evaluate.seed)

    def scored(self, each: Sequence[Values]) -> Values:
        """Pool members' predictions, each [N, ...], to the values that are scored, [N]."""
        outputs = pooled(self.task, torch.from_numpy(np.stack(each)))
        return self.task.to_scored(outputs[self.task.scored])


@dataclass(frozen=True)
class MemberRows:
    """A member's predictions of the rows it is scored on; each row has an observation.

    Attributes:
        raw_N: Predictions before pooling, [N, ...].
        predicted_N: As they are scored.
        without_observation: Rows of its split without one.
    """

    name: str
    fold: str
    seed: int
    rows_N: Rows
    raw_N: Values
    predicted_N: Values
    without_observation: int


@dataclass(frozen=True)
class PooledRows:
    """Rows of all folds, one after another; a row that several folds test is there several times.

    Attributes:
        rows_P: Which sample of the data set.
        observed_P: Its observed value.
        predicted_P: Output of the fold's members, which differ by seed only, pooled as the task says.
        groups_P: Its group: a spatial block, or the sample itself.
        folds: Name and length of each fold, in order.
    """

    rows_P: Rows
    observed_P: Values
    predicted_P: Values
    groups_P: Rows
    folds: Mapping[str, int]

    @property
    def samples(self) -> int:
        """Return how many different samples there are."""
        return len(np.unique(self.rows_P))


def open_network(run: TrainedRun, dataset: Dataset, subset: Subset, network: str) -> EvaluationInputs:
    """Load the trained members of one network.

    Raises:
        DataError: There is no observed value, or the data are shaped unlike those the network was built for.
    """
    samples, task = run.network_samples(network, dataset), run.task(network)
    _refuse_unobserved(samples, dataset)  # before networks are loaded
    predictors = {name: _member_predictor(run, network, name) for name in run.members_of(network)}
    record, shared = run.networks[network], run.settings.shared
    # What was not verified may not be what its digest says.
    kept = KeptArrays(run.run.kept(subset) / network) if shared.evaluate.keep and shared.data.verify else None
    return EvaluationInputs(
        run.run, dataset, run.settings, record, samples, task, predictors, subset, network, kept=kept
    )


def _member_predictor(run: TrainedRun, network: str, member: str) -> MemberPredictor:
    alone = TrainedRun(run.run, (member,), run.settings).network_predictor(network)

    def predict(samples: Samples, rows: Rows) -> Values:
        found: Values = alone.each(samples, rows)[0].numpy()
        return found

    return predict


def observed(inputs: EvaluationInputs) -> Values:
    """Return the target of every sample as it is scored, NaN where it is unknown or the inputs are incomplete.

    Raises:
        DataError: No sample has one.
    """
    _refuse_unobserved(inputs.samples, inputs.dataset)
    values = np.asarray(inputs.samples.target.rows, dtype=np.float64)
    return values if inputs.samples.complete is None else np.where(inputs.samples.complete, values, np.nan)


def delivered(inputs: EvaluationInputs, scored_N: Values) -> Values:
    """Return scored values as they are written to files: a class by its own code."""
    if not inputs.samples.target.codes:
        return scored_N
    codes = np.array(inputs.samples.target.codes, dtype=np.float64)
    return codes[scored_N.astype(np.int64)]


def _refuse_unobserved(samples: Samples, dataset: Dataset) -> None:
    if not len(samples.usable()):
        raise DataError(
            f"the data set has no observed values of `{samples.target.name}`, so there is nothing to evaluate against.",
            where=str(dataset.folder),
            fix=f"Prepare data that hold them; `geoml prepare {dataset.manifest.source} --help` says in which file or "
            "column.",
        )


def predict_members(inputs: EvaluationInputs, reporter: Reporter) -> list[MemberRows]:
    """Predict the rows of every trained member that have an observation.

    Raises:
        DataError: No member is trained, there are no such rows, or a prediction is not finite.
    """
    truth = observed(inputs)
    if not inputs.predictors:
        raise DataError(
            "no member of the run is trained.",
            where=str(inputs.run.folder),
            fix=f"Resume with `geoml train {inputs.run.folder}`.",
        )
    found = []
    with reporter.task("predict", len(inputs.predictors)) as advance:
        for name in inputs.predictors:
            found.append(_member(inputs, name, truth))
            advance(1)
    return found


def pool_folds(inputs: EvaluationInputs, members: list[MemberRows]) -> PooledRows:
    """Pool the members of each fold, then put the folds together."""
    folds: dict[str, list[MemberRows]] = {}
    for member in members:
        folds.setdefault(member.fold, []).append(member)
    for same in folds.values():
        assert all(np.array_equal(member.rows_N, same[0].rows_N) for member in same), "a fold shares its rows"
    rows_P = np.concatenate([same[0].rows_N for same in folds.values()])
    return PooledRows(
        rows_P=rows_P,
        observed_P=observed(inputs)[rows_P],
        predicted_P=np.concatenate([inputs.scored([member.raw_N for member in same]) for same in folds.values()]),
        groups_P=groups_of_samples(inputs)[rows_P],
        folds={name: len(same[0].rows_N) for name, same in folds.items()},
    )


def groups_of_samples(inputs: EvaluationInputs) -> Rows:
    """Number every sample's group: samples of one are resampled together."""
    return groups(inputs.dataset, inputs.settings.shared.split, len(inputs.samples))


FEWEST_BLOCKS = 9
"""Blocks of start times below which no interval is given: fewer give one too narrow to be quoted."""


def blocks(inputs: EvaluationInputs, rows_N: Rows) -> Rows:
    """Number the block of start times of every forecast, [N]; blocks are as long as a window, input and target."""
    span = inputs.samples.span
    assert span is not None, "forecasts are windows of a series"
    length = int((span.last - span.first).max()) + 1
    return np.unique(span.first[rows_N] // length, return_inverse=True)[1].astype(np.int64)


def evaluated_rows(split: Split, subset: Subset, samples: int) -> Rows:
    """Return the rows a member is scored on: all, where it has no split, as after an import."""
    if not any(len(split.rows(name)) for name in ("train", "validation", "test")):
        return np.arange(samples, dtype=np.int64)
    return split.rows(subset)


def _member(inputs: EvaluationInputs, name: str, truth: Values) -> MemberRows:
    split = inputs.run.split(name)
    rows = evaluated_rows(split, inputs.subset, len(inputs.samples))
    known = rows[np.isfinite(truth[rows])]
    if not len(known):
        raise DataError(
            f"member {name} has no {inputs.subset} row with an observed value ({len(rows)} without).",
            where=str(inputs.run.folder),
            fix="Evaluate on other rows with --split, or train with another [split].",
        )
    raw = of_member(inputs, name, known, {}, lambda: inputs.predictors[name](inputs.samples, known))
    finite = np.isfinite(raw.reshape(len(known), -1)).all(axis=1)
    if wrong := int((~finite).sum()):
        raise DataError(
            f"member {name} predicts no finite value for {wrong} of {len(known)} rows (the first is row "
            f"{known[~finite][0]}).",
            where=str(inputs.dataset.folder),
            fix="Look for missing or extreme covariates there, or prepare the data set again.",
        )
    return MemberRows(name, split.fold, split.seed, known, raw, inputs.scored([raw]), len(rows) - len(known))

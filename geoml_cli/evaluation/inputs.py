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
from geoml_cli.inference.load import TrainedRun
from geoml_cli.inference.predictor import pooled
from geoml_cli.metrics.intervals import Bootstrap
from geoml_cli.metrics.metric import Values
from geoml_cli.models.spec import Network
from geoml_cli.runs.kept import KeptArrays
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import Samples
from geoml_cli.splits.grouping import groups
from geoml_cli.splits.split import Rows
from geoml_cli.tasks.task import Task

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
    return _whole_blocks(span.first[rows_N], length)


def _whole_blocks(first_N: Rows, length: int) -> Rows:
    """Divide times into blocks of a length, counted from the first; what is left of a stretch is of its last block.

    A block of its own would be of fewer times than the others, and most of its maps in the windows of the last.
    """
    times, place_N = np.unique(first_N, return_inverse=True)
    stretch = np.cumsum(np.diff(times, prepend=times[:1]) >= length)
    begin, number = times[np.searchsorted(stretch, stretch)], np.empty(len(times), dtype=np.int64)
    for one in np.unique(stretch):
        own = stretch == one
        whole = max((int(times[own][-1] - times[own][0]) + 1) // length, 1)
        number[own] = np.minimum((times[own] - begin[own]) // length, whole - 1)
    _, number = np.unique(np.stack([stretch, number]), axis=1, return_inverse=True)
    return np.asarray(number.reshape(-1)[place_N], dtype=np.int64)

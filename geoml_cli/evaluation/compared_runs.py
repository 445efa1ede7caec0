"""Other runs on the same data set, compared like baselines: SimVP with TIDE-Net.

Legend: B forecasts, L lead times; y, x the data set's grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geoml_cli.baselines.baseline import BaselinePredictor
from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.load import TrainedRun, open_trained
from geoml_cli.metrics.metric import Values
from geoml_cli.models.spec import SINGLE
from geoml_cli.runs.data import same_data
from geoml_cli.runs.run import Run
from geoml_cli.samples.frames import Frames
from geoml_cli.samples.samples import Samples
from geoml_cli.splits.split import Rows
from geoml_cli.work.distinct import common, distinct

_WHERE = "[evaluate] runs"


def run_predictors(runs: tuple[str, ...], dataset: Dataset, target: Frames, rows: Rows) -> dict[str, BaselinePredictor]:
    """Return a predictor of maps for each run, by its name.

    Args:
        runs: Folders.
        dataset: That all were trained on.
        target: Windows that are forecast.
        rows: Of them, those that are scored.

    Raises:
        SettingsError: A run forecasts other lead times, or was trained on maps that are scored.
        DataError: It was trained on other data, or is not trained to its end.
    """
    found: dict[str, BaselinePredictor] = {}
    for folder in runs:
        other = open_trained(Run(Path(folder)))
        same_data(other.run, dataset)
        found[name_of(folder)] = _predictor(other, dataset, target, rows)
    return found


def _predictor(other: TrainedRun, dataset: Dataset, target: Frames, rows: Rows) -> BaselinePredictor:
    samples = other.network_samples(SINGLE, dataset)
    windows = samples.target.values
    if not isinstance(windows, Frames) or windows.shape[1] != target.shape[1]:
        raise SettingsError(
            f"run {other.run.id} does not forecast {target.shape[1]} lead times.", where=_WHERE, fix="Leave it out."
        )
    _refuse_seen(other, samples, target.steps(rows))
    place = {int(step): row for row, step in enumerate(windows.first)}
    if missing := [step for step in target.first[rows].tolist() if step not in place]:
        raise SettingsError(
            f"run {other.run.id} has no forecast that begins at {target.series.labels[missing[0]]}.",
            where=_WHERE,
            fix="Use runs of the same frames.stride and frames_in.",
        )
    predictor, scored = other.network_predictor(SINGLE), other.task(SINGLE).scored

    def predict(_: Samples, chosen: Rows) -> Values:
        own = np.array([place[int(step)] for step in target.first[chosen]], dtype=np.int64)
        values: Values = predictor.outputs(samples, own)[scored]
        return values

    return predict


def _refuse_seen(other: TrainedRun, samples: Samples, scored_steps: Rows) -> None:
    """Refuse a run that was trained on a map that is scored: it would be compared on what it remembers."""
    all_values = [*(item.values for item in samples.inputs.values()), samples.target.values]
    frames = [values for values in all_values if isinstance(values, Frames)]
    for name in other.members:
        train = other.run.split(name).train
        seen = distinct(*[windows.steps(train) for windows in frames])
        if len(both := common(seen, scored_steps)):
            raise DataError(
                f"run {other.run.id} was trained on {len(both)} of the time steps that are scored.",
                where=_WHERE,
                fix="Train it with the same [split].",
            )


def weights_of(folder: str) -> dict[str, object]:
    """Return what determines the forecasts of a run."""
    run = Run(Path(folder))
    weights = {name: sha256(run.member(name).checkpoint("best").weights) for name in run.members()}
    return {"name": name_of(folder), "settings": sha256(run.config), "weights": weights}


def names_of(folders: Sequence[str]) -> list[str]:
    """Name compared runs in tables.

    Raises:
        SettingsError: Two have one name: the scores of one would be lost.
    """
    names = [name_of(folder) for folder in folders]
    if twice := [name for name in names if names.count(name) > 1]:
        raise SettingsError(
            f"two runs are called {twice[0].removeprefix('run-')!r}.",
            where=_WHERE,
            fix="Name each run once, and copy one of two folders of the same name to another name.",
        )
    return names


def name_of(folder: str) -> str:
    """Name a compared run in tables."""
    return f"run-{Path(folder).resolve().name}"


def summary_of(folder: str) -> str:
    """Say what a compared run is."""
    run = Run(Path(folder))
    return f"Run {run.id}, trained on the same data set"

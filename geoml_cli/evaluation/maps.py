"""Evaluation of forecasts of maps: one pass over the forecasts, a few maps in memory at a time.

Legend: B forecasts at once, N forecasts in all, M members, L lead times, K sums, G blocks of start times; y, x the
data set's grid; H, W the network's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import NDArray

from geoml_cli.baselines.baseline import BaselinePredictor
from geoml_cli.errors import DataError
from geoml_cli.evaluation.baselines import refuse_unknown
from geoml_cli.evaluation.compared_runs import names_of, run_predictors, weights_of
from geoml_cli.evaluation.forecast_sums import OBSERVED, Functions, MapSums, functions, packed, unpacked
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.kept import of_member
from geoml_cli.evaluation.map_sums import ObservedMaps, add_cells, add_power, add_statistics
from geoml_cli.evaluation.member_rows import evaluated_rows
from geoml_cli.evaluation.missing_forecasts import refuse_nonfinite
from geoml_cli.metrics.fields import errors, mean_square
from geoml_cli.metrics.metric import Values
from geoml_cli.runs.kept import Computation, digest_of
from geoml_cli.samples.frames import Frames
from geoml_cli.splits.split import Rows
from geoml_cli.tasks.task import MapScores
from geoml_cli.work.distinct import common
from geoml_cli.work.memory import return_freed
from geoml_cli.work.reporting import Reporter

NetworkMaps = Mapping[str, Values]
"""By model (the network, and its members), forecasts on the network's maps, physical units, [B, L, H, W]."""

REFERENCE = ""
_FORECASTS, _BLOCKS = 8, 32
"""Forecasts that are kept together at least, and blocks of a fold at most: each holds sums of every cell."""
_DISTANCES = 1024
"""Distances that are kept of a forecast map: quantiles of those of its cells."""


@dataclass(frozen=True)
class Fold:
    """Members that differ by seed, and what is predicted of the rows that they are scored on.

    Attributes:
        name: Of the fold.
        members: Names of the members.
        rows_N: Sample of each forecast.
        train: Rows that baselines are fitted on.
        models: Names of the network, of its members where there are several, of baselines and of compared runs.
        fit: Fits the baselines, and opens the compared runs.
    """

    name: str
    members: tuple[str, ...]
    rows_N: Rows
    train: Rows
    models: tuple[str, ...]
    fit: Callable[[], Mapping[str, BaselinePredictor]]

    @cached_property
    def baselines(self) -> Mapping[str, BaselinePredictor]:
        """Return the predictors of baselines and compared runs; the one of no name is the reference of scores."""
        return self.fit()


def map_scores(inputs: EvaluationInputs) -> MapScores:
    """Return how maps are scored; the task predicts maps."""
    assert inputs.task.maps is not None, "a task of maps"
    return inputs.task.maps


def targets(inputs: EvaluationInputs) -> Frames:
    """Return the windows that are forecast."""
    values = inputs.samples.target.values
    assert isinstance(values, Frames), "a task of maps has windows of frames"
    return values


def sum_maps(inputs: EvaluationInputs, reporter: Reporter) -> MapSums:
    """Forecast with the network and its baselines, and sum the statistics of all scores.

    Raises:
        DataError: No member is trained, there is nothing to score, or a forecast is not finite.
        SettingsError: There is no such baseline.
    """
    refuse_unknown(inputs)
    folds, sums = folds_of_maps(inputs), MapSums()
    with reporter.task("score", sum(len(fold.rows_N) for fold in folds)) as advance:
        for fold in folds:
            sums.folds[fold.name] = len(fold.rows_N)
            for rows in forecast_blocks(inputs, fold):
                sums.add(_of_block(inputs, fold, rows))
                advance(len(rows))
    forecasts = len(sums.rows_N)
    sums.power = {model: power / forecasts for model, power in sums.power.items()}
    return sums


def forecast_blocks(inputs: EvaluationInputs, fold: Fold) -> Iterator[Rows]:
    """Cut the forecasts of a fold into those that are made and kept together: whole batches, and no more than some."""
    batch = inputs.settings.shared.predict.batch_size or 1
    each = max(_FORECASTS, -(-len(fold.rows_N) // _BLOCKS))
    size = -(-each // batch) * batch
    for start in range(0, len(fold.rows_N), size):
        yield fold.rows_N[start : start + size]


def block_sums(inputs: EvaluationInputs, fold: Fold, rows: Rows) -> Computation:
    """Describe the sums of a block of forecasts, as `packed` gives them."""

    def compute() -> Values:
        return packed(_computed_sums(inputs, fold, rows))

    asked = inputs.settings.shared.evaluate
    more = {"baselines": list(asked.baselines), "seed": asked.seed, "train": digest_of(fold.train)}
    key = {
        "forecasts": [dict(of_member(inputs, name, rows, more, compute).key) for name in fold.members],
        "runs": [weights_of(folder) for folder in asked.runs],
    }
    return Computation(key, compute)


def _of_block(inputs: EvaluationInputs, fold: Fold, rows: Rows) -> MapSums:
    if inputs.kept is None:
        return _computed_sums(inputs, fold, rows)
    return unpacked(inputs.kept.array(block_sums(inputs, fold, rows)), fold.models, _functions(inputs))


def _computed_sums(inputs: EvaluationInputs, fold: Fold, rows: Rows) -> MapSums:
    sums = MapSums()
    size = inputs.settings.shared.predict.batch_size or 1
    for start in range(0, len(rows), size):
        _add(sums, inputs, fold, rows[start : start + size])
    return sums


def _functions(inputs: EvaluationInputs) -> Functions:
    maps = map_scores(inputs)
    return functions((*inputs.task.metrics, inputs.task.ranking)), functions(maps.scaled)


def folds_of_maps(inputs: EvaluationInputs) -> list[Fold]:
    """Return the folds whose members are trained.

    Raises:
        DataError: There is none, or one has no forecast to score or no known training rows.
    """
    if not inputs.predictors:
        raise DataError(
            "no member of the run is trained.",
            where=str(inputs.run.folder),
            fix=f"Resume with `geoml train {inputs.run.quoted}`.",
        )
    by_fold: dict[str, list[str]] = {}
    for name in inputs.predictors:
        by_fold.setdefault(inputs.run.split(name).fold, []).append(name)
    return [_fold(inputs, name, tuple(members)) for name, members in by_fold.items()]


def _fold(inputs: EvaluationInputs, name: str, members: tuple[str, ...]) -> Fold:
    split = inputs.run.split(members[0])
    rows = common(evaluated_rows(split, inputs.subset, len(inputs.samples)), inputs.samples.usable())
    if not len(rows):
        raise DataError(
            f"member {members[0]} has no {inputs.subset} forecast with an observed target.",
            where=str(inputs.run.folder),
            fix="Evaluate on other rows with --split, or train with another [split].",
        )
    if not len(split.train):
        raise DataError(
            "the training rows of this run are unknown, so that neither climatology nor baselines can be computed.",
            where=str(inputs.run.folder),
            fix="Train a run on this data set; the imported one can still predict.",
        )
    asked = inputs.settings.shared.evaluate
    own = (inputs.name, *(members if len(members) > 1 else ()))
    baselines = (key for key in asked.baselines if key in inputs.network.baselines)
    models = tuple(dict.fromkeys((*own, *baselines, *names_of(asked.runs))))
    rows = rows.astype(np.int64)
    return Fold(name, members, rows, split.train, models, partial(_fitted, inputs, split.train, rows))


def _fitted(inputs: EvaluationInputs, train: Rows, rows: Rows) -> dict[str, BaselinePredictor]:
    """Fit baselines on training rows, the reference under no name, and open the compared runs."""
    asked, known = inputs.settings.shared.evaluate, inputs.network.baselines
    fitted = {key: known[key].fit(inputs.samples, train, asked.seed) for key in asked.baselines if key in known}
    fitted |= run_predictors(asked.runs, inputs.dataset, targets(inputs), rows)
    reference = known[map_scores(inputs).reference].fit(inputs.samples, train, asked.seed)
    return {**fitted, REFERENCE: reference}


def _add(sums: MapSums, inputs: EvaluationInputs, fold: Fold, rows: Rows) -> None:
    """Forecast some rows with the network at once, and score them one after another: maps may be large."""
    sums.rows.append(rows)
    each = [inputs.predictors[name](inputs.samples, rows) for name in fold.members]
    own = {inputs.name: inputs.scored(each)}
    if len(fold.members) > 1:
        own |= dict(zip(fold.members, each, strict=True))
    for place in range(len(rows)):
        chosen = slice(place, place + 1)
        _add_forecast(sums, inputs, fold, rows[chosen], {model: maps[chosen] for model, maps in own.items()})


def _add_forecast(sums: MapSums, inputs: EvaluationInputs, fold: Fold, row: Rows, own_maps: NetworkMaps) -> None:
    """Score one forecast of every model, and add to the sums."""
    truth = targets(inputs)
    spatial = truth.series.spatial
    reference = fold.baselines[REFERENCE](inputs.samples, row)
    # A cell that no training map shows has no climatology: a model that has learnt about it would win or lose alone.
    has_reference = np.isfinite(reference).all(axis=(0, 1))
    sums.unreferenced.append(np.array([float((spatial.covered.numpy() & ~has_reference).sum())]))
    native = ObservedMaps(truth.native(row), spatial.covered.numpy() * truth.series.area, reference)
    scale = inputs.run.scaling(fold.members[0]).target.forward
    known = spatial.known.numpy().astype(np.float64)
    own = ObservedMaps(scale(truth[row].astype(np.float64)), known, scale(_transformed(truth, reference)))
    for model, (on_native, on_own) in _forecasts(inputs, fold, row, own_maps):
        refuse_nonfinite(inputs, model, on_native, spatial.covered.numpy() & has_reference)
        if model == inputs.name:
            sums.distances.append(distances_of_maps(on_native, np.where(native.known(), native.observed, np.nan)))
        add_statistics(
            sums.native.setdefault(model, {}), (*inputs.task.metrics, inputs.task.ranking), native, on_native
        )
        scaled = scale(on_own)
        add_statistics(sums.scaled.setdefault(model, {}), map_scores(inputs).scaled, own, scaled)
        add_cells(sums.cells, model, native, on_native)
        add_power(sums.power, model, own, scaled)
        return_freed()
    add_power(sums.power, OBSERVED, own, own.observed.astype(np.float64))


def _forecasts(
    inputs: EvaluationInputs, fold: Fold, row: Rows, own_maps: NetworkMaps
) -> Iterator[tuple[str, tuple[Values, Values]]]:
    """Yield every model with its maps on the data set's grid and on the network's, physical units."""
    truth = targets(inputs)
    for name, values in own_maps.items():
        yield name, (_inverted(truth, values), values)
    for name in fold.models[len(own_maps) :]:
        native = fold.baselines[name](inputs.samples, row)
        yield name, (native, _transformed(truth, native))


def _inverted(truth: Frames, maps: Values) -> Values:
    return _each_lead(truth.series.spatial.inverse, maps, truth.series.area.shape)


def _transformed(truth: Frames, maps: Values) -> Values:
    return _each_lead(truth.series.spatial, maps, truth.series.spatial.geometry.shape)


def _each_lead(change: Callable[[torch.Tensor], torch.Tensor], maps: Values, shape: tuple[int, ...]) -> Values:
    """Change maps [B, L, ...] one lead time after another."""
    found = np.empty((*maps.shape[:2], *shape))
    with torch.inference_mode():
        for lead in range(maps.shape[1]):
            found[:, lead] = change(torch.from_numpy(maps[:, lead])).numpy()
    return found


def distances_of_maps(forecast: Values, truth: NDArray[np.floating]) -> Values:
    """Return how far cells lie from those observed, as quantiles of each map in ascending order, [B, L, S].

    NaN where a map has no observed cell, such as of a region under ice.
    """
    share = (np.arange(_DISTANCES) + 1) / _DISTANCES
    found = np.empty((*forecast.shape[:2], _DISTANCES))
    for place in np.ndindex(found.shape[:2]):
        apart = np.abs(forecast[place] - truth[place])
        known = apart[np.isfinite(apart)]
        # The upper of two neighbours: what is kept is never nearer than what was found.
        found[place] = np.quantile(known, share, method="higher") if known.size else np.nan
    return found


def observed_alone(distance_NLS: Values, block_N: Rows) -> tuple[Values, Rows]:
    """Return the distances and blocks of forecasts that have an observed cell at each lead time."""
    is_observed_N = np.isfinite(distance_NLS).all(axis=(1, 2))
    return distance_NLS[is_observed_N], block_N[is_observed_N]


def network_maps(inputs: EvaluationInputs, members: Sequence[str], rows: Rows) -> Values:
    """Return the pooled forecasts of some members on the data set's grid, [B, L, y, x]."""
    each = [inputs.predictors[name](inputs.samples, rows) for name in members]
    return _inverted(targets(inputs), inputs.scored(each))


def start_and_lead(sums: MapSums, model: str) -> Values:
    """Return the root mean square error of every forecast and lead time, [N, L]."""
    found = np.concatenate(sums.native[model][errors])
    return np.asarray(np.sqrt(mean_square(found)))

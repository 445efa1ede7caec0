"""Calibration of a run: how far the held-out rows of its folds lie from the predictions of them.

Test rows had no part in training, nor in the choice of a checkpoint. All of them calibrate what is delivered; an
evaluation leaves out the groups that it looks at (`metrics.conformal.held_out_quantiles`).

Legend: P pooled rows, N forecasts, L lead times, S stored distances of a map.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.evaluation.applicability import area_of
from geoml_cli.evaluation.block_means import block_distances
from geoml_cli.evaluation.inputs import EvaluationInputs, blocks, groups_of_samples, open_network
from geoml_cli.evaluation.maps import distances_of_maps, network_maps, observed_alone, targets
from geoml_cli.evaluation.member_rows import MemberRows, PooledRows, evaluated_rows, pool_folds, predict_members
from geoml_cli.inference.load import TrainedRun
from geoml_cli.metrics.conformal import distances
from geoml_cli.metrics.metric import Values
from geoml_cli.runs.applicability import APPLICABILITY, write_applicability
from geoml_cli.runs.calibration import CALIBRATION, Calibration, Difference, KeptDistances, is_kept, write_calibrations
from geoml_cli.splits.grouping import group_called
from geoml_cli.splits.split import Rows
from geoml_cli.work.distinct import common, distinct
from geoml_cli.work.reporting import Reporter

BLOCK = "block of start times"


class HeldOut(NamedTuple):
    """Distances of held-out rows.

    Attributes:
        difference: How they were measured; None of classes.
        distance_P: Of each row.
        spread_P: Of its members; None where there is none.
        probability_PC: Of every class; None of a quantity.
    """

    difference: Difference | None
    distance_P: Values
    spread_P: Values | None = None
    probability_PC: Values | None = None


def calibrate(trained: TrainedRun, dataset: Dataset, reporter: Reporter) -> None:
    """Calibrate every network of a run that is trained to its end and is not calibrated yet.

    Raises:
        DataError: A prediction is not finite.
    """
    run, record = trained.run, trained.run.record()
    is_done = record.status == "finished" and not run.imported
    noted = [name for name in (CALIBRATION, APPLICABILITY) if name in record.checksums]
    is_calibrated = CALIBRATION in noted and all(is_kept(run, name) for name in noted)
    if not is_done or not trained.settings.shared.train.calibrate or is_calibrated:
        return
    found = {}
    for name in trained.networks:
        inputs = open_network(trained, dataset, "test", name)
        if not has_test_rows(inputs):
            continue
        if inputs.task.maps is not None:
            found[name] = calibration_of_maps(*map_distances(inputs, reporter))
            continue
        members = predict_members(inputs, reporter)
        found[name] = calibration_of_rows(inputs, members)
        # Networks one after another have an area each, of which none is that of what they give together.
        if len(trained.networks) == 1 and (area := area_of(inputs, members, reporter)) is not None:
            write_applicability(run, area)
    if found:  # last: a run that has it is calibrated whole
        write_calibrations(run, found)


def has_test_rows(inputs: EvaluationInputs) -> bool:
    """Return whether every member has test rows with an observation."""
    usable = inputs.samples.usable()
    return all(np.isin(inputs.run.split(name).test, usable).any() for name in inputs.predictors)


def calibration_of_rows(inputs: EvaluationInputs, members: list[MemberRows]) -> Calibration:
    """Return the calibration of predictions of test rows; errors as of `held_out_distances`."""
    pooled = pool_folds(inputs, members)
    held_out = held_out_distances(inputs, members, pooled)
    is_grouped = len(distinct(pooled.groups_P)) < len(pooled.groups_P)
    rows = np.arange(len(pooled.rows_P), dtype=np.int64)
    return Calibration(
        difference=held_out.difference,
        rows=len(rows),
        groups=len(distinct(pooled.groups_P)),
        group=group_called(inputs.dataset, inputs.settings.shared.split),
        by_group=(KeptDistances.of(distances(held_out.distance_P, pooled.groups_P)),),
        by_row=(KeptDistances.of(distances(held_out.distance_P, rows)),) if is_grouped else (),
        are_new=are_new_groups(inputs, members),
        of_means=block_distances(inputs, pooled),
        skill=_skill(pooled, _of_known_groups(inputs, members)) if held_out.difference is not None else None,
    )


def _skill(pooled: PooledRows, known_P: NDArray[np.bool_]) -> float | None:
    """Return the Nash-Sutcliffe efficiency of held-out rows; None where observations do not differ.

    Gaps that a sum fills are those of known stations: where some of the rows are of these, others do not count.
    """
    observed = pooled.observed_P[known_P] if known_P.any() else pooled.observed_P
    predicted = pooled.predicted_P[known_P] if known_P.any() else pooled.predicted_P
    variance = float(observed.var())
    return 1 - float(((predicted - observed) ** 2).mean()) / variance if variance > 0 else None


def _of_known_groups(inputs: EvaluationInputs, members: list[MemberRows]) -> NDArray[np.bool_]:
    """Return which pooled rows are of a group (station, block) that their fold's members were trained on, [P]."""
    group_N = groups_of_samples(inputs)
    by_fold = {member.fold: member for member in reversed(members)}  # its first member, as `pool_folds` takes its rows
    folds = [by_fold[fold] for fold in dict.fromkeys(member.fold for member in members)]
    train = [group_N[inputs.run.split(member.name).train] for member in folds]
    return np.concatenate([np.isin(group_N[member.rows_N], own) for member, own in zip(folds, train, strict=True)])


def are_new_groups(inputs: EvaluationInputs, members: list[MemberRows]) -> bool:
    """Return whether no evaluated row is of a group (station, block) that its own members were trained on."""
    group_N = groups_of_samples(inputs)
    splits = {member.name: inputs.run.split(member.name) for member in members}
    return not any(np.isin(group_N[member.rows_N], group_N[splits[member.name].train]).any() for member in members)


def held_out_distances(inputs: EvaluationInputs, members: list[MemberRows], pooled: PooledRows) -> HeldOut:
    """Measure how far observations lie from the predictions of their fold's members.

    Raises:
        DataError: An observation has no logarithm, though the target is trained in logarithms.
    """
    by_fold = {fold: [member for member in members if member.fold == fold] for fold in pooled.folds}
    if inputs.task.probabilities is not None:
        raws = [torch.from_numpy(np.stack([member.raw_N for member in same])) for same in by_fold.values()]
        parts = [inputs.task.probabilities(raw_MN).numpy() for raw_MN in raws]
        probability_PC, true_P = np.concatenate(parts), pooled.observed_P.astype(np.int64)
        distance_P = 1 - probability_PC[np.arange(len(true_P)), true_P]
        return HeldOut(None, distance_P, probability_PC=probability_PC)
    difference = _difference(inputs)
    spreads = [
        difference.spread(np.stack([member.raw_N for member in same]), [fold] * len(same))
        for fold, same in by_fold.items()
    ]
    known = [spread for spread in spreads if spread is not None]
    spread_P = np.concatenate(known) if len(known) == len(spreads) else None
    least = float(spread_P.mean()) if spread_P is not None else None
    difference = difference.model_copy(update={"least_spread": least})
    distance_P = difference.distance(pooled.observed_P, pooled.predicted_P, spread_P)
    if not np.isfinite(distance_P).all():
        raise DataError(
            f"{int((~np.isfinite(distance_P)).sum())} test values have no {difference.transform}.",
            where="calibration of intervals",
            fix="Train a new run with --set target.transform=log1p or none, or with --set train.calibrate=false.",
        )
    return HeldOut(difference, distance_P, spread_P)


def _difference(inputs: EvaluationInputs) -> Difference:
    least, most = inputs.task.limits
    limited = Difference(least_spread=0.0, least=least, most=most)
    if not inputs.task.scales_target:
        return limited
    factors = list(inputs.smearing.values())
    factors = factors or [inputs.run.scaling(name).target.smearing for name in inputs.predictors]
    transform = inputs.settings.shared.target.transform
    return limited.model_copy(update={"transform": transform, "smearing": float(np.log(factors).mean())})


def map_distances(inputs: EvaluationInputs, reporter: Reporter) -> tuple[Values, Rows]:
    """Measure how far observed maps lie from their forecasts, one forecast at a time.

    Returns:
        Distances as quantiles over cells, ascending, [N, L, S], and the block of start times of each forecast, [N].
    """
    folds: dict[str, list[str]] = {}
    for name in inputs.predictors:
        folds.setdefault(inputs.run.split(name).fold, []).append(name)
    rows = {fold: _rows_of(inputs, members[0]) for fold, members in folds.items()}
    found, rows_N = [], np.concatenate(list(rows.values()))
    with reporter.task("calibrate", len(rows_N)) as advance:
        for fold, members in folds.items():
            for row in rows[fold][:, None]:
                forecast = network_maps(inputs, members, row)
                found.append(distances_of_maps(forecast, targets(inputs).native(row)))
                advance(1)
    return np.concatenate(found), blocks(inputs, rows_N)


def _rows_of(inputs: EvaluationInputs, member: str) -> Rows:
    rows = evaluated_rows(inputs.run.split(member), inputs.subset, len(inputs.samples))
    return common(rows, inputs.samples.usable())


def calibration_of_maps(distance_NLS: Values, block_N: Rows) -> Calibration:
    """Return the calibration of forecasts: distances of each lead time, over all cells and start times.

    Raises:
        DataError: No forecast has an observed cell at each lead time.
    """
    distance_NLS, block_N = observed_alone(distance_NLS, block_N)
    if not len(block_N):
        raise DataError(
            "no forecast of the tested maps has an observed cell at each lead time",
            where="frames.crop",
            fix="Choose another crop, or do without intervals: --set train.calibrate=false.",
        )
    forecasts, leads, kept = distance_NLS.shape
    by_lead = [distance_NLS[:, lead].reshape(-1) for lead in range(leads)]
    cells = np.arange(forecasts * kept, dtype=np.int64)
    return Calibration(
        difference=Difference(),
        rows=forecasts,
        groups=len(distinct(block_N)),
        group=BLOCK,
        by_group=tuple(KeptDistances.of(distances(own, block_N[cells // kept])) for own in by_lead),
        by_row=tuple(KeptDistances.of(distances(own, cells)) for own in by_lead),
    )

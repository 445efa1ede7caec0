"""What a careful reviewer asks of a run's splits: does anything of the test rows reach training?

Legend: N samples of the data set, R rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import GeomlError
from geoml_cli.evaluation.audited import Audited, Line, failing
from geoml_cli.evaluation.leaks import (
    constant_at_stations,
    grouping_labels,
    inputs_like_target,
    known_rows,
    variogram_range_km,
)
from geoml_cli.evaluation.same_rows import same_places, same_rows
from geoml_cli.inference.load import TrainedRun
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.coordinates import lon_lat_of_samples, nearest_km
from geoml_cli.samples.samples import Samples
from geoml_cli.samples.scaling import Scaling, fit
from geoml_cli.splits.overlaps import overlapping
from geoml_cli.splits.sample_times import years_of_samples
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.training.plan import target_settings
from geoml_cli.training.start import HeldOut, seen_before, start_of, unknown
from geoml_cli.work.distinct import common, distinct_rows
from geoml_cli.work.numbers import format_number

Rows = NDArray[np.int64]
_IN_TIME = ("chronological", "years", "gaps")
_BY_GROUP = ("groups", "leave-one-out", "regions")
_PLACES = ("station_index", "cell")
"""Variables of whole numbers that name places, not times."""
_FEWEST_PLACES = 30
_SAME = 1e-6
"""Relative difference that a scaling fitted anew may have: its sums are taken in another order."""


def audit(one: Audited) -> list[Line]:
    """Answer every question."""
    known = [(split, scaling) for split, scaling in one.folds if len(split.train)]
    if not known:
        return [Line("training rows", "warn", 0, "they are unknown, as of imported runs: nothing was audited")]
    audited = replace(one, folds=known)
    return [*_subsets(audited), _windows(audited), *_groups(audited), *same_places(audited), *same_rows(audited),
            _scaling(audited), _distance(audited), _gap_filled(audited), _site_inputs(audited),
            _target_inputs(audited)]  # fmt: skip


def audit_network(
    trained: TrainedRun, name: str, dataset: Dataset, samples: Samples, nearest_R: Values | None = None
) -> list[Line]:
    """Audit one network of a run; members of a fold share its split and scaling.

    Args:
        trained: The run.
        name: Of the network.
        dataset: That it was trained on.
        samples: As the network sees them.
        nearest_R: As for `Audited`.
    """
    settings, members = trained.settings, dict[str, str]()
    for member in trained.members_of(name):
        members.setdefault(trained.run.split(member).fold, member)
    target = target_settings(settings, trained.data.signatures, name)

    def refit(rows: Rows) -> Scaling:
        return fit(samples, rows, settings.shared.inputs, target)

    folds = [(trained.run.split(member), trained.run.scaling(member)) for member in members.values()]
    train = settings.shared.train
    is_own = not train.start_run or train.rescale
    lines = audit(Audited(dataset, samples, settings.shared.split, folds, refit if is_own else None, nearest_R))
    return lines + ([_start(trained, members.values(), dataset, samples)] if train.start_run else [])


def _start(trained: TrainedRun, members: Iterable[str], dataset: Dataset, samples: Samples) -> Line:
    """Say whether weights that a run started from have seen its test rows."""
    name, shared, count = "start of training", trained.settings.shared, 0
    with suppress(GeomlError):  # the run is gone, or cannot be read: `unknown` says so
        for member in members:
            split = trained.run.split(member)
            start = start_of(shared.train, member, split.network)
            assert start is not None, "the run has a start"
            held_out = HeldOut(dataset, samples, split, shared.split.exclude_overlaps)
            count += sum(met for _, met in seen_before(start, held_out))
    if not count and (why := unknown(shared.train, dataset)):
        return Line(name, "warn", 0, why)
    began = f"those of {shared.train.start_run}"
    return failing(
        name, count, f"rows of test or validation were trained on by the weights that this run began with, {began}",
        f"the weights that this run began with, {began}, have seen no row of test or validation",
    )  # fmt: skip


def _subsets(one: Audited) -> Iterator[Line]:
    learnt = sum(len(common(split.train, split.test)) for split, _ in one.folds)
    yield failing("test rows trained on", learnt, "rows are in training and test", "no row is in training and test")
    chosen = sum(len(common(split.validation, split.test)) for split, _ in one.folds)
    yield failing(
        "checkpoint", chosen, "test rows chose the checkpoint, as they are validation rows too",
        "validation rows chose the checkpoint; none is a test row",
    )  # fmt: skip


def _windows(one: Audited) -> Line:
    name, span = "overlap of windows", one.samples.span
    if span is None:
        return Line(name, "not applicable", 0, "samples are not windows of a series")
    count = 0
    for split, _ in one.folds:
        count += int(overlapping(split.test, np.concatenate([split.train, split.validation]), span).sum())
    return failing(
        name, count, "windows of test rows share time steps with those of training or validation rows; see "
        "split.exclude_overlaps", "no window of a test row shares a time step with one of training or validation",
    )  # fmt: skip


def _groups(one: Audited) -> Iterator[Line]:
    """Yield a line for stations, coarse cells and places: does any stand on both sides?"""
    found = grouping_labels(one.dataset, len(one.samples)) if one.one_value else {}
    if not found:
        yield Line("stations and cells", "not applicable", 0, "samples have no station, cell or coordinates")
    for name, label_N in found.items():
        count = sum(int(known_rows(one.dataset, one.settings, split, name, label_N).sum()) for split, _ in one.folds)
        where = f"same {name}"
        if not count:
            yield Line(where, "pass", 0, f"no test row is of a {name} that trained, or its year is held out too")
        elif one.settings.kind in _IN_TIME or _by_something_else(one.settings, name) or _of_other_years(one):
            others = _others(one)
            yield Line(where, "warn", count, f"test rows are of a {name} that trained: scores are of {others} there")
        else:
            yield Line(where, "fail", count, f"test rows are of a {name} that trained or validated")


def _by_something_else(settings: SplitSettings, name: str) -> bool:
    """Return whether groups of another variable are held out, such as years."""
    return settings.kind in _BY_GROUP and settings.group_by.removesuffix("_index") != name and not settings.second_group


def _of_other_years(one: Audited) -> bool:
    """Return whether folds that were given hold out years: none that is tested trains."""
    if one.settings.kind != "given" or not (one.dataset.has("time") or one.dataset.has("year")):
        return False
    year_N = years_of_samples(one.dataset, len(one.samples))
    return not any(
        np.isin(year_N[split.test], year_N[np.concatenate([split.train, split.validation])]).any()
        for split, _ in one.folds
    )


def _others(one: Audited) -> str:
    """Say what is held out where a split goes by something else than a place: times, or what lies at it."""
    name = one.settings.group_by
    if one.settings.kind in (*_IN_TIME, "given") or not (name in _PLACES or one.dataset.is_text(name)):
        return "other times"
    return f"another {name.removesuffix('_index')}, at times that may be the same,"


def _scaling(one: Audited) -> Line:
    name = "scaling"
    if one.refit is None:
        return Line(name, "not applicable", 0, "scaling came with the weights that training started from")
    different = sum(not _alike(one.refit(split.train), scaling) for split, scaling in one.folds)
    return failing(
        name, different, "folds have a scaling that was not fitted on their training rows alone",
        "fitted anew on the training rows, the scaling of every fold is the same",
    )  # fmt: skip


def _alike(fitted: Scaling, stored: Scaling) -> bool:
    """Compare transforms, shifts and scales; a range that was never stored is not compared."""
    if set(fitted.inputs) != set(stored.inputs) or fitted.target.transform != stored.target.transform:
        return False
    pairs = [(fitted.inputs[name], stored.inputs[name]) for name in fitted.inputs]
    numbers = [([*a.shift, *a.scale], [*b.shift, *b.scale]) for a, b in pairs]
    numbers.append(([fitted.target.shift, fitted.target.scale], [stored.target.shift, stored.target.scale]))
    return all(len(a) == len(b) and np.allclose(a, b, rtol=_SAME, atol=_SAME * max(map(abs, a))) for a, b in numbers)


def _distance(one: Audited) -> Line:
    name = "distance of test rows"
    place_N2 = lon_lat_of_samples(one.dataset, len(one.samples))
    if (
        one.samples.target.classes
        or not one.one_value
        or not np.isfinite(place_N2).all()
        or len(distinct_rows(place_N2)[0]) < _FEWEST_PLACES
    ):
        return Line(
            name, "not applicable", 0, f"the target is no quantity, or fewer than {_FEWEST_PLACES} places known"
        )
    target = np.asarray(one.samples.target.rows, dtype=np.float64)
    reach = variogram_range_km(place_N2, target)
    near_R = one.nearest_R
    if near_R is None:
        near_R = np.concatenate([nearest_km(place_N2[split.test], place_N2[split.train]) for split, _ in one.folds])
    middle, near = float(np.median(near_R)), int((near_R < reach).sum())
    detail = (
        f"half of the test rows lie within {format_number(middle)} km of a training row; range of the variogram: "
        f"{format_number(reach)} km"
    )
    return Line(name, "warn" if middle < reach else "pass", near, detail)


def _gap_filled(one: Audited) -> Line:
    detail = str(one.dataset.manifest.facts.get("gap_filled", ""))
    if not detail:
        return Line("gap-filled targets", "pass", 0, "the source says of no target that it is gap-filled")
    return Line("gap-filled targets", "warn", 0, detail)


def _target_inputs(one: Audited) -> Line:
    name = "inputs that give the target"
    if not one.one_value or one.samples.target.classes:
        return Line(name, "not applicable", 0, "the target is no quantity of a sample")
    if found := inputs_like_target(one.samples):
        line = "a straight line leads from a value or the mean of it to the target. Is it known where one predicts?"
        detail = f"{', '.join(found)}: {line}"
        return Line(name, "warn", len(found), detail)
    return Line(name, "pass", 0, "the target follows from no single input by a straight line")


def _site_inputs(one: Audited) -> Line:
    name = "inputs that name the site"
    if not one.dataset.has("station") or not one.one_value:
        return Line(name, "not applicable", 0, "there are no stations")
    constant = constant_at_stations(one.dataset, one.samples)
    if not constant:
        return Line(name, "pass", 0, "no input has one value at a station and another at each other station")
    detail = f"{', '.join(constant)}: one value a station, each another; a network can tell stations apart by it"
    return Line(name, "warn", len(constant), detail)

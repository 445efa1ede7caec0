"""Rows that an audit finds once more on the other side of a split: their station, their inputs, all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from geoml_cli.evaluation.audited import Audited, Line, failing
from geoml_cli.evaluation.leaks import identical_rows, known_rows, shared_places
from geoml_cli.samples.coordinates import lon_lat_of_samples

_BY_CHANCE = 0.01
"""Share of rows of classes that may have the inputs of others."""


def same_places(one: Audited) -> Iterator[Line]:
    """Yield a line where stations share coordinates: one station may stand there under two names."""
    place_N = shared_places(one.dataset) if one.one_value else None
    if place_N is None:
        return
    name, count = "stations at one place", 0
    station_N = np.asarray(one.dataset.array("station_index"), dtype=np.int64)
    for split, _ in one.folds:
        at_place, own = (
            known_rows(one.dataset, one.settings, split, "station", label_N) for label_N in (place_N, station_N)
        )
        count += int((at_place & ~own).sum())
    wrong = "test rows have the coordinates of a station of another name that trained or validated: is it the same one?"
    right = "no test row has the coordinates of a station of another name that trained or validated"
    yield Line(name, "warn", count, wrong) if count else Line(name, "pass", 0, right)


def same_rows(one: Audited) -> Iterator[Line]:
    """Yield a line for rows that are there once more, and one for rows whose inputs are those of a training row."""
    names = ("duplicates", "same inputs")
    if not one.one_value:
        yield from (Line(name, "not applicable", 0, "samples are maps") for name in names)
        return
    inputs_N, same_N = identical_rows(one.samples, lon_lat_of_samples(one.dataset, len(one.samples)))
    again = [np.isin(same_N[split.test], same_N[split.train]) for split, _ in one.folds]
    known = [np.isin(inputs_N[split.test], inputs_N[split.train]) for split, _ in one.folds]
    wrong = "test rows have the inputs and the target of a training row"
    yield failing(names[0], sum(int(twice.sum()) for twice in again), wrong, "no test row is a training row once more")
    count = sum(int((seen & ~twice).sum()) for seen, twice in zip(known, again, strict=True))
    # Of classes a few pixels may have equal covariates by chance.
    few = _BY_CHANCE * sum(map(len, known)) if one.samples.target.classes else 0
    learnt = "test rows have the inputs of a training row and another target, such as a second sample of its pixel"
    none = "no test row has the inputs of a training row"
    right = none if not count else f"{count} test rows have the inputs of a training row, no more than by chance"
    yield Line(names[1], "warn", count, learnt) if count > few else Line(names[1], "pass", count, right)

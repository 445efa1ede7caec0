"""How far test samples lie from training samples, compared with how far the map lies from samples.

Meyer and Pebesma 2022, doi:10.1038/s41467-022-29838-9: scores say what a map is worth where both are alike.

Legend: N samples, U places, P points of the map, T test places and R test rows of a fold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from geoml_cli.errors import GeomlError
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.figures.distances import cumulative_distances
from geoml_cli.figures.report import ReportFigure
from geoml_cli.figures.style import png
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.coordinates import lon_lat_of_samples, nearest_km
from geoml_cli.splits.knndm import DECIMALS
from geoml_cli.splits.map_points import map_points
from geoml_cli.splits.split import Rows
from geoml_cli.work.distinct import distinct, distinct_rows
from geoml_cli.work.numbers import format_number

FIGURE, TABLE = "distances.png", "distances.csv"
_FEWEST_PLACES = 10
_ALIKE = 1.25
"""Ratio of medians up to which distances are called alike."""
_SAMPLES, _FOLDS, _MAP = "sample to sample", "fold to fold", "map to sample"


@dataclass(frozen=True)
class SplitDistances:
    """Great-circle distances [km] by what they are of, or why there are none.

    Attributes:
        by_name: From every place of samples to the nearest other; from every test place of a fold to the nearest
            training place; from every point of the map to the nearest place of samples.
        missing: Why there are none.
        of_test_rows: From every test row of every fold to the nearest training row; None where there are none.
    """

    by_name: dict[str, Values]
    missing: str = ""
    of_test_rows: Values | None = None


def split_distances(inputs: EvaluationInputs) -> SplitDistances:
    """Measure the distances of a split, where samples have places."""
    if inputs.task.maps is not None or inputs.subset != "test":
        return SplitDistances({}, "Distances of the split: they are shown for test samples at places.")
    place_N2 = lon_lat_of_samples(inputs.dataset, len(inputs.samples)).round(DECIMALS)
    if not np.isfinite(place_N2).all():
        return SplitDistances({}, "Distances of the split: samples have no coordinates.")
    place_U2, place_N = distinct_rows(place_N2)
    del place_N2  # of millions of rows
    if len(place_U2) < _FEWEST_PLACES:
        return SplitDistances({}, f"Distances of the split: samples lie at fewer than {_FEWEST_PLACES} places.")
    try:
        points_P2 = map_points(inputs.settings.shared.split.map_points, place_U2)
    except GeomlError as error:  # the scores stand without it
        return SplitDistances({}, f"Distances of the split: {error}")
    folds = list(_folds(inputs, place_N, place_U2))
    if not folds:
        return SplitDistances({}, "Distances of the split: the training rows are unknown.")
    return SplitDistances(
        {
            _SAMPLES: nearest_km(place_U2, place_U2, rank=2),
            _FOLDS: np.concatenate([km_T for km_T, _ in folds]),
            _MAP: nearest_km(points_P2, place_U2),
        },
        of_test_rows=np.concatenate([km_T[place_R] for km_T, place_R in folds]),
    )


def _folds(inputs: EvaluationInputs, place_N: Rows, place_U2: Values) -> Iterator[tuple[Values, Rows]]:
    """Yield the distances of the test places of every fold, and the place of each test row among these."""
    splits = {split.fold: split for split in map(inputs.run.split, inputs.predictors)}
    for split in splits.values():
        if len(split.train) and len(split.test):
            test_T, place_R = np.unique(place_N[split.test], return_inverse=True)
            yield nearest_km(place_U2[test_T], place_U2[distinct(place_N[split.train])]), place_R.reshape(-1)


def distance_figure(inputs: EvaluationInputs, distances: SplitDistances) -> ReportFigure | str:
    """Draw the distances, or say why there are none."""
    if distances.missing:
        return distances.missing
    middle = {name: float(np.median(values)) for name, values in distances.by_name.items()}
    named = inputs.settings.shared.split.map_points
    points = f"points of {named}" if named else "points spread over the convex hull of the samples"
    return ReportFigure(
        title="Distances of the split and of the map",
        caption=f"{_verdict(middle)} Share of places within a distance: of each place with samples to the nearest "
        f"other, of test places to the nearest training place of their fold, and of {points} to the nearest sample.",
        text="Medians of three distributions of distances: "
        + ", ".join(f"{name} {format_number(value)} km" for name, value in middle.items())
        + ".",
        png=png(cumulative_distances(distances.by_name)),
    )


def _verdict(middle: dict[str, float]) -> str:
    fold, area = middle[_FOLDS], middle[_MAP]
    text = (
        f"Half of the test places lie within {format_number(fold)} km of a training sample, half of the map within "
        f"{format_number(area)} km of a sample"
    )
    if fold * _ALIKE < area:
        return f"{text}: the test is easier than the map, and the scores may be too good for it."
    if area * _ALIKE < fold:
        return f"{text}: the test is harder than the map, and the scores may be too bad for it."
    return f"{text}: the test is about as far as the map."


def distance_rows(distances: SplitDistances) -> Iterator[Sequence[str | float]]:
    """Yield quantiles of the distances [km], a row for each share of the places."""
    yield ["share", *(f"{name.replace(' ', '_')}_km" for name in distances.by_name)]
    shares = np.arange(101) / 100
    quantiles = [np.quantile(values, shares).tolist() for values in distances.by_name.values()]
    yield from ([share, *each] for share, *each in zip(shares.tolist(), *quantiles, strict=True))

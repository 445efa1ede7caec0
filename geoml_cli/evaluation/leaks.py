"""Measurements of an audit: rows alike, known, near.

Legend: N samples of the data set, R rows, L lags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.coordinates import EARTH_RADIUS_KM, lon_lat_of_samples, on_sphere
from geoml_cli.samples.samples import Samples
from geoml_cli.splits.members import novelty
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Split
from geoml_cli.work.distinct import distinct_rows

Labels = NDArray[np.int64]
Flags = NDArray[np.bool_]
_ROWS_AT_ONCE = 8192
_MOST_PAIRED = 1500
_LAGS = 20
_SILL = 0.95
_MOST_AT_STATION = 100
_MOST_COMPARED, _FEWEST_COMPARED, _MOST_VALUES, _SAME_LINE = 2_000, 30, 10_000_000, 0.9999
"""Samples in which inputs are compared with the target, and values of one input; the correlation of the same."""
_PLACES = 6
"""Decimals of a degree to which places are the same: a decimetre."""


def grouping_labels(dataset: Dataset, samples: int) -> dict[str, Labels]:
    """Number the station, coarse cell and place of every sample, each [N], by name; those there are."""
    found: dict[str, Labels] = {}
    if dataset.has("station_index"):
        found["station"] = np.asarray(dataset.array("station_index"), dtype=np.int64)
    for name in ("cell", "smap_cell"):
        if dataset.has(name) and dataset.array(name).shape == (samples,):
            found[name.replace("_", " ")] = np.asarray(dataset.array(name), dtype=np.int64)
    place_N2 = lon_lat_of_samples(dataset, samples)
    if not found and np.isfinite(place_N2).all():
        found["place"] = distinct_rows(place_N2.round(_PLACES))[1]
    return found


def shared_places(dataset: Dataset) -> Labels | None:
    """Number the place of every sample, [N], so that stations at the same coordinates share one.

    None where there are no stations of samples, or each stands at a place of its own.
    """
    if not all(dataset.has(name) for name in ("station_index", "lon", "lat")):
        return None
    place_S2 = np.stack([np.asarray(dataset.array(name), dtype=np.float64) for name in ("lon", "lat")], axis=1)
    places, place_S = distinct_rows(place_S2.round(_PLACES))
    if len(places) == len(place_S2) or not np.isfinite(place_S2).all():
        return None
    return np.asarray(place_S[np.asarray(dataset.array("station_index"))], dtype=np.int64)


def known_rows(dataset: Dataset, settings: SplitSettings, split: Split, name: str, label_N: Labels) -> Flags:
    """Return which test rows are of a group that trained or validated, and are not held out in another way, [R]."""
    learnt = np.concatenate([split.train, split.validation])
    known = np.isin(label_N[split.test], label_N[learnt])
    unseen = novelty(dataset, settings, split, len(label_N))
    for grouping, away in unseen.items():
        if grouping.removesuffix("_index") != name:
            known &= ~away  # an unseen year of a known station is held out
    return np.asarray(known)


def identical_rows(samples: Samples, place_N2: Values) -> tuple[Labels, Labels]:
    """Number samples so that those with the same inputs have the same number, and those with the target too, [N] each.

    Args:
        samples: What the network sees.
        place_N2: Longitude and latitude. Of classes, two pixels may have equal covariates and the same class by chance,
            and only those at one place are the same.
    """
    target = np.asarray(samples.target.rows, dtype=np.float32)
    inputs = [item.values for item in samples.inputs.values() if not item.shared]
    of_inputs, digest = np.empty((2, len(samples)), dtype=np.uint64)
    for start in range(0, len(samples), _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, len(samples)))
        of_inputs[rows] = _digest([values[rows] for values in inputs])
        more = [place_N2[rows]] if samples.target.classes else []
        digest[rows] = _digest([of_inputs[rows], target[rows], *more])
    each = (np.unique(numbers, return_inverse=True)[1].reshape(-1).astype(np.int64) for numbers in (of_inputs, digest))
    return next(each), next(each)


def _digest(blocks: Sequence[NDArray[Any]]) -> NDArray[np.uint64]:
    """Hash rows of all blocks together, [R]: the sum of their words, each mixed with a key of its column."""
    rows = [np.ascontiguousarray(block).reshape(len(block), -1) for block in blocks]
    content = np.concatenate([block.view(np.uint8) for block in rows], axis=1)
    content = np.pad(content, ((0, 0), (0, -content.shape[1] % 8)))
    words = content.view(np.uint64)
    words ^= np.random.default_rng(1).integers(0, 2**64, words.shape[1], dtype=np.uint64)
    # The mixing of splitmix64: Steele, Lea and Flood 2014, doi:10.1145/2714064.2660195.
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        words ^= words >> np.uint64(shift)
        words *= np.uint64(factor)
    return np.asarray(words.sum(axis=1, dtype=np.uint64))


def variogram_range_km(places_N2: Values, values_N: Values) -> float:
    """Return the lag at which the empirical semivariogram first reaches 95 % of the variance [km].

    Of at most 1500 values drawn with a fixed seed, in lags up to half the extent; infinite where it never does,
    as for a trend over the whole region. Matheron 1963, doi:10.2113/gsecongeo.58.8.1246.
    """
    known = np.flatnonzero(np.isfinite(values_N))
    if len(known) > _MOST_PAIRED:
        known = np.random.default_rng(1).choice(known, _MOST_PAIRED, replace=False)
    point, value = on_sphere(places_N2[known]), values_N[known]
    one, two = np.triu_indices(len(known), 1)
    chord = np.linalg.norm(point[one] - point[two], axis=1)
    distance = 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2, 0, 1))
    half = (value[one] - value[two]) ** 2 / 2
    edges = np.linspace(0, distance.max() / 2, _LAGS + 1)
    lag = np.digitize(distance, edges) - 1
    inside = lag < _LAGS
    count_L = np.bincount(lag[inside], minlength=_LAGS)
    sum_L = np.bincount(lag[inside], weights=half[inside], minlength=_LAGS)
    variance = float(value.var())
    reached = np.flatnonzero((count_L > 0) & (sum_L / np.maximum(count_L, 1) >= _SILL * variance))
    return float((edges[reached[0]] + edges[reached[0] + 1]) / 2) if len(reached) else float("inf")


def inputs_like_target(samples: Samples) -> list[str]:
    """Name the variables of which a value of the window, or the mean over it, gives the target by a straight line.

    In some of the samples, and of inputs that are scaled: codes of classes and clock times give nothing by a line.
    """
    usable, found = samples.usable(), []
    for name, item in samples.inputs.items():
        if item.shared or not item.scaled:
            continue
        most = min(_MOST_COMPARED, max(_MOST_VALUES // int(np.prod(item.values.shape[1:])), _FEWEST_COMPARED))
        rows = usable[:: max(-(-len(usable) // most), 1)]
        target_R = np.asarray(samples.target.rows, dtype=np.float64)[rows]
        values = np.moveaxis(np.asarray(item.values[rows], dtype=np.float64), item.axis, 1)
        # A single name stands for all maps of one variable.
        names = item.names * (1 if len(item.names) == values.shape[1] else values.shape[1])
        for variable, values_RP in zip(names, np.moveaxis(values.reshape(*values.shape[:2], -1), 1, 0), strict=True):
            each = np.concatenate([values_RP, values_RP.mean(axis=1, keepdims=True)], axis=1)
            if (_correlations(each, target_R) > _SAME_LINE).any():
                found.append(f"{variable} ({name})")
    return list(dict.fromkeys(found))


def _correlations(values_RP: Values, target_R: Values) -> Values:
    """Return the absolute correlation of each column with the target, [P]; 0 where few rows or one value are known."""
    known_RP = np.isfinite(values_RP)
    count_P = known_RP.sum(axis=0)
    values_RP, target_RP = np.where(known_RP, values_RP, 0.0), np.where(known_RP, target_R[:, None], 0.0)
    mean_P, target_mean_P = (part.sum(axis=0) / np.maximum(count_P, 1) for part in (values_RP, target_RP))
    values_RP, target_RP = (
        np.where(known_RP, part - mean, 0.0) for part, mean in ((values_RP, mean_P), (target_RP, target_mean_P))
    )
    scale_P = np.sqrt((values_RP**2).sum(axis=0) * (target_RP**2).sum(axis=0))
    compared = (count_P >= _FEWEST_COMPARED) & (scale_P > 0)
    return np.asarray(
        np.where(compared, np.abs((values_RP * target_RP).sum(axis=0)) / np.where(compared, scale_P, 1), 0)
    )


def constant_at_stations(dataset: Dataset, samples: Samples) -> list[str]:
    """Name the input variables that have one value at each station, and another at every other."""
    station_N = np.unique(np.array(dataset.labels("station")), return_inverse=True)[1]
    if dataset.has("station_index"):
        station_N = np.asarray(dataset.array("station_index"), dtype=np.int64)
    order = np.argsort(station_N, kind="stable")
    whole = np.split(order, np.flatnonzero(np.diff(station_N[order])) + 1)
    chosen = [rows[:: -(-len(rows) // _MOST_AT_STATION)] for rows in whole]
    order, first = np.concatenate(chosen), np.cumsum([0, *map(len, chosen[:-1])])
    found = []
    for name, item in samples.inputs.items():
        if item.shared or item.axis != item.values.ndim - 1 or len(item.names) != item.values.shape[-1]:
            continue
        steps = np.asarray(item.values[order], dtype=np.float64).reshape(len(order), -1, len(item.names))
        values = steps[:, -1]  # the latest step of a window
        low, high = np.minimum.reduceat(values, first, axis=0), np.maximum.reduceat(values, first, axis=0)
        for column, variable in enumerate(item.names):
            is_constant = (low[:, column] == high[:, column]).all()
            if is_constant and len(np.unique(low[:, column])) == len(first) > 1:
                found.append(f"{variable} ({name})" if len(samples.inputs) > 1 else variable)
    return found

"""Samples of one data set in another: they are the same where they are of one place and time.

Legend: N samples of a data set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.samples.coordinates import lon_lat_of_samples
from geoml_cli.samples.samples import Samples, WindowSpan
from geoml_cli.samples.times import begin_of
from geoml_cli.splits.sample_times import minutes_of_samples, years_of_samples
from geoml_cli.work.distinct import distinct

Numbers = NDArray[np.int64]
_APART = 4e-5
"""Height of a bin [degrees], and its width as it is at the equator. Places less than half of it apart in both
directions, 2 m, are surely found: they are the same written with five decimals, or in single precision."""
_STATIONS_APART, _NAMESAKES_APART = 1e-3, 0.1
"""Likewise of stations, which hardly stand so close, and of those of one name: providers give three or two decimals."""
_SHIFTS = (0.0, 0.5)
"""Of bins, in both directions: two places that lie on both sides of an edge share a bin that is shifted."""


class Described(NamedTuple):
    """A data set, and its samples as a network sees them."""

    dataset: Dataset
    samples: Samples


def recognised_by(dataset: Dataset) -> tuple[str, ...]:
    """Name by what samples are recognised in another data set; nothing where they are not.

    Windows of maps have no place, and without one nothing tells two satellites apart.
    """
    if dataset.manifest.layout == "grid":
        return ()
    described = dataset.manifest.variables.items()
    samples = len(dataset.array(next(name for name, of in described if of.dims == ("sample",) and of.dtype != "str")))
    if not np.isfinite(lon_lat_of_samples(dataset, samples)).all():
        return ()
    return ("place",) if _times(dataset, samples) is None else ("place", "time")


def common_spans(one: Described, other: Described) -> Iterator[tuple[WindowSpan, WindowSpan]]:
    """Give the steps [min] of the samples of two data sets, whose series are places that both share, [N] each.

    Places of a series are some metres apart at most, or are stations of one name. They are numbered in several ways:
    samples are the same where they are in any of them.

    Args:
        one: A data set with places, and with times where the other has some.
        other: Likewise.
    """
    reaches = [_reach(each) for each in (one, other)]
    earliest = min(int(first.min(initial=0)) for first, _ in reaches)
    both = (one, other)
    are_stations = all(each.dataset.has("station_index") for each in both)
    for shifts, named in product(product(_SHIFTS, _SHIFTS), (False, True) if are_stations else (False,)):
        apart = _NAMESAKES_APART if named else _STATIONS_APART if are_stations else _APART
        bins = [_bins(each, apart, shifts) for each in both]
        if named:
            bins = _of_namesakes(both, bins)
        places = distinct(*bins)
        first, second = (
            WindowSpan(np.searchsorted(places, bin_N), first_N - earliest, last_N - earliest, 1 / 60)
            for bin_N, (first_N, last_N) in zip(bins, reaches, strict=True)
        )
        yield first, second


def _bins(one: Described, apart: float, shifts: tuple[float, float]) -> Numbers:
    """Number the bin that each sample lies in, [N]: a row of as many bins as its parallel has room for."""
    longitude_N, latitude_N = lon_lat_of_samples(one.dataset, len(one.samples)).T
    north_N = np.floor(latitude_N / apart + shifts[1])
    parallel_N = np.cos(np.radians(np.clip((north_N + 0.5 - shifts[1]) * apart, -90, 90)))
    around_N = np.maximum(np.round(360 / apart * parallel_N), 1)
    east_N = np.floor(longitude_N % 360 / 360 * around_N + shifts[0]) % around_N
    most = round(360 / apart) + 1
    return np.asarray(((north_N + most) * most + east_N).astype(np.int64))


def _of_namesakes(both: Sequence[Described], bins: Sequence[Numbers]) -> list[Numbers]:
    """Number bins of each name by itself, [N] each; stations whose names are numbers have none in common."""
    spelled = [[re.sub(r"[\W_]+", "", name).casefold() for name in one.dataset.labels("station")] for one in both]
    names = {name: number for number, name in enumerate({name for each in spelled for name in each})}
    found = []
    for side, (one, bin_N) in enumerate(zip(both, bins, strict=True), start=1):
        number_S = np.array([names[name] for name in spelled[side - 1]], dtype=np.int64)
        is_name_S = np.array([any(map(str.isalpha, name)) for name in spelled[side - 1]])
        place_N = np.asarray(one.dataset.array("station_index"))
        found.append(np.where(is_name_S[place_N], bin_N * len(names) + number_S[place_N], -side))
    return found


def _reach(one: Described) -> tuple[Numbers, Numbers]:
    """Return the begin of the first and of the last step of each sample [min since 1970], [N]; 0 without times."""
    time_N, span = _times(one.dataset, len(one.samples)), one.samples.span
    if time_N is None:
        time_N = np.zeros(len(one.samples), dtype=np.int64)
        return time_N, time_N
    if span is None:
        return time_N, time_N
    step = round(span.step_hours * 60)
    last_N = time_N
    if one.dataset.has("index"):  # a window may reach beyond its sample's own record
        last_N = time_N + (span.last - np.asarray(one.dataset.array("index"), dtype=np.int64)) * step
    # A quarter of a step more: months and years are of different lengths.
    return last_N - (span.last - span.first) * step - step // 4, last_N


def _times(dataset: Dataset, samples: int) -> Numbers | None:
    """Return the time of every sample [min since 1970], or its year, [N]; None where there is neither."""
    if dataset.has("time"):
        return np.asarray(minutes_of_samples(dataset, samples) + begin_of(dataset.unit("time")).astype(np.int64))
    has_years = dataset.has("year") and dataset.array("year").shape == (samples,)
    return years_of_samples(dataset, samples) if has_years else None

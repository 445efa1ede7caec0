"""Marginal distribution sampling beside the network: filled from the same records of the same stations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.baselines.baseline import Baseline, BaselinePredictor, Rows
from geoml_cli.baselines.mds import Filled, Series, fill
from geoml_cli.errors import SettingsError
from geoml_cli.samples.samples import Samples

Values = NDArray[np.float64]
_DRIVERS = {
    "global radiation (SW_IN)": ("SW_IN_F", "SW_IN_F_MDS", "SW_IN"),
    "air temperature (TA)": ("TA_F", "TA_F_MDS", "TA"),
    "vapour pressure deficit (VPD)": ("VPD_F", "VPD_F_MDS", "VPD"),
}
"""What weather is alike by, and under which names data hold it, the most complete first."""


def filled(samples: Samples, known: Rows, asked: Rows) -> Filled:
    """Fill samples from those whose flux may be known.

    Args:
        samples: Of stations.
        known: Samples whose flux is used.
        asked: Samples to fill.

    Raises:
        SettingsError: Samples are no half-hours or hours of stations, or a driver is missing.
    """
    if samples.records is None:
        raise SettingsError(
            "marginal distribution sampling fills series of stations, and these samples are none.",
            where="mds",
            fix="Leave it out.",
        )
    flux_N = np.full(len(samples), np.nan)
    if samples.target.values is not None:
        flux_N[known] = np.asarray(samples.target.values[:], dtype=np.float64)[known]
    drivers = [_driver(samples, name) for name in _DRIVERS]
    whole = Filled(np.full(len(asked), np.nan), np.full(len(asked), np.nan), np.zeros(len(asked), dtype=np.int64))
    for station in np.unique(samples.records.station_N[asked]):
        own = np.flatnonzero(samples.records.station_N == station)
        own = own[np.argsort(samples.records.minute_N[own], kind="stable")]
        radiation, warmth, dryness = (values_N[own] for values_N in drivers)
        series = Series(
            samples.records.minute_N[own], flux_N[own], radiation, warmth, dryness, samples.records.step_minutes
        )
        of_station = samples.records.station_N[asked] == station
        place = np.empty(len(samples), dtype=np.int64)
        place[own] = np.arange(len(own))
        part = fill(series, place[asked[of_station]])
        for values_A, found_A in zip(whole, part, strict=True):
            values_A[of_station] = found_A
    return whole


def _driver(samples: Samples, described: str) -> Values:
    item = samples.inputs["dynamic"]
    name = next((name for name in _DRIVERS[described] if name in item.names), None)
    if name is None:
        raise SettingsError(
            f"marginal distribution sampling needs {described}, and the data hold {', '.join(item.names)}.",
            where="mds",
            fix="Leave it out, or prepare with --dynamic that names it.",
        )
    return np.asarray(item.values[:][:, -1, item.names.index(name)], dtype=np.float64)


def _fit(samples: Samples, train: Rows, seed: int) -> BaselinePredictor:
    """Keep the training rows; there is nothing random in it."""

    def predict(same: Samples, rows: Rows) -> Values:
        return filled(same, train, rows).mean_A

    return predict


BASELINES: dict[str, Baseline] = {
    "mds": Baseline("marginal distribution sampling: the mean flux of like weather near in time", _fit)
}

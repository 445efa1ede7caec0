"""Marginal distribution sampling, compared with the network: filled from the same records of the same stations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.baselines.baseline import Baseline, BaselinePredictor, Rows
from geoml_cli.baselines.mds import Series, fill
from geoml_cli.dataset.store import Variables
from geoml_cli.errors import SettingsError
from geoml_cli.samples.coordinates import station_of_records
from geoml_cli.samples.samples import Samples

Values = NDArray[np.float64]
_DRIVERS = {
    "global radiation (SW_IN)": ("SW_IN_F", "SW_IN_F_MDS", "SW_IN"),
    "air temperature (TA)": ("TA_F", "TA_F_MDS", "TA"),
    "vapour pressure deficit (VPD)": ("VPD_F", "VPD_F_MDS", "VPD"),
}
"""What weather is alike by, and under which names data hold it, the most complete first."""


class _Records(NamedTuple):
    """Records of stations.

    Attributes:
        station_R: Number of the station of each.
        minute_R: Begin of each [min].
        drivers_R: Radiation, temperature and vapour pressure deficit.
        step: Length of a record [min].
    """

    station_R: NDArray[np.int64]
    minute_R: NDArray[np.int64]
    drivers_R: list[Values]
    step: int


def _filled(records: _Records, flux_R: Values, rows: Rows) -> Values:
    """Fill records, station by station, from others whose flux is known; NaN where nothing like them is near."""
    found_A = np.full(len(rows), np.nan)
    place = np.empty(len(flux_R), dtype=np.int64)
    for station in np.unique(records.station_R[rows]):
        own = np.flatnonzero(records.station_R == station)
        own = own[np.argsort(records.minute_R[own], kind="stable")]
        # `fill` numbers the records of one station, in order of time.
        place[own] = np.arange(len(own))
        radiation, warmth, dryness = (values_R[own] for values_R in records.drivers_R)
        series = Series(records.minute_R[own], flux_R[own], radiation, warmth, dryness, records.step)
        is_asked = records.station_R[rows] == station
        # A known flux fills any record but its own, so that training rows may be asked for as well.
        found_A[is_asked] = fill(series, place[rows[is_asked]], leave_one_out=True).mean_A
    return found_A


def _of_samples(samples: Samples) -> _Records:
    if samples.records is None:
        raise SettingsError(
            "marginal distribution sampling fills series of stations, and these samples are none.",
            where="mds",
            fix="Leave it out.",
        )
    item, records = samples.inputs["dynamic"], samples.records
    drivers = [item.values[:][:, -1, item.names.index(name)].astype(np.float64) for name in _drivers(item.names)]
    return _Records(records.station_N, records.minute_N, drivers, records.step_minutes)


def _of_dataset(variables: Variables) -> _Records:
    minute = np.asarray(variables.array("time"), dtype=np.int64)
    names = _drivers(variables.labels("dynamic"))
    drivers = [np.asarray(variables.array(name), dtype=np.float64) for name in names]
    return _Records(station_of_records(variables), minute, drivers, int(variables.array("step")[0]))


def _drivers(known: Sequence[str]) -> list[str]:
    """Name the drivers among the variables."""
    found = []
    for described, names in _DRIVERS.items():
        name = next((name for name in names if name in known), None)
        if name is None:
            raise SettingsError(
                f"marginal distribution sampling needs {described}, and the data hold {', '.join(known)}.",
                where="mds",
                fix="Leave it out, or prepare with --dynamic that names it.",
            )
        found.append(name)
    return found


def _fit(samples: Samples, train: Rows, seed: int) -> BaselinePredictor:
    """Keep the training rows; there is nothing random in it."""

    def predict(same: Samples, rows: Rows) -> Values:
        # Drivers are those of all rows, fluxes those of training rows alone.
        flux_N = np.full(len(same), np.nan)
        if same.target.values is not None:
            flux_N[train] = np.asarray(same.target.values[:], dtype=np.float64)[train]
        return _filled(_of_samples(same), flux_N, rows)

    return predict


def fill_records(variables: Variables, flux_R: Values, rows: Rows) -> Values:
    """Fill some records from the others of their station, [M]; NaN where nothing like them is near."""
    return _filled(_of_dataset(variables), flux_R, rows)


BASELINES: dict[str, Baseline] = {
    "mds": Baseline(
        "marginal distribution sampling: the mean flux of like weather near in time",
        _fit,
        records=fill_records,
        fills=True,
    )
}

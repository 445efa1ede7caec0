"""What the files hold: indices, positions and wave amplitudes, and which of their values cannot be."""

from __future__ import annotations

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.time_series import TimeSeries, Values, mask_fill_values
from geoml_cli.sources.ech.satellites import plain_satellite, satellite_of

INDICES = ("sme", "ae", "symh", "dst")
POSITION = ("l", "mlt", "mlat")
WAVE = ("amplitude", "presence")
_MOST_NT = 12_000.0
"""No index has come near it; a station's component or another unit has."""
_NEVER_NEGATIVE, _BELOW, _HOUR_OF_ROWS = ("sme", "ae"), -10.0, 60
"""Indices that are the distance of an upper and a lower one, and the median [nT] of so many rows that tells a lower
one from noise."""
_MOST_DB, _LEAST_DB, _SEVERAL = 1000.0, 0.01, 10
"""No amplitude is larger, in decibels of whatever unit; so many of no more than the least are in a linear unit."""
_FILLED_POSITION, _MOST_FILLS = 1e4, 3
"""L, MLT and MLAT of more are fill values, such as -1e31, where they are few different numbers."""
_FILLS_OF_POSITIONS = (999.0, 999.9, 999.99, 9999.0, 9999.9, 9999.99)
"""Of either sign."""


def checked(timed: TimeSeries) -> TimeSeries:
    """Keep what this source knows, turn fill values into NaN, refuse other units.

    Raises:
        DataError: A value is out of the range of its quantity.
    """
    values: dict[str, Values] = {}
    for name, column in timed.values.items():
        if name in INDICES:
            values[name] = _index(timed, name, mask_fill_values(column))
        elif name in POSITION:
            values[name] = _position(timed, name, column)
        elif name == "amplitude":
            # The logarithm of an amplitude of 0 is measured: no wave, whatever the threshold.
            values[name] = np.where(column == -np.inf, column, _amplitude(timed, mask_fill_values(column)))
        elif name == "presence":
            values[name] = _presence(timed, mask_fill_values(column))
    named = [plain_satellite(label) for label in timed.labels.get("satellite", ())]
    labels = {"satellite": named or [satellite_of(timed.path)] * len(timed.time)}
    return TimeSeries(timed.path, timed.time, values, labels, timed.line)


def _amplitude(timed: TimeSeries, values: Values) -> Values:
    if (np.abs(values[np.isfinite(values)]) > _MOST_DB).any():
        row = int(np.nanargmax(np.where(np.isfinite(values), np.abs(values), np.nan)))
        raise DataError(
            f"the amplitude is {values[row]:g} dB, which no wave has",
            where=timed.where(row),
            fix="Give it in dB, 20 log10 of a field; where the number means no data, say so: "
            f"--nodata amplitude={values[row]:g}.",
        )
    known = values[np.isfinite(values)]
    if len(known) >= _SEVERAL and float(known.min()) >= 0 and 0 < float(known.max()) < _LEAST_DB:
        raise DataError(
            f"amplitudes lie between {known.min():g} and {known.max():g} dB, all but the same",
            where=timed.where(int(np.nanargmax(values))),
            fix="They are in a linear unit such as V m-1: give 20 log10 of them, in dB, and empty cells or a column "
            "presence where there is no wave.",
        )
    return values


def _presence(timed: TimeSeries, values: Values) -> Values:
    wrong = np.isfinite(values) & (values != 0) & (values != 1)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"presence is {values[row]:g}, neither 1 (a wave) nor 0 (none)",
            where=timed.where(row),
            fix=f"Write 1 and 0; where the number means no data, say so: --nodata presence={values[row]:g}.",
        )
    return values


def _index(timed: TimeSeries, name: str, values: Values) -> Values:
    if (np.abs(values) > _MOST_NT).any():
        worst = int(np.nanargmax(np.abs(values)))
        raise DataError(
            f"{name} reaches {values[worst]:g} nT, which no index does",
            where=timed.where(worst),
            fix="It is in another unit, or of a single station: give the index in nT.",
        )
    known = values[np.isfinite(values)]
    if name in _NEVER_NEGATIVE and len(known) >= _HOUR_OF_ROWS and float(np.median(known)) < _BELOW:
        row = int((values < 0).argmax())
        raise DataError(
            f"{name.upper()} is negative ({values[row]:g} nT) in most rows, and is the distance of two envelopes",
            where=timed.where(row),
            fix="The column holds a lower index (SML, AL) or a component: give the index itself.",
        )
    return values


def _position(timed: TimeSeries, name: str, values: Values) -> Values:
    large = np.isfinite(values) & (np.abs(values) >= _FILLED_POSITION)
    # A fill is one number; quantities in another unit, such as L in km, are many.
    is_filled = large if len(np.unique(values[large])) <= _MOST_FILLS else np.zeros_like(large)
    position = np.where(np.isfinite(values) & ~is_filled, values, np.nan)
    position = np.where(np.isin(np.abs(position), _FILLS_OF_POSITIONS), np.nan, position)
    low, high, unit = {"l": (0.5, 100.0, "Earth radii"), "mlt": (0.0, 24.0, "hours"), "mlat": (-90.0, 90.0, "degrees")}[
        name
    ]
    outside = (position < low) | (position > high)
    if outside.any():
        row = int(outside.argmax())
        raise DataError(
            f"{name.upper()} is {position[row]:g}, outside {low:g} to {high:g}",
            where=timed.where(row),
            fix=f"Give it in {unit}; where the number means no data, leave the cell empty, or say so when "
            f"preparing: --nodata {name}={position[row]:g}.",
        )
    return position

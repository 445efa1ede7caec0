"""Synthetic cells with yearly factors, in the layout of the published table of groundwater storage.

Storage rises with rain and falls with evaporation, differs by land cover, and varies smoothly from place to place;
the rest is noise. Some rows hold the published table's -99999.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.sources.gwsa.factors import DYNAMIC
from geoml_cli.sources.gwsa.options import GwsaOptions

ROWS, COLUMNS = 15, 16
YEARS = tuple(range(2003, 2011))
CLASSES = (1, 4, 5, 7, 10, 12, 13, 16)
_WEST, _NORTH, _CELL = 100.125, 38.875, 0.25  # degrees, of the first cell's centre
_FILL = -99999
_FILLED_SHARE = 0.02
Values = NDArray[np.float64]


def write_synthetic(folder: Path, seed: int) -> GwsaOptions:
    """Write `gwsa.csv`, one row a cell and year.

    Args:
        folder: Is made where it does not exist.
        seed: Gives the same file whenever it is the same.

    Returns:
        The options to prepare it with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    columns = _with_fills(table(random), random)
    names = list(columns)
    lines = [",".join(names)]
    whole = {"grid_code", "OID_", "pointid", "year", "LC", "DEM"}
    for values in zip(*columns.values(), strict=True):
        cells = (
            f"{v:.0f}" if name in whole or v == _FILL else f"{v:.10g}" for name, v in zip(names, values, strict=True)
        )
        lines.append(",".join(cells))
    (folder / "gwsa.csv").write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return GwsaOptions()


def table(random: np.random.Generator) -> dict[str, Values]:
    """Make the columns of the table, cell by cell, a cell's years in order; no fills."""
    place = _place(random)
    factors = _factors(random, place)
    cover = factors["LC"]
    steps = len(YEARS)
    cells = ROWS * COLUMNS
    number = np.repeat(np.arange(cells, dtype=np.float64), steps)
    columns = {"OID_": number, "pointid": number + 1, "grid_code": number + 1}
    columns |= {name: np.repeat(values.ravel(), steps) for name, values in place.items() if name != "field"}
    columns["year"] = np.tile(np.array(YEARS, dtype=np.float64), cells)
    columns |= {name: np.moveaxis(values, 0, -1).ravel() for name, values in factors.items() if name != "LC"}
    columns["LC"] = np.moveaxis(cover, 0, -1).ravel()
    columns["GWS"] = np.moveaxis(storage(factors, place["field"]), 0, -1).ravel() + random.normal(0, 0.3, len(number))
    return columns


def storage(factors: dict[str, Values], field: Values) -> Values:
    """Return the anomaly without noise [cm], shape [years, ROWS, COLUMNS].

    Args:
        factors: By name, that shape.
        field: What differs from place to place, shape [ROWS, COLUMNS].
    """
    balance = (factors["rf"] - factors["E"] - 250) / 40
    soil = 30 * (factors["SMrz"] - 0.25) * (factors["NDVI"] + 0.3)
    used = np.where(factors["LC"] == 12, -3.0, 0.0)  # crops are watered from wells
    return np.asarray(balance + soil + used + 4 * field, dtype=np.float64)


def _smooth(random: np.random.Generator, shape: tuple[int, ...], width: float) -> Values:
    """Return a smooth random field of mean 0 and deviation 1; years are independent."""
    from scipy.ndimage import gaussian_filter

    sigma = (0.0,) * (len(shape) - 2) + (width, width)
    field = gaussian_filter(random.standard_normal(shape), sigma, mode="reflect")
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float64)


def _place(random: np.random.Generator) -> dict[str, Values]:
    shape = (ROWS, COLUMNS)
    latitude = np.repeat(_NORTH - _CELL * np.arange(ROWS), COLUMNS).reshape(shape)
    longitude = np.tile(_WEST + _CELL * np.arange(COLUMNS), ROWS).reshape(shape)
    return {
        "lon": longitude,
        "lat": latitude,
        "aspect": random.uniform(0, 360, shape),
        "DEM": np.rint(1500 + 600 * _smooth(random, shape, 3)),
        "slope": np.abs(4 + 3 * _smooth(random, shape, 1.5)),
        "field": _smooth(random, shape, 4),
    }


def _factors(random: np.random.Generator, place: dict[str, Values]) -> dict[str, Values]:
    shape = (len(YEARS), ROWS, COLUMNS)
    wet = 0.6 * _smooth(random, shape, 3) + 0.6 * _smooth(random, (ROWS, COLUMNS), 4)
    warm = -(place["DEM"] - 1500) / 600 + 0.3 * _smooth(random, shape, 4)
    rain, evaporation = 550 + 130 * wet, 300 + 50 * wet + 40 * warm
    green = np.clip(0.45 + 0.12 * wet + 0.05 * _smooth(random, shape, 1), 0.02, 0.95)
    root = np.clip(0.25 + 0.05 * wet + 0.02 * _smooth(random, shape, 2), 0.05, 0.5)
    cover = np.digitize(_smooth(random, (ROWS, COLUMNS), 2), np.linspace(-1.4, 1.4, len(CLASSES) - 1))
    made = {
        "E": evaporation, "Eb": 0.25 * evaporation, "Ei": 0.1 * evaporation, "Ep": 900 + 120 * warm,
        "Et": 0.6 * evaporation, "p": np.exp(3 + _smooth(random, shape, 2)), "Ew": np.full(shape, 12.0) + 3 * warm,
        "H": 45 + 10 * warm - 5 * wet, "LST": 286 + 6 * warm, "NDVI": green, "rf": rain,
        "S": np.clip(0.7 + 0.15 * wet, 0.05, 1), "LAI": 4 * green**1.5, "EVI": 0.62 * green, "SMrz": root,
        "SMs": 0.85 * root + 0.01 * _smooth(random, shape, 1), "tmp": 90 + 60 * warm,
    }  # fmt: skip
    codes = np.broadcast_to(np.array(CLASSES, dtype=np.float64)[cover], shape)
    return {name: made[name] for name in DYNAMIC} | {"LC": codes}


def _with_fills(columns: dict[str, Values], random: np.random.Generator) -> dict[str, Values]:
    """Put -99999 where GLEAM's factors end at a coast, and now and then elsewhere."""
    filled = random.random(len(columns["E"])) < _FILLED_SHARE
    other = random.random(len(columns["E"])) < _FILLED_SHARE / 4
    changed = {name: np.where(filled, _FILL, columns[name]) for name in ("E", "Eb", "Ei", "Ep", "Et", "Ew", "SMrz")}
    return columns | changed | {"GWS": np.where(other, _FILL, columns["GWS"])}

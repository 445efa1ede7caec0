"""What the baselines see, the classes by which scores are given, and where a sample is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.dataset.variables import Variable
from geoml_cli.models.spec import Values
from geoml_cli.samples.labels import Labels, labelled
from geoml_cli.samples.samples import Samples

# Bounds the memory of windows, which are cut to be summed up: 2 x 49 numbers a row.
_ROWS_AT_ONCE = 65_536
_BACK = {"sme": (1, 3, 12, 48), "symh": (1, 3, 12, 48)}
"""Hours over which an index is summed up for the baselines, by the mean of SME and the minimum of SYM-H."""
_L_WIDTH, _MLT_WIDTH = 0.5, 3.0
"""Sides of a class of the climatology [Earth radii, hours]."""
_L_EDGES = np.arange(2.0, 8.0)
_MLT_EDGES = np.array([3.0, 9.0, 15.0, 21.0])
# The first and the last class are one sector, cut by midnight.
_MLT_NAMES = ("night 21-3", "dawn 3-9", "day 9-15", "dusk 15-21", "night 21-3")
_SME_EDGES = np.array([100.0, 200.0, 400.0, 800.0])


def table(samples: Samples) -> tuple[NDArray[np.float32], list[str]]:
    """Lay samples out for the baselines: the position, and the indices now and over the hours before.

    Returns:
        Table [N, F] in physical units, and F names.
    """
    parts = [
        _rows(samples, slice(start, start + _ROWS_AT_ONCE)) for start in range(0, max(len(samples), 1), _ROWS_AT_ONCE)
    ]
    names = [
        "class of L",
        "class of MLT",
        "class of SME",
        "L",
        "MLT",
        "cos MLT",
        "sin MLT",
        "cos^6 MLAT",
        "SME",
        "SYM-H",
    ]
    names += [f"mean SME {hours} h" for hours in _BACK["sme"]] + [f"lowest SYM-H {hours} h" for hours in _BACK["symh"]]
    return np.concatenate(parts), names


def _rows(samples: Samples, rows: slice) -> NDArray[np.float32]:
    place = samples.inputs["position"].values[rows]
    sme, symh = (samples.inputs[name].values[rows][:, :, 0] for name in ("sme_hourly", "symh_hourly"))
    columns = [
        *_classes(place, sme[:, -1]),
        place[:, 0],
        hours_of(place),
        place[:, 1],
        place[:, 2],
        place[:, 3],
        sme[:, -1],
        symh[:, -1],
    ]
    # Both ends count, as 48 hours are 49 values of the window.
    columns += [sme[:, -hours - 1 :].mean(axis=1) for hours in _BACK["sme"]]
    columns += [symh[:, -hours - 1 :].min(axis=1) for hours in _BACK["symh"]]
    return np.stack(columns, axis=1).astype(np.float32)


def _classes(place: NDArray[np.float32], sme: NDArray[np.float32]) -> list[Values]:
    """Number the classes of L, MLT and activity that a climatology averages over."""
    shell, hours = np.floor(place[:, 0] / _L_WIDTH), np.floor(hours_of(place) / _MLT_WIDTH)
    return [shell, hours, np.digitize(sme, _SME_EDGES).astype(np.float64)]


def hours_of(place: NDArray[np.float32]) -> Values:
    """Return the magnetic local time [h] of positions [N, 4]."""
    angle = np.arctan2(place[:, 2].astype(np.float64), place[:, 1].astype(np.float64))
    return np.asarray(np.degrees(angle) / 15 % 24, dtype=np.float64)


def groups(samples: Samples, variables: Variables) -> Mapping[str, Labels]:
    """Return the classes of L, of local time and of activity (SME of the sample's own minute), each [N]."""
    place = np.asarray(samples.inputs["position"].values)
    sme = np.concatenate([
        samples.inputs["sme_hourly"].values[start : start + _ROWS_AT_ONCE][:, -1, 0]
        for start in range(0, len(samples), _ROWS_AT_ONCE)
    ])  # fmt: skip
    return {
        "L": _named(place[:, 0], _L_EDGES, ""),
        "MLT": labelled(np.digitize(hours_of(place), _MLT_EDGES), _MLT_NAMES),
        "SME": _named(sme, _SME_EDGES, " nT"),
    }


def _named(values: NDArray[np.float32], edges: Values, unit: str) -> Labels:
    inner = [f"{low:g}-{high:g}{unit}" for low, high in pairwise(edges)]
    names = [f"under {edges[0]:g}{unit}", *inner, f"{edges[-1]:g}{unit} and more"]
    return labelled(np.digitize(values, edges), names)


def coordinates(variables: Variables, rows: NDArray[np.int64]) -> list[tuple[Variable, Values]]:
    """Return the position of samples, and their time; the networks do not see the sign of MLAT."""
    latitude = np.asarray(variables.array("mlat"), dtype=np.float64)[rows]
    minute = np.asarray(variables.array("time"), dtype=np.float64)[np.asarray(variables.array("index"))[rows]]
    return [
        (Variable("time", variables.unit("time"), "time of the sample"), minute),
        (Variable("L", "1", "L-shell, in Earth radii"), np.asarray(variables.array("l"), dtype=np.float64)[rows]),
        (Variable("MLT", "h", "magnetic local time"), np.asarray(variables.array("mlt"), dtype=np.float64)[rows]),
        (Variable("abs_MLAT", "degrees", "absolute value of the magnetic latitude"), np.abs(latitude)),
    ]

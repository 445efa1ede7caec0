"""Calendar and clock of samples, as numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Array

Times = NDArray[np.datetime64]
Floats = NDArray[np.float32]


def read_clock(time_R: Array, unit: str, clock: str) -> Floats:
    """Return year, month (1..12), day (1..31), day-of-year (1..366), hour or minute of times, shape [R].

    Args:
        time_R: Minutes since a moment.
        unit: "minutes since ...", which says since when.
        clock: Which.
    """
    return _CLOCKS[clock](begin_of(unit) + np.asarray(time_R, dtype=np.int64).astype("timedelta64[m]")).astype(
        np.float32
    )


def begin_of(unit: str) -> np.datetime64:
    """Return the moment that a unit such as `minutes since 1970-01-01 00:00:00` counts from."""
    return np.datetime64(unit.partition(" since ")[2].replace(" ", "T"), "m")


def _year(time: Times) -> Array:
    return time.astype("datetime64[Y]").astype(np.int64) + 1970


def _month(time: Times) -> Array:
    return time.astype("datetime64[M]").astype(np.int64) % 12 + 1


def _since(time: Times, period: str, unit: str) -> Array:
    passed: Array = (time.astype(f"datetime64[{unit}]") - time.astype(f"datetime64[{period}]")).astype(np.int64)
    return passed


_CLOCKS: dict[str, Callable[[Times], Array]] = {
    "year": _year,
    "month": _month,
    "day": lambda time: _since(time, "M", "D") + 1,
    "day-of-year": lambda time: _since(time, "Y", "D") + 1,
    "hour": lambda time: _since(time, "D", "h"),
    "minute": lambda time: _since(time, "h", "m"),
}

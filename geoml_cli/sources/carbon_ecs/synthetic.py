"""Synthetic sea-air CO2 flux in the layout of Carbon-ECS, on a coarse grid: sinks and sources that drift and change.

Flux is out of the sea in summer and into it in winter; patches move north-east with the current and change their
strength. The western part is land.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.sources.carbon_ecs.options import CarbonEcsOptions
from geoml_cli.sources.carbon_ecs.reading import GROUP, LAND

YEARS = tuple(range(2003, 2011))
ROWS, COLUMNS = 42, 26
"""Half a degree, where the real grid has 2100 x 1300 cells of 0.01 degree."""

_PATCHES = 6
_GAPS = 3
"""Cells of a month where the interpolation failed."""

Values = NDArray[np.float64]


def write_synthetic(folder: Path, seed: int) -> CarbonEcsOptions:
    """Write one file a year, the land mask in the first; the same seed gives the same values.

    Returns:
        The options to prepare them with.
    """
    import h5py

    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    land = _land(generator)
    frames = flux(generator, 12 * len(YEARS))
    for number, year in enumerate(YEARS):
        with h5py.File(folder / f"ECS_fCO2_{year}.h5", "w", track_order=True) as file:
            group = file.create_group(GROUP)
            if number == 0:
                file[LAND] = land
            for month in range(12):
                values = np.where(land, np.nan, frames[12 * number + month])
                sea = np.flatnonzero(~land)
                values.flat[generator.choice(sea, _GAPS, replace=False)] = np.nan
                group.create_dataset(f"{year}{month + 1:02d}", data=values.astype(np.float32), track_times=False)
    return CarbonEcsOptions()


def flux(generator: np.random.Generator, months: int) -> Values:
    """Return the flux [mol m-2 yr-1], positive to the atmosphere, shape [months, ROWS, COLUMNS]."""
    row, column = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float64)
    month = np.arange(months)[:, None, None]
    frames = -1.5 * np.cos(2 * np.pi * (month - 1) / 12) * (0.5 + row[::-1] / ROWS) - 0.8
    for _ in range(_PATCHES):
        phase, strength, size = generator.uniform(0, 1), generator.choice([-1.5, 1.5]), generator.uniform(2.0, 5.0)
        north = ROWS * (1 - (phase + 0.04 * month) % 1.0)
        east = COLUMNS * (0.35 + 0.5 * generator.uniform(0, 1)) + 2 * np.sin(2 * np.pi * (phase + month / 23))
        change = strength * (1 + 0.6 * np.sin(2 * np.pi * (phase + month / 19)))
        frames = frames + change * np.exp(-((row - north) ** 2 + (column - east) ** 2) / (2 * size**2))
    return np.asarray(frames + generator.normal(0, 0.05, frames.shape))


def _land(generator: np.random.Generator) -> NDArray[np.bool_]:
    """Return land in the west and an island, [ROWS, COLUMNS]."""
    row, column = np.mgrid[0:ROWS, 0:COLUMNS]
    coast = column < COLUMNS * (0.2 + 0.12 * np.sin(row / ROWS * 5))
    north = generator.integers(ROWS // 2, ROWS - 6)
    island = (row - north) ** 2 + (column - COLUMNS // 2) ** 2 <= 3
    return np.asarray(coast | island)

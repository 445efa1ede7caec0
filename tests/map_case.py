"""A prepared data set of maps, written without raw files: seasons, drift and noise over a sea with land."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geoml_cli.dataset.grid import GridAxes, GridFacts, Step, declare, put_land
from geoml_cli.dataset.manifest import Funnel, Manifest
from geoml_cli.dataset.store import Dataset, DatasetWriter, content_digest

MONTH_DAYS = 30.4375


def maps(steps: int, shape: tuple[int, int], seed: int = 1) -> np.ndarray:
    """Return maps [steps, y, x] around 290 K: a season, waves that drift east, and noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    time = np.arange(steps)[:, None, None]
    season = 4 * np.cos(2 * np.pi * (time - 7) / 12) * (1 + y / shape[0])
    waves = 2 * np.sin(2 * np.pi * (2 * x / shape[1] - time / 9)) * np.cos(np.pi * y / shape[0])
    return (290 + season + waves + random.normal(0, 0.3, (steps, *shape))).astype(np.float32)


def land_of(shape: tuple[int, int]) -> np.ndarray:
    """Return where land is: a corner and an island."""
    land = np.zeros(shape, dtype=bool)
    land[: shape[0] // 4, : shape[1] // 3] = True
    land[shape[0] // 2 + 1, shape[1] // 2 : shape[1] // 2 + 3] = True
    return land


def write_maps(
    folder: Path,
    values: np.ndarray,
    land: np.ndarray,
    unit: str = "K",
    turned: tuple[bool, bool] = (False, False),
    moved: tuple[float, float] = (0.0, 0.0),
) -> Dataset:
    """Write a data set of monthly maps; land is missing. Rows and columns run north and east, or are turned."""
    folder.mkdir(parents=True, exist_ok=True)
    steps, rows, columns = values.shape
    lat, lon = np.linspace(30, 40, rows) + moved[0], np.linspace(100, 120, columns) + moved[1]
    axes = GridAxes(lat[::-1] if turned[0] else lat, lon[::-1] if turned[1] else lon)
    facts = GridFacts(
        variable="sst",
        unit=unit,
        long_name="sea surface temperature",
        step=Step(kind="month"),
        calendar="standard",
        time_unit="days since 1970-01-01 00:00:00",
        regular=True,
        land_from="never valid",
    )
    with DatasetWriter(folder) as writer:
        field = declare(writer, axes, facts, [15 + MONTH_DAYS * step for step in range(steps)])
        field[:] = np.where(land, np.nan, values)
        put_land(writer, axes, land, facts.land_from)
        records = dict(writer.records)
    Manifest(
        source="grid",
        layout="grid",
        options={},
        geoml_version="0",
        raw="raw",
        files=(),
        variables=records,
        funnel=Funnel(read=steps, kept=steps),
        facts=facts.model_dump(),
        content=content_digest(folder, records),
    ).write(folder)
    return Dataset(folder)

"""Samples of pixels by day, made like those of stations.

Legend: D days of the calendar, P pixels of a window, R records of a pixel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.manifest import Manifest
from geoml_cli.dataset.store import Block
from geoml_cli.errors import DataError
from geoml_cli.samples.input import Grid, SampleBlock
from geoml_cli.sources.smap import deriving, scales
from geoml_cli.sources.smap.bands import COVER, DAILY, FIXED, check_units, named
from geoml_cli.sources.smap.constants import refuse_outside, refuse_smaller
from geoml_cli.sources.smap.cube_files import Window
from geoml_cli.sources.smap.cubes import Cube, open_cube
from geoml_cli.sources.smap.exports import LST_LEAST, LST_LIMIT
from geoml_cli.sources.smap.products import OPTICAL, RADAR, WEATHER
from geoml_cli.sources.smap.writing import SITE, record_variables

Floats = NDArray[np.float32]
Days = NDArray[np.datetime64]
_LOOKED_AT = 16
"""Pixels along a side that are looked at to know a scale."""
_DECLARE = "declare it ({1:g}) as _FillValue, of a GeoTIFF as nodata"
_NAME = ", or name the unit in the file where they are"
REASONS = ("land cover of no class", "a variable of the day is missing", "the weather before has a gap")


@dataclass(frozen=True)
class Rules:
    """How the data set of the run was prepared; pixels follow it."""

    fill: deriving.Fill
    kelvin: bool
    by_days: bool
    antecedent: int
    nlcd: deriving.Release


class PixelStack:
    """A stack of pixels by day that gives the samples of a data set of stations."""

    reasons: Sequence[str] = REASONS

    def __init__(self, cube: Cube, path: Path, rules: Rules) -> None:
        self._cube, self._path, self._rules = cube, path, rules
        self._names = named(cube, path)
        first, last = cube.days[0].astype(np.int64), cube.days[-1].astype(np.int64)
        self._first = int(first)
        self.days: Days = np.datetime64(int(first), "D") + np.arange(int(last - first) + 1).astype("timedelta64[D]")
        self._place = (cube.days.astype(np.int64) - first).astype(np.int64)

    @property
    def grid(self) -> Grid:
        """Return the place of the pixels on Earth."""
        return self._cube.grid

    def digest(self) -> str:
        """Name the content and the rules."""
        return f"{self._cube.digest()} {self._rules}"

    def block(self, rows: slice, columns: slice, days: slice) -> SampleBlock:
        """Make the samples of a window on some days of `self.days`; `valid` has shape [days, rows, columns].

        All days of the stack are read, since gaps are filled from them; memory is bounded by the window.
        """
        window = (rows, columns)
        shape = (len(range(*days.indices(len(self.days)))), rows.stop - rows.start, columns.stop - columns.start)
        terrain = {name: self._cube.fixed(self._names[name], window).reshape(-1) for name in self._terrain}
        series, site = self._series(window), self._site(terrain, window)
        records = np.ones(len(self.days), dtype=bool)
        if not self._rules.by_days:  # windows count rows that exist
            records = np.isin(np.arange(len(self.days)), self._place)
        chosen = np.arange(len(self.days))[days]
        whole = np.all([np.isfinite(series[name]) for name in (*WEATHER, "LST")], axis=0)
        history = np.zeros(whole.shape, dtype=np.int32)
        history[records] = deriving.valid_run_length(whole[records])
        reason = self._reason(series, site, history, chosen)
        valid = (reason < 0) & records[chosen][:, None]
        for name, values in terrain.items():  # of water, which has no class, soils mean nothing
            place = f"{self._path}, {self._names[name]}"
            refuse_outside(name, values[valid.any(axis=0)], place, _DECLARE)
        day, pixel = np.nonzero(valid)  # in the order of `valid`
        variables = self._variables(series, site, records, (chosen[day], pixel), history)
        return SampleBlock(valid.reshape(shape), variables, reason.reshape(shape))

    def _reason(
        self,
        series: Mapping[str, Floats],
        site: Mapping[str, Floats],
        history: NDArray[np.int32],
        days: NDArray[np.int64],
    ) -> NDArray[np.int16]:
        """Return the first reason why a pixel has no sample on a day, -1 where it has one, [days, P]."""
        own = [np.isfinite(values[days]) for name, values in series.items() if name != "land_cover"]
        whole = np.all(own, axis=0) & np.all([np.isfinite(values) for values in site.values()], axis=0)
        reason = np.where(history[days] > self._rules.antecedent, -1, 2).astype(np.int16)
        reason[~whole] = 1
        reason[np.asarray(series["land_cover"])[days] < 0] = 0
        return reason

    def _variables(
        self,
        series: Mapping[str, Floats],
        site: Mapping[str, Floats],
        records: NDArray[np.bool_],
        samples: tuple[NDArray[np.int64], NDArray[np.int64]],
        history: NDArray[np.int32],
    ) -> Block:
        day, pixel = samples
        pixels, length = history.shape[1], int(records.sum())
        place = np.cumsum(records) - 1
        described = record_variables(self._rules.kelvin)
        arrays: dict[str, NDArray[np.generic]] = {
            variable.name: np.ascontiguousarray(series[variable.name][records].T).reshape(-1)
            for variable in described
            if variable.name != "time"
        }
        minutes = (self._first + np.flatnonzero(records)) * 1440
        arrays |= {"time": np.tile(minutes.astype(np.int32), pixels), **site}
        arrays["station_first"] = np.arange(pixels, dtype=np.int64) * length
        arrays["station_index"] = pixel.astype(np.int32)
        arrays["index"] = pixel * length + place[day]
        arrays["history"] = history[day, pixel]
        units = {variable.name: variable.unit for variable in described}
        units |= {name: unit for name, (unit, _) in SITE.items()}
        texts = {
            "dynamic": [*WEATHER, "LST"],
            "index_name": list(deriving.OPTICAL_INDICES),
            "land_cover_name": list(deriving.CLASSES),
        }
        return Block(dict(arrays), texts, units)

    def _series(self, window: Window) -> dict[str, Floats]:
        """Read, fill and derive the series of a window, [D, P] each."""
        fill = self._rules.fill
        found = {name: self._calendar(self._cube.daily(self._names[name], window)) for name in (*DAILY, "SMAP")}
        surface = self._surface(found["LST"]) * np.float32(0.02 if self._rules.kelvin else 1.0)
        scales.refuse_percent(found["SMAP"], f"{self._path}, SMAP")
        found, _ = deriving.not_negative(found)
        radar = {name: scales.decibels(found[name], self._radar_scale).astype(np.float32) for name in RADAR}
        bands = {n: scales.reflectance(found[n], self._optical_scale).astype(np.float32) for n in OPTICAL}
        bands, _ = deriving.in_range(bands)
        smap = np.where((found["SMAP"] >= 0) & (found["SMAP"] <= 1), found["SMAP"], np.float32(np.nan))
        derived = {name: found[name] for name in self._weather}
        derived["LST"] = deriving.filled(surface, fill)
        derived["SMAP"] = deriving.carried(smap, fill)
        derived |= {name: deriving.filled(values, fill) for name, values in radar.items()}
        derived |= deriving.optical_indices({name: deriving.filled(values, fill) for name, values in bands.items()})
        return {**derived, "land_cover": self._classes(window).astype(np.float32)}

    def _surface(self, stored: Floats) -> Floats:
        """Return land-surface temperature in the product's numbers, whatever the stack holds."""
        known = np.where(stored > 0, stored, np.float32(np.nan))
        where = f"{self._path}, LST"
        factor = scales.temperature_factor(known, where)
        if np.isfinite(known).any() and factor != self._temperature_factor:
            raise DataError(
                "some pixels are kelvin and others the product's numbers",
                where=where,
                fix="Make the stack anew with one of them.",
            )
        numbers = known * np.float32(factor)
        return np.where((numbers >= LST_LEAST) & (numbers <= LST_LIMIT), numbers, np.float32(np.nan))

    @cached_property
    def _temperature_factor(self) -> float:
        return scales.temperature_factor(self._looked_at(("LST",)), f"{self._path}, LST")

    def _calendar(self, values: Floats) -> Floats:
        """Lay the stack's days out on the calendar, [D, P]."""
        flat = values.reshape(len(values), -1)
        found = np.full((len(self.days), flat.shape[1]), np.nan, dtype=np.float32)
        found[self._place] = flat
        return found

    def _classes(self, window: Window) -> NDArray[np.int8]:
        """Return the class of every day and pixel, [D, P], by the release that its year takes."""
        releases = {year: self._cube.fixed(name, window).reshape(-1) for year, name in self._releases.items()}
        years = self.days.astype("datetime64[Y]").astype(np.int64) + 1970
        classes = {year: deriving.classes(code) for year, code in releases.items()}
        different, place = np.unique(years, return_inverse=True)
        choice, where = self._rules.nlcd, str(self._path)
        taken = [deriving.release_of(year, list(classes), choice, where) for year in different.tolist()]
        return np.stack([classes[release] for release in taken])[place.reshape(-1)]

    def _site(self, terrain: Mapping[str, Floats], window: Window) -> dict[str, Floats]:
        """Return place, terrain and soil of the pixels, [P] each."""
        found = dict(terrain)
        found["aspect_normalized"] = deriving.aspect_normalized(found.pop("aspect"))
        longitude, latitude = _centres(self.grid, window)
        return {"lat": latitude.astype(np.float32), "lon": longitude.astype(np.float32), **found}

    @cached_property
    def _releases(self) -> dict[int, str]:
        names = self._cube.fixed_names
        dated = {int(name[-4:]): name for name in names if name[:-5] in COVER and name[-4:].isdecimal()}
        return dated or {0: next(name for name in COVER if name in names)}

    @cached_property
    def _weather(self) -> tuple[str, ...]:
        """Name the weather, once its values are known to be in gridMET's units."""
        scales.refuse_weather(dict(zip(WEATHER, self._looked_at(WEATHER), strict=True)), str(self._path))
        return WEATHER

    @cached_property
    def _terrain(self) -> tuple[str, ...]:
        """Name terrain and soil, once their values are known to be in the units of the stations' table."""
        window = self._some()
        # Units that are named are compared as such.
        unnamed = [name for name in FIXED if not self._cube.unit(self._names[name])]
        values = {name: self._cube.fixed(self._names[name], window).reshape(-1) for name in unnamed}
        refuse_smaller(values, lambda names: f"{self._path}, {' and '.join(names)}", "pixels that name no unit", _NAME)
        return tuple(FIXED)

    @cached_property
    def _radar_scale(self) -> scales.Scale:
        return self._scale("Sentinel-1", RADAR, ("dB", "0..1", "x 10,000"))

    @cached_property
    def _optical_scale(self) -> scales.Scale:
        return self._scale("HLS", OPTICAL, ("0..1", "percent", "x 10,000"))

    def _scale(self, product: str, names: tuple[str, ...], allowed: tuple[scales.Scale, ...]) -> scales.Scale:
        """Return the scale that all days of the stack share."""
        values = self._looked_at(names)
        whole = scales.common_scale({self._path: scales.scale_of(values, self._path)}, product, allowed)
        if other := [self._cube.days[day] for day in scales.days_of_another(values, whole)]:
            raise DataError(
                f"{product} of {len(other)} days, the first {other[0]}, has another scale than the stack's {whole}",
                where=str(self._path),
                fix="Make the stack anew with one scale.",
            )
        return whole

    def _looked_at(self, names: tuple[str, ...]) -> Floats:
        """Read some pixels of every day, [bands, days, R, C]: a scale belongs to the whole stack, not to a window."""
        return np.stack([self._cube.daily(self._names[name], self._some()) for name in names])

    def _some(self) -> Window:
        """Return some rows and columns, all over the grid."""
        rows, columns = (slice(0, size, max(size // _LOOKED_AT, 1)) for size in (self.grid.height, self.grid.width))
        return rows, columns


def _centres(grid: Grid, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude of the pixels' centres [degrees], [P]."""
    a, b, c, d, e, f = grid.transform
    row, column = np.meshgrid(
        np.arange(window[0].start, window[0].stop) + 0.5,
        np.arange(window[1].start, window[1].stop) + 0.5,
        indexing="ij",
    )
    x, y = (a * column + b * row + c).reshape(-1), (d * column + e * row + f).reshape(-1)
    if grid.crs == "EPSG:4326":
        return x, y
    from pyproj import CRS, Transformer

    if CRS.from_user_input(grid.crs).is_geographic:
        return x, y
    longitude, latitude = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return np.asarray(longitude), np.asarray(latitude)


def pixels(path: Path, manifest: Manifest) -> PixelStack:
    """Open a stack under the rules that the data set of the run was prepared with.

    Raises:
        DataError: It is no stack, lacks a band, or names another unit of one than the data set.
    """
    facts = manifest.facts
    rules = Rules(
        fill=facts["fill"],
        kelvin=facts["lst"] == "kelvin",
        by_days=facts["window"] == "days",
        antecedent=facts["antecedent"],
        nlcd=facts.get("nlcd", "nearest"),
    )
    cube = open_cube(path)
    stack = PixelStack(cube, path, rules)
    check_units(cube, path, manifest)
    return stack

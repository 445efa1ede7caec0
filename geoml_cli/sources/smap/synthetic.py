"""Synthetic raw files: Earth Engine exports and ground truth in their own layouts, with their traps."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geoml_cli.sources.smap.calendar import Calendar, calendar_of
from geoml_cli.sources.smap.options import SmapOptions
from geoml_cli.sources.smap.products import OPTICAL, RADAR, WEATHER
from geoml_cli.sources.smap.synthetic_stack import write_valley
from geoml_cli.sources.smap.synthetic_weather import Floats, Nature, make_nature

YEARS = tuple(range(2016, 2023))
_NAMES = (
    "Walnut-Gulch.1", "Fort_Reno", "Little-Washita", "Denio-52-WSW", "AAMU-JTG", "Adams_Ranch_#1", "Goodwell.E",
    "Stillwater-2", "Crossville-7", "Lake_Edge", "Cloudy_Peak", "Late_Comer",
)  # fmt: skip
"""Stations; the last three leave by a rule: water, no Sentinel-1, ground truth that begins late."""
_USDA = (0, 2)
"""Stations that some files call `USDA_ARS_...`."""
_COVER = (52, 71, 82, 42, 81, 22, 71, 82, 41, 11, 42, 71)
_LATE, _CLOUDY, _LAKE = 11, 10, 9
_EMPTY = json.dumps({"type": "MultiPoint", "coordinates": []})
_RELEASES = (2016, 2019, 2021)


@dataclass(frozen=True)
class _World:
    """Stations and what is seen of them."""

    calendar: Calendar
    nature: Nature
    names: Sequence[str]
    latitude: Floats
    longitude: Floats
    random: np.random.Generator

    @property
    def stations(self) -> range:
        return range(len(self.latitude))

    def network(self, station: int) -> str:
        """Return SCAN or USCRN."""
        return "SCAN" if station % 2 == 0 else "USCRN"

    def days_of(self, year: int) -> list[int]:
        """Return the days of a year without its last: an end date that is excluded."""
        days = np.flatnonzero(self.calendar.years == year)
        return [int(day) for day in days[:-1]]

    def stamp(self, day: int) -> str:
        """Write a day as YYYYMMDD."""
        return str(self.calendar.dates[day]).replace("-", "")


def write_synthetic(folder: Path, seed: int) -> SmapOptions:
    """Write twelve stations over seven years, and pixel stacks of one valley."""
    write_exports(folder, seed, _NAMES, YEARS)
    write_valley(folder / "valley", np.random.default_rng(seed))
    return SmapOptions()


def write_exports(folder: Path, seed: int, names: Sequence[str], years: tuple[int, ...]) -> None:
    """Write the exports of stations; the twelfth and those before it have the traps of their places."""
    random = np.random.default_rng(seed)
    calendar = calendar_of(years)
    nature = make_nature(calendar.day_of_year.astype(np.float64), len(names), random)
    latitude, longitude = random.uniform(32, 45, len(names)), random.uniform(-118, -82, len(names))
    latitude[1], longitude[1] = latitude[0] + 0.01, longitude[0]  # two stations of one SMAP cell
    world = _World(calendar, nature, names, latitude, longitude, random)
    folder.mkdir(parents=True, exist_ok=True)
    _stations(folder, world)
    _truth(folder, world)
    _constants(folder, world)
    for year in years:
        _gridmet(folder, world, year)
        _surface(folder, world, year)
        _radar(folder, world, year)
        _optical(folder, world, year)
        _smap(folder, world, year)
    for release in _RELEASES:
        rows = (
            {**_head(world, k), "system:index": str(k), "mode": f"{_COVER[k if k < len(_COVER) else k % _LAKE]:.1f}"}
            for k in world.stations
        )
        _write(folder / f"LC_SSM_{release}.csv", ("mode",), rows, point=world)


def _head(world: _World, station: int, *, prefixed: bool = False) -> dict[str, object]:
    name = world.names[station]
    name = f"USDA_ARS_{name}" if prefixed and station in _USDA else name
    return {
        "ID": name,
        "Latitude": round(float(world.latitude[station]), 5),
        "Longitude": round(float(world.longitude[station]), 5),
        "Network": world.network(station),
        "station": station,
    }


def _write(
    path: Path, columns: Sequence[str], rows: Iterable[dict[str, object]], *, point: _World | None = None
) -> None:
    """Write an export: `system:index`, the properties sorted by name, `.geo`; a row with any gap is not written."""
    names = sorted(("ID", "Latitude", "Longitude", "Network", *columns))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["system:index", *names, ".geo"])
        for row in rows:
            geometry = _EMPTY if point is None else _point(row)
            writer.writerow([row["system:index"], *(row[name] for name in names), geometry])


def _point(row: dict[str, object]) -> str:
    return json.dumps({"geodesic": False, "type": "Point", "coordinates": [row["Longitude"], row["Latitude"]]})


def _stations(folder: Path, world: _World) -> None:
    with (folder / "stations.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["ID", "Network", "Latitude", "Longitude", "Domain"])
        for k in world.stations:
            region = "WME"[min(int((world.longitude[k] + 118) / 12), 2)] if k > 2 else "WME"[k]
            place = round(float(world.latitude[k]), 5), round(float(world.longitude[k]), 5)
            writer.writerow([world.names[k], world.network(k), *place, region])


def _truth(folder: Path, world: _World) -> None:
    with (folder / "in_situ.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["ID", "Network", "Date", "VWC_5"])
        for k in world.stations:
            writer.writerows(_measured(world, k))


def _measured(world: _World, station: int) -> Iterable[list[str]]:
    """Give the days of a station; some are absent, some hold -9999, and one station begins late."""
    begin = world.calendar.days // 3 if station == _LATE else 0
    fate = world.random.random(world.calendar.days)
    name, network = world.names[station].replace("_", "-"), world.network(station)
    for day in range(begin, world.calendar.days):
        value = "-9999" if fate[day] < 0.02 else f"{world.nature.moisture[day, station]:.4f}"
        if fate[day] < 0.95:
            yield [name, network, world.stamp(day), value]


def _constants(folder: Path, world: _World) -> None:
    names = ("aspect", "bd_5", "clay_5", "elevation", "hillshade", "sand_5", "slope")
    values = {**world.nature.site, "hillshade": np.full(len(world.names), 180.0)}
    rows = (
        {**_head(world, k), "system:index": f"{k:05d}", **{name: round(float(values[name][k]), 4) for name in names}}
        for k in world.stations
    )
    _write(folder / "constant_SSM.csv", names, rows, point=world)


def _gridmet(folder: Path, world: _World, year: int) -> None:
    rows = (
        {
            **_head(world, k, prefixed=True),
            "system:index": f"{world.stamp(day)}_{k:05d}",
            **{name: f"{values[day, k]:.6g}" for name, values in world.nature.weather.items()},
        }
        for day in world.days_of(year)
        for k in world.stations
    )
    _write(folder / f"gridmet_SSM_{year}.csv", WEATHER, rows)


def _surface(folder: Path, world: _World, year: int) -> None:
    clear = world.random.random((world.calendar.days, len(world.names))) < 0.5
    rows = (
        {
            **_head(world, k),
            "system:index": f"{str(world.calendar.dates[day]).replace('-', '_')}_{k:05d}",
            "mean": f"{world.nature.lst[day, k] / 0.02:.2f}",
        }
        for day in world.days_of(year)
        for k in world.stations
        if clear[day, k]
    )
    _write(folder / f"LST_MOD11A1_{year}.csv", ("mean",), rows, point=world)


def _radar(folder: Path, world: _World, year: int) -> None:
    """A scene every six days, a second one on some; ordered by the stamp of processing, not by time."""
    scenes: list[tuple[str, dict[str, object]]] = []
    for k in world.stations:
        for day in (day for day in world.days_of(year) if (day + k) % 6 == 0 and k != _CLOUDY):
            for clock, offset in (("130510", 0.0), *((("005634", 0.4),) if day % 4 == 0 else ())):
                date, stamp = world.stamp(day), f"{int(world.random.integers(0, 1 << 16)):04X}"
                name = f"S1A_IW_GRDH_1SDV_{date}T{clock}_{date}T{clock}_0{day:05d}_{stamp}_{stamp}_{k:05d}"
                radar = {band: f"{world.nature.radar[band][day, k] + offset:.4f}" for band in RADAR}
                scenes.append((stamp, {**_head(world, k), "system:index": name, "angle": "38.2", **radar}))
    scenes.sort(key=lambda scene: scene[0])
    _write(folder / f"S1_SSM_{year}.csv", ("VH", "VV", "angle"), (row for _, row in scenes))


def _optical(folder: Path, world: _World, year: int) -> None:
    """A scene every five days where it is clear, in two parts; a cloud gives a reflectance above 1."""
    days = world.days_of(year)
    thermal = ("B10", "B11")
    for part, chosen in enumerate((days[:180], days[180:]), start=1):
        rows = (_scene(world, day, k) for day in chosen for k in world.stations if (day + 2 * k) % 5 == 0)
        clear = (row for row in rows if world.random.random() < 0.7)
        _write(folder / f"HLSL30_SSM_{year}_{part}.csv", (*OPTICAL, *thermal), clear)


def _scene(world: _World, day: int, station: int) -> dict[str, object]:
    cloud = world.random.random() < 0.01
    values = {
        band: f"{1.31 if cloud and band == 'B2' else values[day, station]:.4f}"
        for band, values in world.nature.bands.items()
    }
    name = f"T{11 + station % 9}SKA_{world.stamp(day)}T17{station % 60:02d}23_{station:05d}"
    return {**_head(world, station), "system:index": name, **values, "B10": "21.4", "B11": "20.9"}


def _smap(folder: Path, world: _World, year: int) -> None:
    """Wide: a row a station, a column a day; some cells are empty."""
    days = world.days_of(year)
    columns = [f"{world.stamp(day)}_sm_surface" for day in days]
    gaps = world.random.random((len(days), len(world.names))) < 0.01
    rows = (
        {
            **_head(world, k),
            "system:index": f"{k:05d}",
            **{
                column: "" if gaps[place, k] else f"{world.nature.smap[day, k]:.5f}"
                for place, (day, column) in enumerate(zip(days, columns, strict=True))
            },
        }
        for k in world.stations
    )
    _write(folder / f"smap_ssm_{year}.csv", columns, rows, point=world)

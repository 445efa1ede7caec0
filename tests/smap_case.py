"""Small Earth Engine exports of three stations and 40 days, for tests."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

DAYS = np.arange("2019-12-01", "2020-01-31", dtype="datetime64[D]")
STATIONS = ("Alpha-1", "Beta_2", "Gamma.3")
PLACES = {"Alpha-1": (36.1, -97.5), "Beta_2": (36.105, -97.5), "Gamma.3": (40.0, -105.0)}
WEATHER = {"eto": 2.0, "etr": 3.0, "pr": 1.0, "sph": 0.005, "srad": 150.0, "vpd": 0.7, "vs": 3.0}
BANDS = {"B2": 0.05, "B3": 0.08, "B4": 0.1, "B5": 0.3, "B6": 0.25, "B7": 0.15}
SOIL = {"elevation": 300.0, "slope": 2.0, "aspect": 90.0, "clay_5": 20.0, "sand_5": 40.0, "bd_5": 140.0}
EMPTY = '{"type":"MultiPoint","coordinates":[]}'
Rows = list[dict[str, Any]]


def moisture(station: int, day: int) -> float:
    """Return the ground truth of a station on a day."""
    return round(0.1 + 0.05 * station + 0.001 * day, 4)


def exported(day: np.datetime64) -> bool:
    """Exports end before 31 December."""
    return not str(day).endswith("12-31")


def rows(write_row: Callable[[str, int, np.datetime64], dict[str, Any] | None]) -> Rows:
    """Make the rows of all stations and exported days."""
    found = []
    for day, date in enumerate(DAYS):
        for name in STATIONS:
            row = write_row(name, day, date) if exported(date) else None
            if row is not None:
                found.append({**head(name), **row})
    return found


def head(name: str) -> dict[str, Any]:
    """Return what every export repeats."""
    latitude, longitude = PLACES[name]
    return {"ID": name, "Network": "SCAN", "Latitude": latitude, "Longitude": longitude}


def write(path: Path, content: Iterable[dict[str, Any]], *, geo: str = "last") -> Path:
    """Write an export: columns sorted, `.geo` first or last."""
    content = list(content)
    names = sorted({name for row in content for name in row} - {"system:index"})
    header = ["system:index", *names]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([".geo", *header] if geo == "first" else [*header, ".geo"])
        for row in content:
            cells = [row.get(name, "") for name in header]
            writer.writerow([EMPTY, *cells] if geo == "first" else [*cells, EMPTY])
    return path


def by_year(content: Rows) -> dict[str, Rows]:
    """Divide rows by the year that stands in their names."""
    years: dict[str, Rows] = {"2019": [], "2020": []}
    for row in content:
        years[row.pop("year")].append(row)
    return years


def stamp(date: np.datetime64) -> str:
    """Write a day as YYYYMMDD."""
    return str(date).replace("-", "")


def gridmet() -> Rows:
    """Make gridMET rows; precipitation counts the days."""
    return rows(
        lambda name, day, date: {
            "system:index": f"{stamp(date)}_0",
            "year": str(date)[:4],
            **WEATHER,
            "pr": float(day),
        }
    )


def surface() -> Rows:
    """Make LST rows: every second day."""

    def row(name: str, day: int, date: np.datetime64) -> dict[str, Any] | None:
        index = f"{str(date).replace('-', '_')}_0"
        return {"system:index": index, "year": str(date)[:4], "mean": 15000.0 + day} if day % 2 == 0 else None

    return rows(row)


def scene(date: np.datetime64, clock: str = "005634", processed: str = "1A2B") -> str:
    """Name a Sentinel-1 scene."""
    when = f"{stamp(date)}T{clock}"
    return f"S1A_IW_GRDH_1SDV_{when}_{when}_030000_{processed}_C0DE_0"


def radar() -> Rows:
    """Make Sentinel-1 rows: every fourth day."""

    def row(name: str, day: int, date: np.datetime64) -> dict[str, Any] | None:
        content = {
            "system:index": scene(date),
            "year": str(date)[:4],
            "VV": -10.0 - day / 10,
            "VH": -17.0,
            "angle": 38.0,
        }
        return content if day % 4 == 0 else None

    return rows(row)


def optical() -> Rows:
    """Make HLS rows: every third day."""

    def row(name: str, day: int, date: np.datetime64) -> dict[str, Any] | None:
        index = f"T14SPF_{stamp(date)}T173923_0"
        return {"system:index": index, "year": str(date)[:4], **BANDS, "B10": 20.0} if day % 3 == 0 else None

    return rows(row)


def smap(year: str) -> Rows:
    """Make a year of SMAP: a row a station, a column a day."""
    dates = [(day, date) for day, date in enumerate(DAYS) if exported(date) and str(date).startswith(year)]
    values = {f"{stamp(date)}_sm_surface": round(0.2 + day / 1000, 4) for day, date in dates}
    return [{**head(name), "system:index": "0", **values} for name in STATIONS]


def write_exports(folder: Path, files: Sequence[str] = ()) -> Path:
    """Write all exports, the table of stations and the ground truth; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    products = {
        "gridmet_SSM_{}.csv": (gridmet(), "last"),
        "LST_MOD11A1_{}.csv": (surface(), "first"),
        "S1_SSM_{}.csv": (radar(), "last"),
        "HLSL30_SSM_{}_1.csv": (optical(), "last"),
    }
    for pattern, (content, geo) in products.items():
        for year, part in by_year(content).items():
            write(folder / pattern.format(year), part, geo=geo)
    for year in ("2019", "2020"):
        write(folder / f"smap_ssm_{year}.csv", smap(year))
    write(folder / "LC_SSM_2019.csv", [{**head(name), "system:index": "0", "mode": 71.0} for name in STATIONS])
    write(
        folder / "constant_SSM.csv",
        [{**head(name), "system:index": "0", **SOIL, "hillshade": 180} for name in STATIONS],
    )
    table(folder / "stations.csv", [{**head(name), "Domain": "WME"[k]} for k, name in enumerate(STATIONS)])
    table(folder / "in_situ.csv", truth())
    return folder


def truth() -> Rows:
    """Make the ground truth of every day, 31 December included."""
    return [
        {"ID": name, "Network": "SCAN", "Date": stamp(date), "VWC_5": moisture(station, day)}
        for station, name in enumerate(STATIONS)
        for day, date in enumerate(DAYS)
    ]


def table(path: Path, content: Rows) -> Path:
    """Write a plain table."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(content[0]))
        writer.writeheader()
        writer.writerows(content)
    return path


def edit(path: Path, change: Callable[[Rows], Rows]) -> None:
    """Change the rows of a file that was written here; `.geo` stays where it is."""
    with path.open(encoding="utf-8", newline="") as stream:
        content = list(csv.DictReader(stream))
    table(path, change(content))

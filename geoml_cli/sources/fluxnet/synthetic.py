"""Synthetic towers in FLUXNET's layout: six sites, three years of days, and a table of sites.

The exchange of CO2 is photosynthesis, which follows light, temperature, dryness and soil water, against respiration,
which doubles with every ten degrees of the soil; vegetation types differ. The files have what real ones trip readers
with: a site in two files, one in an archive with reanalysis, one with CR LF and a byte-order mark, one without CO2,
gaps of -9999, gap-filled periods of poor quality, half-hours among the days.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.sources.fluxnet.options import FluxnetOptions

Values = NDArray[np.float64]
Columns = dict[str, Values]
FILL = -9999
_WRITTEN = (2020, 1, 1, 0, 0, 0)
"""Time stamp inside archives, so that the same seed gives the same bytes."""


class Tower(NamedTuple):
    """A site and its vegetation: light use, and respiration at 10 degC [gC m-2 d-1]."""

    site: str
    igbp: str
    lat: float
    lon: float
    elevation: float
    uptake: float
    respiration: float


TOWERS = (
    Tower("XA-Fir", "ENF", 51.2, 10.4, 440, 0.050, 2.2),
    Tower("XB-Oak", "DBF", 46.9, 15.1, 610, 0.058, 2.4),
    Tower("XC-Gra", "GRA", 44.5, 4.2, 980, 0.042, 2.0),
    Tower("XD-Cro", "CRO", 36.6, -97.5, 310, 0.046, 1.7),
    Tower("XE-Sav", "WSA", -17.1, 145.6, 250, 0.030, 1.5),
    Tower("XF-Wet", "WET", 63.4, 19.6, 270, 0.036, 1.3),
)
BEGIN, END = "2010-01-01", "2013-01-01"


def write_synthetic(folder: Path, seed: int) -> FluxnetOptions:
    """Write daily files of six towers, a table of sites, and a half-hourly BASE file; see the head of this file.

    Args:
        folder: Is made where it does not exist.
        seed: Gives the same files whenever it is the same.

    Returns:
        The options to prepare them with.
    """
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    days = np.arange(BEGIN, END, dtype="datetime64[D]")
    for tower in TOWERS:
        _write_tower(folder, tower, days, daily(tower, days, random))
    half_hours = np.arange("2011-01-01", "2011-01-03", np.timedelta64(30, "m"), dtype="datetime64[m]")
    base(folder / "AMF_XD-Cro_BASE_HH_2-5.csv", "XD-Cro", half_hours, random)
    site_table(folder / "siteinfo_fluxnet2015.csv", TOWERS)
    return FluxnetOptions()


def _write_tower(folder: Path, tower: Tower, days: NDArray[np.datetime64], columns: Columns) -> None:
    name = f"FLX_{tower.site}_FLUXNET2015_SUBSET_DD"
    stamps = {"TIMESTAMP": stamp(days, 8)}
    if tower.site == "XB-Oak":  # in two files
        late = days >= np.datetime64("2012-01-01")
        for rows, span in ((~late, "2010-2011"), (late, "2012-2012")):
            part = {key: values[rows] for key, values in columns.items()}
            write(folder / f"{name}_{span}_1-4.csv", {"TIMESTAMP": stamps["TIMESTAMP"][rows]}, part)
    elif tower.site == "XC-Gra":
        text = table({"TIMESTAMP": stamps["TIMESTAMP"]}, columns)
        reanalysis = table(stamps, {key: columns[key] for key in ("TA_F", "P_F")}).replace("_F", "_ERA")
        texts = {f"{name}_2010-2012_1-4.csv": text, f"{name.replace('SUBSET', 'ERAI')}_1989-2014_1-4.csv": reanalysis}
        archive(folder / f"FLX_{tower.site}_FLUXNET2015_SUBSET_2010-2012_1-4.zip", texts)
    elif tower.site == "XD-Cro":
        text = table(stamps, columns).replace("\n", "\r\n")
        (folder / f"{name}_2010-2012_1-4.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    else:
        without = {key: values for key, values in columns.items() if tower.site != "XF-Wet" or "CO2" not in key}
        write(folder / f"{name}_2010-2012_1-4.csv", stamps, without)


def daily(tower: Tower, days: NDArray[np.datetime64], random: np.random.Generator) -> Columns:
    """Return the columns of a SUBSET DD file, NaN where a value is missing; carbon in gC m-2 d-1."""
    season = 2 * np.pi * (day_of_year(days) - 172) / 365.25 + (np.pi if tower.lat < 0 else 0)
    weather = _weather(tower, season, random)
    uptake, respired = exchange(tower, weather)
    nee = respired - uptake + random.normal(0, 0.3, len(days))
    quality = np.clip(random.beta(12, 1.2, len(days)), 0, 1)
    for start in random.integers(0, len(days) - 30, 6):  # the instrument fails for some weeks
        quality[start : start + 25] = random.uniform(0, 0.5)
    return {
        **_with_quality(weather, random),
        "LE_F_MDS": 12 + 14 * uptake + random.normal(0, 5, len(days)),
        "LE_F_MDS_QC": quality,
        "NEE_VUT_REF": nee,
        "NEE_VUT_REF_QC": np.round(quality * 48) / 48,
        "NEE_VUT_REF_RANDUNC": np.where(quality > 0, 0.1 + 0.04 * np.abs(nee), np.nan),
        "NEE_VUT_25": nee - 0.06 - 0.02 * respired,
        "NEE_VUT_75": nee + 0.04 + 0.02 * respired,
        "RECO_NT_VUT_REF": respired,
        "GPP_NT_VUT_REF": respired - nee,
    }


def _weather(tower: Tower, season: Values, random: np.random.Generator) -> Columns:
    """Return drivers under FLUXNET's names, in its units."""
    count = len(season)
    sky = np.clip(0.55 + 0.22 * _persistent(count, 0.5, random), 0.12, 0.95)
    potential = 300 - 2.2 * abs(tower.lat) + (20 + 3.2 * abs(tower.lat)) * np.cos(season)
    light = np.maximum(potential, 12) * sky
    mean = 27 - 0.42 * abs(tower.lat) - 0.005 * tower.elevation
    warmth = mean + (2 + 0.2 * abs(tower.lat)) * np.cos(season - 0.45) + 2.5 * _persistent(count, 0.8, random)
    dryness = np.clip(6.1 * np.exp(0.06 * warmth) * (sky - 0.15), 0.05, None)
    rain = np.where(random.random(count) < 0.75 - 0.6 * sky, random.gamma(0.9, 7, count), 0.0)
    soil = _smoothed(warmth, 0.88) + random.normal(0, 0.3, count)
    water = np.clip(12 + 9 * _smoothed(rain, 0.95) - 0.3 * _smoothed(dryness, 0.95), 4, 55)
    sky_radiation = 5.67e-8 * (warmth + 273.15) ** 4 * (0.92 - 0.2 * sky)
    pressure = 101.3 * np.exp(-tower.elevation / 8200) + 0.6 * _persistent(count, 0.7, random)
    return {
        "TA_F": warmth, "SW_IN_POT": np.maximum(potential, 12), "SW_IN_F": light, "LW_IN_F": sky_radiation,
        "VPD_F": dryness, "PA_F": pressure, "P_F": rain, "WS_F": random.gamma(4, 0.7, count),
        "CO2_F_MDS": 390 - 6 * np.cos(season) + random.normal(0, 3, count), "TS_F_MDS_1": soil, "SWC_F_MDS_1": water,
    }  # fmt: skip


def exchange(tower: Tower, weather: Columns) -> tuple[Values, Values]:
    """Return photosynthesis and respiration without noise [gC m-2 d-1]."""
    warm = np.exp(-(((weather["TA_F"] - 20) / 13) ** 2)) * (weather["TA_F"] > 0)
    dry = 1 / (1 + np.exp((weather["VPD_F"] - 18) / 4))
    wet = weather["SWC_F_MDS_1"] / (weather["SWC_F_MDS_1"] + 8)
    uptake = tower.uptake * weather["SW_IN_F"] * warm * dry * wet * 1.4
    respired = tower.respiration * 2 ** ((weather["TS_F_MDS_1"] - 10) / 10) * wet
    return uptake, respired


def _with_quality(weather: Columns, random: np.random.Generator) -> Columns:
    """Add quality columns, and gaps to what is not filled from reanalysis."""
    found: Columns = {}
    for name, values in weather.items():
        filled = values.copy()
        if "_MDS" in name:
            start = int(random.integers(0, len(filled) - 40))
            filled[start : start + 20] = np.nan
        found[name] = filled
        if name != "SW_IN_POT":
            found[f"{name}_QC"] = np.where(np.isnan(filled), np.nan, np.round(random.beta(9, 1, len(filled)), 6))
    return found


def day_of_year(days: NDArray[np.datetime64]) -> Values:
    """Return the day of the year, 1 on 1 January, shape as `days`."""
    whole = days.astype("datetime64[D]")
    return np.asarray((whole - whole.astype("datetime64[Y]")).astype(np.float64) + 1)


def _persistent(count: int, memory: float, random: np.random.Generator) -> Values:
    """Return noise of deviation 1 that remembers the day before."""
    return np.asarray(_smoothed(random.standard_normal(count), memory) * np.sqrt((1 + memory) / (1 - memory)))


def _smoothed(values: Values, memory: float) -> Values:
    from scipy.signal import lfilter

    return np.asarray(lfilter([1 - memory], [1, -memory], values), dtype=np.float64)


def stamp(times: NDArray[np.datetime64], digits: int) -> NDArray[np.str_]:
    """Write times as FLUXNET does: YYYYMMDDHHMM, or its first digits."""
    text = np.datetime_as_string(times.astype("datetime64[m]"), unit="m")
    for sign in "-T:":
        text = np.char.replace(text, sign, "")
    return np.array([moment[:digits] for moment in text])


def table(stamps: dict[str, NDArray[np.str_]], columns: Columns) -> str:
    """Write a file's text; NaN as -9999."""
    rows = zip(*stamps.values(), *(map(_cell, values) for values in columns.values()), strict=True)
    return "\n".join([",".join([*stamps, *columns]), *(",".join(row) for row in rows)]) + "\n"


def _cell(value: float) -> str:
    return str(FILL) if np.isnan(value) else f"{value:.6g}"


def write(path: Path, stamps: dict[str, NDArray[np.str_]], columns: Columns) -> Path:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(table(stamps, columns), encoding="utf-8")
    return path


def archive(path: Path, texts: dict[str, str]) -> Path:
    """Write a zip archive of text files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in texts.items():
            file.writestr(zipfile.ZipInfo(name, _WRITTEN), text, zipfile.ZIP_DEFLATED)
    return path


def half_hourly(times: NDArray[np.datetime64], random: np.random.Generator) -> Columns:
    """Return columns of a FULLSET HH file: quality is a class, carbon in umol CO2 m-2 s-1."""
    hour = (times - times.astype("datetime64[D]")).astype("timedelta64[m]").astype(np.float64) / 60
    light = np.maximum(0, 700 * np.sin((hour - 6) / 12 * np.pi)) * random.uniform(0.4, 1, len(times))
    count = len(times)
    return {
        "TA_F": 12 + light / 60, "SW_IN_F": light, "LW_IN_F": np.full(count, 320.0), "VPD_F": 2 + light / 60,
        "PA_F": np.full(count, 97.2), "P_F": np.where(random.random(count) < 0.05, 0.4, 0.0),
        "WS_F": random.gamma(4, 0.7, count), "TS_F_MDS_1": np.full(count, 11.0), "SWC_F_MDS_1": np.full(count, 31.0),
        "CO2_F_MDS": np.full(count, 395.0), "NEE_VUT_REF": 3 - light / 40 + random.normal(0, 0.5, count),
        "NEE_VUT_REF_QC": random.integers(0, 4, count).astype(np.float64),
    }  # fmt: skip


def base(path: Path, site: str, times: NDArray[np.datetime64], random: np.random.Generator) -> Path:
    """Write AmeriFlux BASE: two lines of comment padded with commas, bare names, no quality columns."""
    half_hours = half_hourly(times, random)
    names = {"TA": "TA_F", "SW_IN": "SW_IN_F", "LW_IN": "LW_IN_F", "VPD": "VPD_F", "PA": "PA_F", "P": "P_F",
             "WS": "WS_F", "TS_1_1_1": "TS_F_MDS_1", "SWC": "SWC_F_MDS_1", "CO2": "CO2_F_MDS"}  # fmt: skip
    columns = {
        "FC": half_hours["NEE_VUT_REF"] - 0.2,
        "NEE_PI": half_hours["NEE_VUT_REF"],
        "H": np.full(len(times), np.nan),
    }
    columns |= {name: half_hours[other] for name, other in names.items()}
    columns["NEE_PI"][::7] = np.nan
    stamps = {"TIMESTAMP_START": stamp(times, 12), "TIMESTAMP_END": stamp(times + np.timedelta64(30, "m"), 12)}
    commas = "," * (len(stamps) + len(columns) - 1)
    head = f"# Site: {site}{commas}\n# Version: 2-5{commas}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + table(stamps, columns), encoding="utf-8")
    return path


def site_table(path: Path, towers: tuple[Tower, ...]) -> Path:
    """Write a table of sites."""
    rows = [f"{t.site},{t.lon},{t.lat},{t.elevation:g},2010,2012,{t.igbp},FALSE,NA" for t in towers]
    header = "sitename,lon,lat,elv,year_start,year_end,classid,c4,koeppen_code"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path

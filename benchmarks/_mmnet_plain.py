"""The paper's three steps of preparation in plain pandas, and a stack of pixels to map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

WEATHER = ["eto", "etr", "pr", "sph", "srad", "vpd", "vs"]
BANDS = ["B2", "B3", "B4", "B5", "B6", "B7"]
CLASSES = ["Shrub", "Grassland", "Barren", "Wetland", "Forest", "Developed", "Crop", "Pasture"]
NLCD = {
    **dict.fromkeys((51, 52), "Shrub"), **dict.fromkeys((71, 72), "Grassland"), 31: "Barren",
    **dict.fromkeys((90, 95), "Wetland"), **dict.fromkeys((41, 42, 43), "Forest"),
    **dict.fromkeys((21, 22, 23, 24), "Developed"), 82: "Crop", 81: "Pasture",
}  # fmt: skip
RELEASE = {2016: 2016, 2017: 2016, 2018: 2019, 2019: 2019, 2020: 2021, 2021: 2021, 2022: 2021}


def prepare(raw: Path, years: tuple[int, ...], out: Path | None) -> pd.DataFrame:
    """Merge, clean and shift; write a CSV after each step where `out` names a folder."""
    merged = _merge(raw, years)
    _write(merged, out, "step1.csv")
    cleaned = _clean(merged)
    _write(cleaned, out, "step2.csv")
    shifted = _shift(cleaned)
    _write(shifted, out, "step3.csv")
    return shifted


def _write(frame: pd.DataFrame, out: Path | None, name: str) -> None:
    if out is not None:
        out.mkdir(exist_ok=True)
        frame.to_csv(out / name, index=False)


def _plain(names: pd.Series) -> pd.Series:
    return names.str.replace("USDA_ARS_", "").str.replace("_", "-")


def _read(raw: Path, pattern: str, years: tuple[int, ...]) -> pd.DataFrame:
    files = [path for year in years for path in sorted(raw.glob(pattern.format(year)))]
    frame = pd.concat([pd.read_csv(path) for path in files], ignore_index=True)
    frame["ID"] = _plain(frame["ID"])
    return frame


def _first_scene(frame: pd.DataFrame, word: int, columns: list[str]) -> pd.DataFrame:
    frame["stamp"] = frame["system:index"].str.split("_").str[word]
    frame["date"] = pd.to_datetime(frame["stamp"].str[:8])
    return frame.sort_values("stamp").drop_duplicates(["ID", "date"])[["ID", "date", *columns]]


def _merge(raw: Path, years: tuple[int, ...]) -> pd.DataFrame:
    weather = _read(raw, "gridmet_SSM_{}.csv", years)
    weather["date"] = pd.to_datetime(weather["system:index"].str[:8])
    frame = weather[["ID", "date", *WEATHER]]
    lst = _read(raw, "LST_MOD11A1_{}.csv", years)
    lst["date"] = pd.to_datetime(lst["system:index"].str[:10].str.replace("_", ""))
    lst = lst[["ID", "date", "mean"]].rename(columns={"mean": "LST"})
    smap = pd.concat([_melted(_read(raw, "smap_ssm_{}.csv", (year,))) for year in years])
    truth = pd.read_csv(raw / "in_situ.csv").replace(-9999, np.nan)
    truth["ID"], truth["date"] = _plain(truth["ID"]), pd.to_datetime(truth["Date"].astype(str))
    products = [
        lst,
        _first_scene(_read(raw, "S1_SSM_{}.csv", years), 4, ["VV", "VH"]),
        _first_scene(_read(raw, "HLSL30_SSM_{}_*.csv", years), 1, BANDS),
        smap,
        truth[["ID", "date", "VWC_5"]],
    ]
    for product in products:
        frame = frame.merge(product, on=["ID", "date"], how="left")
    frame["release"] = frame["date"].dt.year.map(RELEASE)
    cover = pd.concat([_read(raw, "LC_SSM_{}.csv", (year,)).assign(release=year) for year in (2016, 2019, 2021)])
    frame = frame.merge(cover[["ID", "release", "mode"]], on=["ID", "release"], how="left")
    constant = pd.read_csv(raw / "constant_SSM.csv")
    constant["ID"] = _plain(constant["ID"])
    fixed = ["Latitude", "Longitude", "elevation", "slope", "aspect", "clay_5", "bd_5", "sand_5"]
    return frame.merge(constant[["ID", *fixed]], on="ID", how="left")


def _melted(frame: pd.DataFrame) -> pd.DataFrame:
    days = [name for name in frame.columns if name.endswith("_sm_surface")]
    long = frame.melt(id_vars="ID", value_vars=days, var_name="date", value_name="SMAP")
    long["date"] = pd.to_datetime(long["date"].str[:8])
    return long


def _clean(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.sort_values(["ID", "date"]).reset_index(drop=True)
    frame[BANDS] = frame[BANDS].where((frame[BANDS] >= 0) & (frame[BANDS] <= 1))
    share = frame.groupby("ID")[["VWC_5", "VV", "B4", "LST"]].agg(lambda values: values.notna().mean())
    kept = share[(share.VWC_5 > 0.8) & (share.VV > 0.05) & (share.B4 > 0.03) & (share.LST > 0.03)].index
    frame = frame[frame["ID"].isin(kept)].reset_index(drop=True)
    gaps = ["LST", "VV", "VH", *BANDS]
    filled = []
    for _, station in frame.groupby("ID", sort=False):
        station = station.set_index("date")
        station["SMAP"] = station["SMAP"].ffill().bfill()
        station[gaps] = station[gaps].interpolate(method="time", limit_direction="both")
        filled.append(station.reset_index())
    frame = pd.concat(filled, ignore_index=True)
    return _derived(frame)


def _derived(frame: pd.DataFrame) -> pd.DataFrame:
    blue, green, red, near, short_1, short_2 = (frame[name] for name in BANDS)
    vv, vh = frame["VV"], frame["VH"]
    frame["ndvi"] = (near - red) / (near + red)
    frame["evi"] = 2.5 * (near - red) / (near + 6 * red - 7.5 * blue + 1)
    frame["ndwi"] = (green - near) / (green + near)
    frame["lswi"] = (near - short_1) / (near + short_1)
    frame["nsdsi"] = (short_1 - short_2) / short_1
    frame["cr"], frame["dpsvim"], frame["vvvh"] = vv / vh, (vv**2 + vh**2) / 2**5, vv - vh
    frame["pol"], frame["rvim"] = (vv + vh) / (vv - vh), 4 * vh / (vv + vh)
    frame["DoY_normalized"] = np.cos(np.pi * (frame["date"].dt.day_of_year - 1) / 365)
    frame["aspect_normalized"] = np.cos(np.pi * frame["aspect"] / 360)
    cover = frame["mode"].map(NLCD)
    for name in CLASSES:
        frame[name] = (cover == name).astype(float)
    frame["cover"] = cover
    names = {"Latitude": "lat", "Longitude": "lon", "clay_5": "clay", "bd_5": "bd", "sand_5": "sand"}
    return frame.rename(columns=names)


def _shift(frame: pd.DataFrame) -> pd.DataFrame:
    weather = [*WEATHER, "LST"]
    groups = frame.groupby("ID")
    lagged = {f"{name}_{lag}": groups[name].shift(lag) for name in weather for lag in range(1, 11)}
    frame = pd.concat([frame, pd.DataFrame(lagged)], axis=1)
    return frame.dropna(subset=["VWC_5", "cover", *lagged]).reset_index(drop=True)


def write_stack(path: Path, side: int, days: int) -> None:
    """Write a stack of pixels without gaps."""
    import xarray

    from geoml_cli.sources.smap.synthetic_weather import make_nature

    nature = make_nature(150 + np.arange(days, dtype=np.float64), side * side, np.random.default_rng(1))
    daily = {**nature.weather, "LST": nature.lst / 0.02, "SMAP": nature.smap, **nature.radar, **nature.bands}
    fixed = {**nature.site, "land_cover": np.full(side * side, 71.0)}
    shape = (side, side)
    variables = {
        name: (("time", "lat", "lon"), values.reshape(days, *shape).astype("f4")) for name, values in daily.items()
    }
    variables |= {name: (("lat", "lon"), values.reshape(shape).astype("f4")) for name, values in fixed.items()}
    time = np.datetime64("2021-05-30", "ns") + np.arange(days) * np.timedelta64(1, "D")
    coordinates = {"time": time, "lat": 36 - 0.001 * np.arange(side), "lon": -98 + 0.001 * np.arange(side)}
    xarray.Dataset(variables, coordinates).to_netcdf(path)

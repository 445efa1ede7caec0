"""Synthetic days at stations: weather, and a bucket of soil that rain fills and evaporation empties.

Legend: D days, S stations or pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Nature:
    """What the exports of synthetic stations show, [D, S] unless noted otherwise.

    Attributes:
        weather: gridMET's variables by name.
        moisture: Soil moisture [m3 m-3].
        lst: Land-surface temperature [K].
        bands: Reflectances B2 to B7.
        radar: VV and VH [dB].
        smap: Coarse soil moisture [m3 m-3].
        site: Terrain and soil by exported name, [S].
    """

    weather: dict[str, Floats]
    moisture: Floats
    lst: Floats
    bands: dict[str, Floats]
    radar: dict[str, Floats]
    smap: Floats
    site: dict[str, Floats]


def make_nature(day_of_year: Floats, points: int, random: np.random.Generator) -> Nature:
    """Make consistent series of some stations or pixels."""
    days = len(day_of_year)
    season = -np.cos(2 * np.pi * (day_of_year - 15) / 365.25)[:, None]
    site = {
        "elevation": random.uniform(100, 2200, points),
        "slope": random.uniform(0, 12, points),
        "aspect": random.uniform(0, 360, points),
        "clay_5": random.uniform(5, 45, points),
        "sand_5": random.uniform(15, 75, points),
        "bd_5": random.uniform(110, 160, points),
    }
    rain = np.where(random.random((days, 1)) < 0.25, random.gamma(1.2, 7.0, (days, 1)), 0.0)
    rain = rain * random.uniform(0.6, 1.4, (days, points))
    radiation = np.clip(190 + 110 * season - 60 * (rain > 1) + random.normal(0, 20, (days, points)), 15, 380)
    deficit = np.clip(1.1 + 0.8 * season - 0.4 * (rain > 1) + random.normal(0, 0.2, (days, points)), 0.02, 4)
    evaporation = np.clip(0.012 * radiation + 0.9 * deficit, 0.2, 12)
    weather = {
        "eto": evaporation,
        "etr": 1.3 * evaporation,
        "pr": rain,
        "sph": np.clip(0.006 + 0.004 * season + random.normal(0, 5e-4, (days, points)), 5e-4, 0.02),
        "srad": radiation,
        "vpd": deficit,
        "vs": random.gamma(6.0, 0.6, (days, points)),
    }
    moisture = _bucket(rain, evaporation, site)
    return _observed(season, weather, moisture, site, random)


def _bucket(rain: Floats, evaporation: Floats, site: dict[str, Floats]) -> Floats:
    """Fill and empty 100 mm of soil day by day, [D, S]."""
    low, high = 0.02 + site["clay_5"] / 500, 0.32 + site["clay_5"] / 400
    state, found = (low + high) / 2, np.empty_like(rain)
    for day in range(len(rain)):
        share = (state - low) / (high - low)
        state = np.clip(state + (0.45 * rain[day] - evaporation[day] * share) / 100, low, high)
        found[day] = state
    return found


def _observed(
    season: Floats, weather: dict[str, Floats], moisture: Floats, site: dict[str, Floats], random: np.random.Generator
) -> Nature:
    shape = moisture.shape

    def noise(size: float) -> Floats:
        return random.normal(0, size, shape)

    green = np.clip(0.35 + 0.2 * season + 0.5 * (moisture - 0.2) + noise(0.02), 0.05, 0.95)
    wet = moisture - 0.2
    bands = {
        "B2": np.clip(0.06 - 0.02 * green + noise(0.004), 0.005, 1),
        "B3": np.clip(0.09 - 0.02 * green + noise(0.004), 0.005, 1),
        "B4": np.clip(0.14 - 0.11 * green + noise(0.005), 0.005, 1),
        "B5": np.clip(0.16 + 0.28 * green + noise(0.01), 0.02, 1),
        "B6": np.clip(0.28 - 0.35 * wet + noise(0.01), 0.02, 1),
        "B7": np.clip(0.2 - 0.4 * wet + noise(0.01), 0.01, 1),
    }
    vv = -13 + 14 * wet + 2 * green + noise(0.5)
    lst = 288 + 14 * season - 25 * wet + noise(1.5) - site["elevation"] / 400
    smap = np.clip(0.8 * moisture + 0.07 + random.normal(0, 0.03, shape[1]) + noise(0.02), 0.02, 0.6)
    return Nature(weather, moisture, lst, bands, {"VV": vv, "VH": vv - 6.5 + noise(0.4)}, smap, site)

"""Synthetic storms and a satellite that crosses the night side: indices, ephemeris and wave amplitudes.

Waves are likely near the magnetic equator, at L of 5 to 6, from evening to dawn, and the more so the more SME there was
in the hours before; their amplitude follows the last minutes. A network that sees the windows can learn both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.sources.ech import synthetic_series
from geoml_cli.sources.ech.options import EchOptions

DAYS, EVERY = 60, 30
"""Length of the series [days], and minutes between samples."""
_MINUTES = 1440
_BEGIN = np.datetime64("2013-03-01T00:00:00", "s")
_PERIOD_MINUTES = 537
"""Of an orbit of the Van Allen Probes, about nine hours."""
_STORM_EVERY_DAYS = 6.0
Values = NDArray[np.float64]


def write_synthetic(folder: Path, seed: int) -> EchOptions:
    """Write SME (SuperMAG ASCII), SYM-H (OMNI), an ephemeris (MagEphem) and amplitudes (CSV).

    Args:
        folder: Is made where it does not exist.
        seed: Gives the same files whenever it is the same.

    Returns:
        The options to prepare them with.
    """
    random = np.random.default_rng(seed)
    time = _BEGIN + np.arange(DAYS * _MINUTES).astype("timedelta64[m]")
    sme, symh = indices(DAYS * _MINUTES, random)
    minute = np.arange(2 * _MINUTES, DAYS * _MINUTES, EVERY)
    position = orbit(minute)
    far = position["l"] > 3
    minute, position = minute[far], {name: values[far] for name, values in position.items()}
    amplitude = waves(position, sme, minute, random)
    synthetic_series.supermag(folder / "supermag.txt", time, {"SME": sme, "SML": -0.6 * sme})
    synthetic_series.omni(folder / "omni_min2013.asc", time, symh, 0.8 * sme)
    synthetic_series.magephem(folder / "rbspa_MagEphem.txt", time[minute], position)
    synthetic_series.csv(folder / "rbspa_waves.csv", time[minute], {"Ew": amplitude})
    return EchOptions()


def indices(minutes: int, random: np.random.Generator) -> tuple[Values, Values]:
    """Return SME and SYM-H [nT] by the minute: quiet noise, substorms, and a storm every few days; whole numbers."""
    time = np.arange(minutes) / _MINUTES
    symh = 5 + 4 * _noise(minutes, 300, random)
    sme = 90 + 30 * np.abs(_noise(minutes, 40, random))
    for begin in np.arange(1.0, max(minutes / _MINUTES, 2.0), _STORM_EVERY_DAYS) + random.uniform(0, 1.5, 1):
        since = np.maximum(time - begin, 0)
        course = since / 0.25 * np.exp(1 - since / 0.25)
        depth = random.uniform(70, 160)
        symh -= depth * course
        sme += 6 * depth * course * (1 + 0.3 * _noise(minutes, 20, random))
    for begin in random.uniform(0, minutes / _MINUTES, int(2.5 * minutes / _MINUTES)):
        since = np.maximum(time - begin, 0)
        sme += random.uniform(100, 500) * since / 0.02 * np.exp(1 - since / 0.02)
    return np.rint(np.maximum(sme, 10)), np.rint(symh)


def orbit(minute: NDArray[np.int64]) -> dict[str, Values]:
    """Return L, MLT [h] and MLAT [degrees] of an inclined, eccentric orbit around the Earth."""
    phase = 2 * np.pi * minute / _PERIOD_MINUTES
    shell = 3.75 - 2.6 * np.cos(phase)
    mlt = (1.0 - minute / _MINUTES * 0.05 + 5.0 * np.sin(phase) * (shell < 4) + phase / (2 * np.pi) * 0.3) % 24
    return {"l": shell, "mlt": mlt, "mlat": 12 * np.sin(phase / 2.3)}


def waves(position: dict[str, Values], sme: Values, minute: NDArray[np.int64], random: np.random.Generator) -> Values:
    """Return amplitudes [dB]; below zero there is no wave."""
    before = np.convolve(sme, np.full(180, 1 / 180))[: len(sme)][minute]
    night = np.cos(2 * np.pi * (position["mlt"] - 2) / 24)
    place = -3 * ((position["l"] - 5.6) / 1.2) ** 2 - (position["mlat"] / 6) ** 2 + 2 * night
    noise = random.normal(0, 1.5, len(minute))
    return np.asarray(8 + 4 * place + 6 * np.log2(before / 180) + 3 * np.log2(sme[minute] / 180) + noise)


def _noise(size: int, smooth: float, random: np.random.Generator) -> Values:
    from scipy.ndimage import gaussian_filter1d

    field = gaussian_filter1d(random.standard_normal(size), smooth, mode="wrap")
    return np.asarray(field / field.std(), dtype=np.float64)

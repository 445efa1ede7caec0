"""Half-hours of a tower in REddyProc's layout, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geoml_cli.sources.fluxnet import synthetic as made

HEAD = "Year\tDoY\tHour\tNEE\tLE\tRg\tTair\trH\tVPD\tUstar"
UNITS = "-\t-\t-\tumolm-2s-1\tWm-2\tWm-2\tdegC\t%\thPa\tms-1"
NAME = "Example_XAFir12.txt"
DRIVERS = ("SW_IN_F", "TA_F", "VPD_F")


def rows(found: np.ndarray) -> list[str]:
    """Write half-hours from the begin of 2012: a row for each, its columns those of HEAD after the times."""
    written = []
    for place, row in enumerate(found):
        day, half = divmod(place, 48)
        written.append("\t".join(f"{cell:g}" for cell in (2012, day + 1, (half + 1) / 2, *row)))
    return written


def write(folder: Path, lines: list[str], head: str = HEAD, units: str = UNITS, name: str = NAME) -> Path:
    """Write the file, and a table of sites beside it."""
    folder.mkdir(exist_ok=True)
    made.site_table(folder / "siteinfo.csv", made.TOWERS)
    (folder / name).write_text("\n".join([head, units, *lines]) + "\n")
    return folder


def weather(days: int) -> np.ndarray:
    """Make fluxes that follow the light, with gaps; some records have no temperature."""
    random, count = np.random.default_rng(3), days * 48
    hour = np.arange(count) % 48 / 2
    light = np.maximum(0, 700 * np.sin((hour - 6) / 12 * np.pi)) * random.uniform(0.5, 1, count)
    warmth = 12 + 6 * np.sin((hour - 9) / 24 * 2 * np.pi) + random.normal(0, 1, count)
    dryness = np.clip(warmth - 4 + random.normal(0, 1, count), 0.1, None)
    flux = 4 - 0.02 * light + random.normal(0, 0.5, count)
    flux[random.permutation(count)[: count // 5]] = -9999
    flux[480:500] = warmth[485:490] = -9999
    warmth[700:705] = -9999  # of which some fluxes are measured
    plain = np.full(count, 50.0)
    return np.stack([flux, plain, light, warmth, plain, dryness, plain / 100], axis=1).round(3)

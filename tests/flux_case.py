"""Small daily files in FLUXNET's layout, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.sources.fluxnet import synthetic as made

DAYS = np.arange("2010-12-01", "2011-02-01", dtype="datetime64[D]")
NAME = "FLX_{site}_FLUXNET2015_SUBSET_DD_2010-2011_1-4.csv"


def columns(tower: made.Tower = made.TOWERS[0], days: np.ndarray = DAYS, seed: int = 0) -> made.Columns:
    """Return a site's daily columns without gaps, every target measured."""
    found = made.daily(tower, days, np.random.default_rng(seed))
    found = {name: np.where(np.isnan(values), 1.0, values) for name, values in found.items()}
    found["NEE_VUT_REF_QC"] = np.ones(len(days))
    found["SWC_F_MDS_1"] = np.full(len(days), 20.0)
    found["CO2_F_MDS"] = np.full(len(days), 390.0)
    return found


def write(folder: Path, tower: made.Tower, found: made.Columns, days: np.ndarray = DAYS, name: str = NAME) -> Path:
    """Write a site's daily file."""
    return made.write(folder / name.format(site=tower.site), {"TIMESTAMP": made.stamp(days, 8)}, found)


def balanced(funnel: Funnel) -> bool:
    """Return whether every row read was either kept or counted as dropped."""
    return funnel.read == funnel.kept + sum(funnel.dropped.values())

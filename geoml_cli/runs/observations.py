"""Tables of a run's evaluations that hold observed values: who hands a run on hands these on as well."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from geoml_cli.runs.run import Run

_OBSERVED = "observed"
"""Column of the observed value of a row, or of a place and time."""


def observed_tables(run: Run, names: Iterable[Path]) -> list[Path]:
    """Return which files of a run hold observed values, relative to it: `evaluation/test/predictions.csv`, say."""
    tables = (name for name in names if name.parts[0] == "evaluation" and name.suffix == ".csv")
    return [name for name in tables if _OBSERVED in _header(run.folder / name)]


def observations_told(files: Sequence[str], licence: str, *, included: bool) -> str:
    """Say in the README of a bundle which files hold observed values, or that they were left out; a line, or none."""
    if not files:
        return ""
    names = ", ".join(f"`{name}`" for name in files)
    if not included:
        return (
            f"- Left out, as they hold observed values: {names}. `geoml evaluate` makes them anew from the data set.\n"
        )
    return (
        f"- Observed values of the evaluated samples are in this folder all the same: {names}. The licence of the data "
        f"({licence.rstrip('.')}) holds for these files.\n"
    )


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream), [])

"""Tables of a run that hold observed values, in its evaluations and predictions: they are handed on with it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from geoml_cli.runs.run import Run

_OBSERVED = ("observed", "_observed")
"""A column of observed values is called so, or ends in the second, after the name of its target."""
_FOLDERS = ("evaluation", "predictions")


def observed_tables(run: Run, names: Iterable[Path]) -> list[Path]:
    """Return which files of a run hold observed values, relative to it: `evaluation/test/predictions.csv`, say."""
    tables = (name for name in names if name.parts[0] in _FOLDERS and name.suffix in _COLUMNS)
    return [name for name in tables if _holds_observed(run.folder / name)]


def _holds_observed(path: Path) -> bool:
    """Tell whether a table holds observed values; one that cannot be read here is taken for one that does."""
    try:
        columns = _COLUMNS[path.suffix](path)
    except (ImportError, OSError, ValueError, csv.Error):  # pyarrow is missing, or the file is damaged or another's
        return True
    return any(column == _OBSERVED[0] or column.endswith(_OBSERVED[1]) for column in columns)


def observation_words(files: Sequence[str], licence: str, *, included: bool) -> str:
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


def _of_parquet(path: Path) -> list[str]:
    from pyarrow import parquet

    return list(parquet.read_schema(path).names)


def _of_netcdf(path: Path) -> list[str]:
    import h5py

    with h5py.File(path) as file:
        return list(file)


_COLUMNS: Mapping[str, Callable[[Path], list[str]]] = {".csv": _header, ".parquet": _of_parquet, ".nc": _of_netcdf}
"""How names of a file's columns are read, by its suffix."""

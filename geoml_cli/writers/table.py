"""Predictions of samples to CSV, Parquet or NetCDF, by suffix, a part of the rows at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import atomic_write, write_text
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import SettingsError
from geoml_cli.writers.attributes import attributes_of
from geoml_cli.writers.suffixes import require_suffix

if TYPE_CHECKING:
    import pandas as pd

    Frames = Iterable[pd.DataFrame]

_MILLISECONDS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}
"""Of a day, hour, minute and second."""


@dataclass(frozen=True)
class Table:
    """What a table is, besides its rows."""

    columns: tuple[Variable, ...]
    rows: int
    attributes: dict[str, str]


def check_suffix(path: Path) -> None:
    """Refuse a file that cannot become a table; errors as for `require_suffix`."""
    require_suffix(path, _WRITERS, "table", "; maps are made with --map")


def write(path: Path, content: Table, frames: Frames) -> None:
    """Write a table by its suffix.

    Raises:
        SettingsError: The suffix is not that of a table, or the package behind it is not installed.
    """
    check_suffix(path)
    try:
        with atomic_write(path) as temporary:
            _WRITERS[path.suffix.lower()](temporary, content, frames)
        if path.suffix.lower() == ".csv":
            _describe(path, content)
    except ImportError as error:
        raise SettingsError(
            f"needs the package {error.name}.",
            where=str(path),
            fix="Install it with `pip install 'geoml[dask]'`.",
        ) from error


def _describe(path: Path, content: Table) -> None:
    """Write what CSV has no place for next to it: run, units and meaning of columns, as CSV on the Web (W3C) does."""
    kinds = {"str": "string", "i8": "integer", "f4": "float", "f8": "double"}
    columns = [
        {
            "name": column.name,
            "dc:description": column.long_name,
            "datatype": "dateTime" if " since " in column.unit else kinds[column.dtype],
            **({} if " since " in column.unit else {"unit": column.unit}),
        }
        for column in content.columns
    ]
    about = {"@context": "http://www.w3.org/ns/csvw", "url": path.name, **content.attributes}
    document = {**about, "tableSchema": {"columns": columns}}
    write_text(path.with_name(f"{path.name}-metadata.json"), json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _csv(path: Path, content: Table, frames: Frames) -> None:
    """Plain CSV for every reader; its units stand next to it, not in the header."""
    import pandas as pd

    names = [column.name for column in content.columns]
    with path.open("w", encoding="utf-8", newline="") as stream:
        pd.DataFrame(columns=names).to_csv(stream, index=False, lineterminator="\n")
        for frame in frames:
            # 9 digits carry a float32 there and back.
            readable(frame[names], content.columns).to_csv(
                stream, index=False, header=False, lineterminator="\n", float_format="%.9g"
            )


def readable(frame: pd.DataFrame, columns: Iterable[Variable]) -> pd.DataFrame:
    """Spell times out in ISO 8601: people and spreadsheets read no minutes since a moment."""
    units = {column.name: column.unit for column in columns if " since " in column.unit}
    return frame.assign(**{name: iso_times(frame[name].to_numpy(), unit) for name, unit in units.items()})


def iso_times(passed: NDArray[Any], unit: str) -> NDArray[np.object_]:
    """Return times as ISO 8601 text to the second, None where missing.

    Args:
        passed: Time since a moment, NaN where missing.
        unit: Such as `minutes since 1970-01-01 00:00:00`.
    """
    step, _, begin = unit.partition(" since ")
    known = np.isfinite(passed)
    # Rounded to the millisecond first: a third of a day is no second less.
    milliseconds = np.round(np.where(known, passed, 0) * _MILLISECONDS[step[0]]).astype("timedelta64[ms]")
    text = np.datetime_as_string(
        np.datetime64(begin.rstrip("Z").replace(" ", "T"), "s") + milliseconds, unit="s", casting="unsafe"
    )
    found: NDArray[np.object_] = text.astype(object)
    found[~known] = None
    return found


def _parquet(path: Path, content: Table, frames: Frames) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"str": pa.string(), "i8": pa.int64(), "f4": pa.float32(), "f8": pa.float64()}
    fields = [
        pa.field(c.name, kinds[c.dtype], metadata={"units": c.unit, "long_name": c.long_name}) for c in content.columns
    ]
    schema = pa.schema(fields, metadata=dict(content.attributes))
    with pq.ParquetWriter(path, schema) as writer:
        for frame in frames:
            writer.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False))


def _netcdf(path: Path, content: Table, frames: Frames) -> None:
    import netCDF4

    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts({"Conventions": "CF-1.11", **content.attributes})
        file.createDimension("sample", content.rows)
        for column in content.columns:
            kind: Any = str if column.dtype == "str" else column.dtype
            fill = np.nan if column.dtype in ("f4", "f8") else None
            variable = file.createVariable(column.name, kind, ("sample",), fill_value=fill)
            variable.setncatts(attributes_of(column))
        start = 0
        for frame in frames:
            for column in content.columns:
                values = frame[column.name].to_numpy(dtype=object if column.dtype == "str" else column.dtype)
                file[column.name][start : start + len(frame)] = values
            start += len(frame)


_WRITERS: dict[str, Callable[[Path, Table, Frames], None]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".nc": _netcdf,
}

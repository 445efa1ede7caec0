"""Parquet files, opened with pyarrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geoml_cli.dataset.raw_files import not_permitted
from geoml_cli.errors import DataError, SettingsError

SUFFIXES = (".parquet", ".pq")


def open_parquet(path: Path) -> Any:  # noqa: ANN401  pyarrow is untyped
    """Open a file; what is read of it later may still fail, as `unreadable` says.

    Raises:
        DataError: It is damaged, or another format.
        SettingsError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise SettingsError(
            "Parquet is read with pyarrow, which is not installed",
            where=str(path),
            fix='Install it: pip install "geoml[dask]"; or give the table as CSV.',
        ) from error
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError, UnicodeError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> DataError:
    """Say that a file cannot be read: what may not be read needs other permissions, what is damaged another copy."""
    if isinstance(error, PermissionError):
        return not_permitted(path)
    return DataError(
        "cannot be read as Parquet: it is damaged or another format",
        where=str(path),
        fix="Get the file again, or write the table anew.",
    )

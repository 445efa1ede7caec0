"""Groundwater storage anomalies: tables of cells with their factors, or the products they are made from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geoml_cli.dataset.source import Source, Written
from geoml_cli.sources.groundwater.options import GwsaOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geoml_cli.dataset.source import TableBlock
    from geoml_cli.dataset.store import Dataset, DatasetWriter
    from geoml_cli.reporting import Reporter


def inputs(raw: Path, options: GwsaOptions) -> list[Path]:
    """Find the raw files that are read.

    Raises:
        DataError: There are none, or it is not clear which are meant.
    """
    from geoml_cli.sources.groundwater import folders

    return folders.inputs(raw, options)


def write(raw: Path, options: GwsaOptions, writer: DatasetWriter, reporter: Reporter) -> Written:
    """Write one sample a cell and time, streaming.

    Raises:
        DataError: A file is missing, damaged or unclear, or no row can be used.
    """
    from geoml_cli.sources.groundwater import folders, products, tables

    if folders.kind(raw, options) == "products":
        return products.write(raw, options, writer, reporter)
    return tables.write(raw, options, writer, reporter)


def synthesise(folder: Path, seed: int) -> GwsaOptions:
    """Write a made-up table of cells and years; see `sources/synthetic/gwsa.py`."""
    from geoml_cli.sources.synthetic import gwsa

    return gwsa.synthesise(folder, seed)


def rows(path: Path, dataset: Dataset, size: int) -> Iterator[TableBlock]:
    """Read a table of cells to predict, some rows at a time."""
    from geoml_cli.sources.groundwater.predicting import rows as read

    return read(path, dataset, size)


SOURCE = Source(
    summary="Groundwater storage: tables of cells and years (CSV, Parquet), or GRACE, GLDAS and factor grids",
    options=GwsaOptions,
    inputs=inputs,
    write=write,
    synthesise=synthesise,
    rows=rows,
)

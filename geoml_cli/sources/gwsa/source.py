"""The source `gwsa`: which functions find, read and make its files."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.readers.tables import read_through
from geoml_cli.source import PreparedInfo, Source
from geoml_cli.sources.gwsa import filtering, folders, predicting, products, synthetic, tables
from geoml_cli.sources.gwsa.options import GwsaOptions
from geoml_cli.work.reporting import Reporter


def prepare(raw: Path, options: GwsaOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Write one sample per cell and time, streaming.

    Raises:
        DataError: A file is missing, damaged or unclear, or no row can be used.
    """
    if folders.kind(raw, options) == "products":
        return products.write(raw, options, writer, reporter)
    return tables.write(raw, options, writer, reporter)


SOURCE = Source(
    files=folders.inputs,
    prepare=prepare,
    synthetic=synthetic.write_synthetic,
    rows=predicting.rows,
    row_reasons=filtering.REASONS,
    read_through=read_through,
)

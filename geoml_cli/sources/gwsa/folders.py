"""What a folder of raw files holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from geoml_cli.dataset.raw_files import files_below
from geoml_cli.errors import DataError
from geoml_cli.readers.columns import TABLES
from geoml_cli.readers.grids import SUFFIXES as GRIDS
from geoml_cli.readers.workbooks import WORKBOOKS
from geoml_cli.sources.gwsa import products, tables
from geoml_cli.sources.gwsa.options import GwsaOptions


def inputs(raw: Path, options: GwsaOptions) -> list[Path]:
    """Find the raw files that are read.

    Raises:
        DataError: There are none, or there are tables and products and it is not said which are meant.
    """
    return products.inputs(raw) if kind(raw, options) == "products" else tables.find(raw, options.tables)


def kind(raw: Path, options: GwsaOptions) -> Literal["tables", "products"]:
    """Return whether tables are read or products.

    Raises:
        DataError: There are none, or there are both and it is not said which are meant.
    """
    if options.kind != "auto":
        return options.kind
    tabular = bool(tables.find(raw, options.tables))
    grids = raw.is_dir() and any(path.suffix.lower() in GRIDS for path in files_below(raw))
    if tabular and grids:
        raise DataError(
            "there are both tables and NetCDF grids",
            where=str(raw),
            fix="Say which are meant: --kind tables or --kind products.",
        )
    if not tabular and not grids:
        raise DataError(
            "there are neither tables of cells nor grids",
            where=str(raw),
            fix=f"Tables end in {', '.join((*TABLES, *WORKBOOKS))}; GRACE and GLDAS grids in {', '.join(GRIDS)}.",
        )
    return "tables" if tabular else "products"

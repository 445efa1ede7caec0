"""Groundwater storage anomalies: tables of cells with their factors, or the products they are made from."""

from geoml_cli.source import CellMapOptions, SampleTableOptions, SourceCard
from geoml_cli.sources.gwsa.options import GwsaOptions

CARD = SourceCard(
    summary="Groundwater storage: tables of cells and years (CSV, Parquet), or GRACE, GLDAS and factor grids",
    options=GwsaOptions,
    inputs=(
        SampleTableOptions,
        CellMapOptions,
    ),
    licence="GRACE and GLDAS: open data of NASA; other factors and tables: as their providers say.",
    citation="Rodell et al. 2004, BAMS 85, 381-394 (GLDAS), doi:10.1175/BAMS-85-3-381",
)

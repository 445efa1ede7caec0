"""Any gridded variable over time: NetCDF, HDF5, Zarr or GeoTIFF maps, one file or hundreds."""

from geoml_cli.source import SourceCard
from geoml_cli.sources.grid.options import GridOptions

CARD = SourceCard(
    summary="Monthly, daily or hourly maps of one variable: CF NetCDF, HDF5, Zarr or a stack of GeoTIFF",
    options=GridOptions,
)

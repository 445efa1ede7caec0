"""Soil organic carbon samples: the paper's released arrays, or points and covariate rasters."""

from geoml_cli.source import PointTableOptions, SourceCard
from geoml_cli.sources.soc.options import SocOptions

CARD = SourceCard(
    summary="Soil organic carbon: points with covariate rasters (GeoTIFF), or the paper's released arrays",
    options=SocOptions,
    inputs=(PointTableOptions,),
)

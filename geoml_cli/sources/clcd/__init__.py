"""Land cover: pixels drawn from yearly class rasters (CLCD, NLCD or any other), with covariate rasters."""

from geoml_cli.source import PointTableOptions, SourceCard
from geoml_cli.sources.clcd.options import ClcdOptions

CARD = SourceCard(
    summary="Land cover: pixels of yearly class rasters (CLCD, NLCD or others) with covariate rasters (GeoTIFF)",
    options=ClcdOptions,
    inputs=(PointTableOptions,),
)

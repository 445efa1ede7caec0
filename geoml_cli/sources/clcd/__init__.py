"""Land cover: pixels drawn from yearly class rasters (CLCD, NLCD or any other), with covariate rasters."""

from geoml_cli.source import PointTableOptions, SourceCard
from geoml_cli.sources.clcd.options import ClcdOptions

CARD = SourceCard(
    summary="Land cover: pixels of yearly class rasters (CLCD, NLCD or others) with covariate rasters (GeoTIFF)",
    options=ClcdOptions,
    inputs=(PointTableOptions,),
    licence="CLCD: CC BY 4.0; NLCD: public domain; other rasters: as their providers say.",
    citation="Yang and Huang 2021, Earth System Science Data 13, 3907-3925 (CLCD), doi:10.5194/essd-13-3907-2021",
)

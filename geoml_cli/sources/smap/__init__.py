"""Earth Engine exports at soil-moisture stations (SMAP, gridMET, MODIS, Sentinel-1, HLS, NLCD) with in-situ values."""

from geoml_cli.source import DailyPixelOptions, SampleTableOptions, SourceCard
from geoml_cli.sources.smap.options import SmapOptions

CARD = SourceCard(
    summary="Soil-moisture stations (ISMN or CSV) with Earth Engine exports of SMAP, weather, radar and optical data",
    options=SmapOptions,
    inputs=(SampleTableOptions, DailyPixelOptions),
)

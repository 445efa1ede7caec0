"""Earth Engine exports at soil-moisture stations (SMAP, gridMET, MODIS, Sentinel-1, HLS, NLCD) with in-situ values."""

from geoml_cli.source import DailyPixelOptions, SampleTableOptions, SourceCard
from geoml_cli.sources.smap.options import SmapOptions

CARD = SourceCard(
    summary="Soil-moisture stations (ISMN or CSV) with Earth Engine exports of SMAP, weather, radar and optical data",
    options=SmapOptions,
    inputs=(SampleTableOptions, DailyPixelOptions),
    licence="ISMN: no republication; exports of Earth Engine: the terms of each product in its catalogue.",
    citation="Dorigo et al. 2021, HESS 25, 5749-5804 (ISMN), doi:10.5194/hess-25-5749-2021",
)

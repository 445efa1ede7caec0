"""Geomagnetic indices with orbits and wave amplitudes, or the paper's released rows."""

from geoml_cli.source import SampleTableOptions, SourceCard
from geoml_cli.sources.ech.options import EchOptions

CARD = SourceCard(
    summary="Geomagnetic indices (SME, SYM-H) with orbits and wave amplitudes, or the paper's released rows",
    options=EchOptions,
    inputs=(SampleTableOptions,),
    more_groups={"storm": "Prepare again with a threshold of SYM-H nearer to 0, such as --storm-nt -25."},
    licence="SuperMAG and Kyoto indices: no republication.",
    citation="Gjerloev 2012, Journal of Geophysical Research 117, A09213 (SuperMAG), doi:10.1029/2012JA017683",
)

"""Eddy-covariance towers: FLUXNET2015, newer FLUXNET products and AmeriFlux BASE, at any of their resolutions."""

from geoml_cli.source import SourceCard, SumOptions
from geoml_cli.sources.fluxnet.options import FluxnetOptions

CARD = SourceCard(
    summary="Eddy-covariance towers (FLUXNET2015 and newer, AmeriFlux BASE): carbon and energy fluxes with drivers",
    options=FluxnetOptions,
    inputs=(SumOptions,),
    licence="FLUXNET2015 (tier one), later FLUXNET products and AmeriFlux: CC BY 4.0; some sites have an older policy.",
    citation="Pastorello et al. 2020, Scientific Data 7, 225, doi:10.1038/s41597-020-0534-3",
)

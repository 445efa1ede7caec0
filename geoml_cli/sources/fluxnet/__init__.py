"""Eddy-covariance towers: FLUXNET2015, newer FLUXNET products and AmeriFlux BASE, at any of their resolutions."""

from geoml_cli.source import SourceCard, SumOptions
from geoml_cli.sources.fluxnet.options import FluxnetOptions

CARD = SourceCard(
    summary="Eddy-covariance towers (FLUXNET2015 and newer, AmeriFlux BASE): carbon and energy fluxes with drivers",
    options=FluxnetOptions,
    inputs=(SumOptions,),
)

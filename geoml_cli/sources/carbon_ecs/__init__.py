"""Carbon-ECS: monthly sea-air CO2 flux of the East China Sea, one HDF5 file a year."""

from geoml_cli.source import SourceCard
from geoml_cli.sources.carbon_ecs.options import CarbonEcsOptions

CARD = SourceCard(
    summary="Sea-air CO2 flux of the East China Sea (Carbon-ECS): monthly maps in one HDF5 file a year",
    options=CarbonEcsOptions,
)

"""The source `carbon-ecs`: which functions find, read and make its files."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.dataset.grid import PaperGeometry
from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.readers.grid_dataset import GridPlan, write_grid
from geoml_cli.readers.limits import pair
from geoml_cli.readers.nodata import Declared, declared_fills, refuse_unknown
from geoml_cli.source import PreparedInfo, Source
from geoml_cli.sources.carbon_ecs import reading, synthetic
from geoml_cli.sources.carbon_ecs.options import CarbonEcsOptions
from geoml_cli.work.reporting import Reporter

PAPER = PaperGeometry(top=800, left=300, size=1024)
"""The paper's cut. The grid is 1300 wide, so it is 1024 x 1000, which the paper pads to a square."""


def files(raw: Path, options: CarbonEcsOptions) -> list[Path]:
    """Find the raw files that are read.

    Raises:
        DataError: There is none.
    """
    return reading.find(raw)


def prepare(raw: Path, options: CarbonEcsOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Write the flux over time with its grid, cell areas and land, streaming; months must be consecutive.

    Raises:
        DataError: A file is damaged; a month is missing, twice or unreadable; or values cannot be.
    """
    nodata = declared_fills(options.nodata)
    refuse_unknown(nodata, [reading.NAME])
    gridded, land = reading.open_files(reading.find(raw), nodata.get(reading.NAME, Declared()))
    plan = GridPlan(
        name=reading.NAME,
        unit=reading.UNIT,
        long_name="Sea-air CO2 flux, positive from ocean to atmosphere",
        title="Sea-air CO2 flux of the East China Sea (Carbon-ECS), monthly",
        where=str(raw),
        limits=pair(options.range),
        start=options.start,
        end=options.end,
        land=land,
        varies=True,
        paper=PAPER,
    )
    return write_grid(gridded, plan, writer, reporter)


SOURCE = Source(files=files, prepare=prepare, synthetic=synthetic.write_synthetic)

"""The source `grid`: which functions find, read and make its files."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.readers.grid_crop import Box, cells_within
from geoml_cli.readers.grid_dataset import GridPlan, Mask, write_grid
from geoml_cli.readers.grid_files import find, members
from geoml_cli.readers.grid_land import land_of
from geoml_cli.readers.grid_open import GridRequest, open_gridded, open_part, the_only_variable
from geoml_cli.readers.limits import pair
from geoml_cli.readers.nodata import declared_fills
from geoml_cli.source import PreparedInfo, Source
from geoml_cli.sources.grid import synthetic
from geoml_cli.sources.grid.options import GridOptions
from geoml_cli.work.reporting import Reporter


def files(raw: Path, options: GridOptions) -> list[Path]:
    """Find the raw files that are read; of a Zarr store, all of its files.

    Raises:
        DataError: There is none.
    """
    return [member for path in find(raw, options.pattern) for member in members(path)]


def prepare(raw: Path, options: GridOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Write one variable over time with its grid, cell areas and land, streaming.

    Raises:
        DataError: A file is damaged or unclear, a time step is missing, or values cannot be.
    """
    paths = find(raw, options.pattern)
    wanted = request(options)
    with open_gridded(paths, wanted) as (name, gridded):
        plan = GridPlan(
            name=name,
            unit=options.unit,
            long_name="",
            title=f"{gridded.long_name or name} on a grid over time",
            where=str(raw),
            advice="If no time has one within --crop, choose another box." if options.crop else "",
            start=options.start,
            end=options.end,
            limits=pair(options.range),
            land=_land(paths[0], options.land, wanted) if options.land else None,
        )
        return write_grid(gridded, plan, writer, reporter)


def _land(path: Path, name: str, wanted: GridRequest) -> Mask:
    """Read the land mask of the cells that are read."""
    with ExitStack() as files:  # of the whole grid, as the mask is stored
        axes = open_part(path, wanted.variable or the_only_variable(path, wanted.select), wanted, files).axes
    rows, columns = cells_within(axes, wanted.box)
    return land_of(path, name, axes)[rows][:, columns]


def request(options: GridOptions) -> GridRequest:
    """Say what is read of the files."""
    pairs = (text.rpartition("=") for text in options.select)
    return GridRequest(
        variable=options.var,
        select={dim: float(value) for dim, _, value in pairs},
        nodata=declared_fills(options.nodata),
        box=Box(*(float(part) for part in options.crop.split(","))) if options.crop else None,
        date_pattern=options.date_pattern,
    )


SOURCE = Source(files=files, prepare=prepare, synthetic=synthetic.write_synthetic)

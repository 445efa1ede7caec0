"""Samples from what a soil mapper has: a table of points and a folder of rasters."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.raw_files import visible
from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError
from geoml_cli.readers.column_fills import ColumnFills
from geoml_cli.readers.locating import DEGREES, check_degrees, drop_fill_values, is_geographic, pixels, transform
from geoml_cli.readers.mosaics import all_files
from geoml_cli.readers.points import Points, RequestedColumns, find_table, read_points
from geoml_cli.readers.rasters import require_rasterio
from geoml_cli.source import PreparedInfo
from geoml_cli.sources.soc import writing
from geoml_cli.sources.soc.folders import find_rasters, sort_bands
from geoml_cli.sources.soc.inspection import inspect_rasters
from geoml_cli.sources.soc.log import PrepareLog
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.sources.soc.patches import PatchExtractor
from geoml_cli.sources.soc.sampling import Rows, complete, cut, refuse_empty, usable
from geoml_cli.sources.soc.units import chosen_unit
from geoml_cli.work.reporting import Reporter

_MOST_BYTES = 256 << 20
"""Size of a variable that stays in memory until all of it is known."""
SOC_NAMES = (
    ("soc",),
    (
        "socgkg",
        "socgkg1",
        "socpercent",
        "socperc",
        "socpct",
        "soilorganiccarbon",
        "orgc",
        "oc",
        "toc",
        "corg",
    ),
)


def wanted(options: SocOptions) -> RequestedColumns:
    """Tell which columns to look for."""
    return RequestedColumns(options.x, options.y, options.target, options.sample_id, SOC_NAMES, options.label)


def inputs(raw: Path, options: SocOptions) -> list[Path]:
    """Find the table and the rasters."""
    return [_table(raw, options), *all_files(find_rasters(raw, options.covariates))]


def _table(raw: Path, options: SocOptions) -> Path:
    table = find_table(raw, options.points)
    if table is None:
        archives = [path.name for path in visible(raw) if path.suffix.lower() == ".zip"] if raw.is_dir() else []
        unpacked = f"Unpack {archives[0]} if it is in there; put" if archives else "Put"
        raise DataError(
            "there is no table of samples (CSV)", where=str(raw), fix=f"{unpacked} it here or name it: --points FILE."
        )
    return table


def write(raw: Path, options: SocOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Cut samples at the points and write them."""
    require_rasterio()
    funnel = Funnel()
    log, table = PrepareLog(reporter, funnel), _table(raw, options)
    points, column, unit = _points(table, options, log)
    said = {name: one for name, one in options.fills().items() if name != column}
    raw_files = sort_bands(find_rasters(raw, options.covariates), said)
    plan, stack = inspect_rasters(raw_files, options, log)
    plan = plan.model_copy(update={"target": column})
    cutter = PatchExtractor(plan, stack)
    try:
        rows, columns = pixels((points.x, points.y), options.crs, stack.grid)
        kept = complete(cutter, rows, columns, log)
        funnel.kept = int(kept.sum())
        if not funnel.kept:
            refuse_empty(funnel, str(table))
        _write_variables(cutter, writer, points.at(kept), (options.crs, unit))
        _write_windows(cutter, writer, (rows[kept], columns[kept]), reporter)
    finally:
        stack.close()
    for note in (note for note in funnel.notes if note.endswith("; kept")):
        reporter.warn(note)
    return PreparedInfo("samples", funnel, plan.model_dump(mode="json"))


def _points(table: Path, options: SocOptions, log: PrepareLog) -> tuple[Points, str, str]:
    """Return the points, the name of their target, and its unit."""
    geographic = is_geographic(options.crs)
    points, columns = read_points(table, wanted(options), geographic)
    x, y = drop_fill_values((points.x, points.y), geographic)
    points = replace(points, x=x, y=y)
    if geographic:
        check_degrees((points.x, points.y), points.line, str(table), options.crs, "swapped columns need --x and --y")
    points = _without_fills(points, columns.target, str(table), options)
    unit = chosen_unit(options.unit, columns.target, log)
    return usable(points, unit, log.funnel), columns.target, unit


def _without_fills(points: Points, column: str, table: str, options: SocOptions) -> Points:
    """Set declared fills of the target to NaN, and refuse what looks like one; those below zero are known."""
    said = [pair for pair in options.nodata if pair.rpartition("=")[0] == column]
    fills = ColumnFills(said, [column])
    target = fills.masked(column, points.target)
    fills.count(column, table, np.where(target >= 0, target, np.nan))
    fills.refuse()
    return replace(points, target=target)


def _write_variables(cutter: PatchExtractor, writer: DatasetWriter, points: Points, crs_unit: tuple[str, str]) -> None:
    plan, (crs, unit) = cutter.plan, crs_unit
    shape = writing.Shape(len(points), 2 * plan.half + 1, plan.channels, list(plan.features), list(plan.years))
    writing.put_origin(writer, "points and covariate rasters")
    writing.declare_axes(writer, shape)
    degrees = transform((points.x, points.y), crs, DEGREES)
    writing.put_samples(writer, points.identity, points.target, unit, degrees)
    for name, texts in points.labels.items():
        writer.put(Variable(name, "", f"{name} of the sample", ("sample",), dtype="str"), texts)


def _write_windows(
    cutter: PatchExtractor, writer: DatasetWriter, pixels: tuple[Rows, Rows], reporter: Reporter
) -> None:
    declared = []
    if cutter.plan.covariates:
        declared.append(replace(writing.STATIC, file_units=cutter.plan.static_units))
    if cutter.plan.features:
        declared.append(replace(writing.SERIES, file_units=cutter.plan.series_units))
    handles = {variable.name: writer.declare(variable) for variable in declared}
    # Samples come in the order of the rasters' tiles, and HDF5 reads back what it writes in pieces.
    gathered = {name: _in_memory(handle) for name, handle in handles.items()}
    for members, samples in cut(cutter, *pixels, reporter):
        for name, values in samples.items():
            gathered[name][members] = values
    for name, values in gathered.items():
        if isinstance(values, np.ndarray):
            handles[name][:] = values


def _in_memory(handle: Any) -> Any:  # noqa: ANN401  netCDF4.Variable
    """Return an array for the values of a variable; the variable itself where they take too much memory."""
    small = math.prod(handle.shape) * handle.dtype.itemsize <= _MOST_BYTES
    return np.empty(handle.shape, dtype=handle.dtype) if small else handle

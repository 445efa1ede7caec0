"""A lazy gridded variable to a prepared data set of the layout `grid`.

Legend: T time steps, Y rows, X columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import RESERVED, GridAxes, GridFacts, PaperGeometry, Step, declare, put_land
from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError
from geoml_cli.readers.constant_cells import ConstantCells
from geoml_cli.readers.frame_checks import FrameChecks
from geoml_cli.readers.grid_axes import NO_POSITION
from geoml_cli.readers.gridded import BLOCK_BYTES, NOT_ALL, Gridded
from geoml_cli.readers.time_steps import Stamped, encode, evened, regular_step
from geoml_cli.source import PreparedInfo
from geoml_cli.version import __version__
from geoml_cli.work.reporting import Reporter

Mask = NDArray[np.bool_]
_SHOWN = 5
_AGAINST, _FITS = 0.05, 4
"""Cells on land with values, as a share of those at sea, from which on a mask may be upside down: where it then has so
many times fewer of them, and of cells at sea without values."""


@dataclass(frozen=True)
class GridPlan:
    """How a variable is written.

    Attributes:
        name: Of the variable.
        unit: Where the files have none.
        long_name: Where the files have none.
        title: Of the data set.
        where: The raw data, for messages.
        start: First time, as a prefix such as `2003` or `2003-05`; empty for all.
        end: Last time, likewise.
        limits: Least and largest value that may be; None compares frames with each other.
        land: Where land is, [Y, X]; None takes cells that are never valid.
        varies: Whether a frame with one value in all cells is an error, as a flux that is 0 everywhere.
        advice: What may help where a time has no value, in addition to the file.
        paper: Cut of the paper.
        notes: For the user.
    """

    name: str
    unit: str
    long_name: str
    title: str
    where: str
    start: str = ""
    end: str = ""
    limits: tuple[float, float] | None = None
    land: Mask | None = None
    varies: bool = False
    advice: str = ""
    paper: PaperGeometry | None = None
    notes: list[str] = field(default_factory=list)


def write_grid(gridded: Gridded, plan: GridPlan, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Write the data set, some frames at a time.

    Raises:
        DataError: Times are missing, twice or uneven; a frame cannot be read or has no value; or values are far beyond
            those of other times.
    """
    # Of a whole series before the period is chosen by its times; of a period of an uneven one after.
    chosen = _evened(_period(_evened(gridded), plan))
    step = _step(chosen, plan.where)
    facts, times = _facts(chosen, plan, step)
    writer.attributes(title=plan.title, history=f"geoml prepare, version {__version__}")
    handle = declare(writer, chosen.axes, facts, times)
    checks = FrameChecks(chosen.axes.shape, plan.limits, plan.varies, plan.advice)
    packing = {(one.scale, one.offset) for one in chosen.decodings}
    constant = ConstantCells(chosen.axes.shape, plan.name, packing)
    at, ever = 0, np.zeros(chosen.axes.shape, dtype=np.bool_)
    with reporter.task("write frames", len(times)) as advance:
        for frames in blocks(chosen):
            ever |= ~np.isnan(frames).all(axis=0)
            at_sea = frames if plan.land is None else np.where(plan.land, np.nan, frames)
            if np.isnan(at_sea).all(axis=(1, 2)).any():
                _land(plan, ever)  # a mask of sea is refused as that
            checks.add(at_sea, chosen.stamped, plan.where)
            constant.add(at_sea)
            handle[at : at + len(frames)] = at_sea
            at += len(frames)
            advance(len(frames))
    _refuse_unplaced(chosen.axes, checks.ever, plan.where, constant.notes())
    notes = [*plan.notes, *chosen.notes, *checks.finish(chosen.stamped, plan.where), *constant.notes()]
    land, more = _land(plan, ever)
    put_land(writer, chosen.axes, land, facts.land_from)
    if found := chosen.undeclared_fills():
        notes.append(f"taken as missing though not declared: {', '.join(found)}")
    funnel = Funnel(read=len(gridded.stamped.times), kept=len(times), notes=[*notes, *more])
    funnel.drop("outside of --start and --end", funnel.read - funnel.kept)
    return PreparedInfo("grid", funnel, facts.model_dump(mode="json", exclude_none=True))


def _refuse_unplaced(axes: GridAxes, ever: Mask, location: str, constants: Sequence[str]) -> None:
    """Refuse values at cells whose position is not known: land may lack it, and nothing else."""
    if axes.unplaced is not None and (count := int((axes.unplaced & ever).sum())):
        raise DataError(
            f"{count} cells with values have no position", where=location, fix=". ".join([*constants, NO_POSITION])
        )


def _evened(gridded: Gridded) -> Gridded:
    times, note = evened(gridded.stamped.times)
    stamped = Stamped(times, gridded.stamped.files)
    return replace(gridded, stamped=stamped, notes=(*gridded.notes, note)) if note else gridded


def _period(gridded: Gridded, plan: GridPlan) -> Gridded:
    """Choose time steps from `start` to `end`, both included."""
    if not plan.start and not plan.end:
        return gridded
    names = [f"{time.year:04d}-{time.month:02d}-{time.day:02d}" for time in gridded.stamped.times]
    inside = [
        place
        for place, name in enumerate(names)
        if name[: len(plan.start)] >= plan.start and (not plan.end or name[: len(plan.end)] <= plan.end)
    ]
    if not inside:
        raise DataError(
            f"no time step is from {plan.start or 'the first'} to {plan.end or 'the last'}",
            where=f"{plan.where}, times {min(names)} to {max(names)}",
            fix="Correct --start and --end.",
        )
    return gridded.during(slice(inside[0], inside[-1] + 1))


def _step(chosen: Gridded, location: str) -> Step:
    try:
        return regular_step(chosen.stamped, location)
    except DataError as error:
        what = f"{error.what} ({'; '.join(chosen.notes)})" if chosen.notes else error.what
        bounds = "Give every file bounds of its times, if that is why. " * any(NOT_ALL in note for note in chosen.notes)
        raise DataError(what, where=error.where, fix=f"{bounds}{error.fix}") from error


def _facts(chosen: Gridded, plan: GridPlan, step: Step) -> tuple[GridFacts, list[float]]:
    times, unit = encode(chosen.stamped.times, step)
    name = re.sub(r"\W", "_", plan.name)
    facts = GridFacts(
        variable=f"{name}_field" if name in RESERVED else name,
        unit=_unit(chosen, plan),
        long_name=chosen.long_name or plan.long_name or chosen.standard_name.replace("_", " ") or plan.name,
        standard_name=chosen.standard_name,
        step=step,
        calendar=chosen.stamped.times[0].calendar,
        time_unit=unit,
        regular=chosen.axes.regular,
        land_from="never valid" if plan.land is None else "file",
        paper=plan.paper,
    )
    return facts, times


def _unit(chosen: Gridded, plan: GridPlan) -> str:
    if not chosen.unit and not plan.unit:
        raise DataError(
            f"variable {plan.name} has no unit",
            where=plan.where,
            fix="Give it with --unit, e.g. --unit K, or --unit 1.",
        )
    if chosen.unit and plan.unit and not same_unit(chosen.unit, plan.unit):
        raise DataError(
            f"the unit of {plan.name} is {chosen.unit!r}, not {plan.unit!r}",
            where=plan.where,
            fix="Leave --unit out: values are not converted.",
        )
    return plan.unit or chosen.unit


def blocks(chosen: Gridded) -> Iterator[NDArray[np.float32]]:
    """Compute frames in order; small files several at a time."""
    import dask

    first, bounds = 0, np.cumsum(chosen.array.chunks[0]).tolist()
    frame = 4 * int(np.prod(chosen.axes.shape))
    # In this thread: the NetCDF library is not made for several, and decoding takes less time than reading.
    with dask.config.set(scheduler="synchronous"):
        for place, bound in enumerate(bounds):
            following = bounds[place + 1] if place + 1 < len(bounds) else None
            if following is None or (following - first) * frame > BLOCK_BYTES:
                yield np.asarray(chosen.array[first:bound])
                first = bound


def _land(plan: GridPlan, ever: Mask) -> tuple[Mask, list[str]]:
    """Return where land is, and what is worth a note."""
    if plan.land is None:
        return ~ever, []
    dry, wet = int((plan.land & ever).sum()), int((~plan.land & ever).sum())
    if dry > wet:
        raise DataError(
            f"the land mask is 1 at {dry} of the {dry + wet} cells that have values: it seems to be a mask of sea",
            where=plan.where,
            fix="Give a mask that is 1 on land.",
        )
    empty = int((~plan.land & ~ever).sum())
    turned, turned_empty = (int((side[::-1] & cells).sum()) for side, cells in ((plan.land, ever), (~plan.land, ~ever)))
    if dry > _AGAINST * wet and turned * _FITS < dry and turned_empty * _FITS < empty:
        raise DataError(
            f"the land mask is 1 at {dry} of the {dry + wet} cells that have values, and upside down at {turned}: "
            "rows of the mask and of the maps run in other directions",
            where=plan.where,
            fix="Write both from north to south.",
        )
    notes = [f"{dry} cells on land have values, which are left out"] if dry else []
    return plan.land, notes + ([f"{empty} cells at sea never have a value"] if empty else [])

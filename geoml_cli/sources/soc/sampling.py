"""From points and rasters to samples: which points have one, and what was lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.store import Array
from geoml_cli.errors import DataError
from geoml_cli.readers.points import Points
from geoml_cli.readers.rasters import TILE
from geoml_cli.readers.undeclared_fills import UNREAL
from geoml_cli.sources.soc.log import PrepareLog
from geoml_cli.sources.soc.patches import PatchExtractor
from geoml_cli.sources.soc.units import most_carbon
from geoml_cli.work.reporting import Advance, Reporter

Rows = NDArray[np.int64]
Read = Callable[[slice, slice], NDArray[np.float32]]
OUTSIDE = "outside the rasters"
EDGE = "window across the edge of the rasters"
NO_DATA = "no data in the window"


def usable(points: Points, unit: str, funnel: Funnel) -> Points:
    """Leave out rows that hold no sample, and count why.

    Args:
        points: As read.
        unit: Unit of the target.
        funnel: Counts rows read and dropped.
    """
    funnel.read += len(points)
    points = _keep(points, np.isfinite(points.x) & np.isfinite(points.y), "no coordinates", funnel)
    points = _keep(points, ~np.isnan(points.target), "no target value", funnel)
    points = _keep(points, np.abs(points.target) < UNREAL, "target infinite, or 9e18 and more", funnel)
    points = _keep(points, points.target >= 0, "target negative", funnel)
    _, first = np.unique(np.column_stack([points.x, points.y, points.target]), axis=0, return_index=True)
    points = _keep(points, np.isin(np.arange(len(points)), first), "repeats an earlier row", funnel)
    zero = "rows have a target of 0: below what could be measured, or no data (then --nodata COLUMN=0)?; kept"
    _note(funnel, int((points.target == 0).sum()), zero)
    again = len(points) - len(np.unique(np.column_stack([points.x, points.y]), axis=0))
    layers = "a network knows no depth: of layers of one profile put one into the table"
    _note(funnel, again, f"rows lie where an earlier one does, with another value ({layers}); kept")
    _note(funnel, len(points) - len(set(points.identity)), "sample names repeat an earlier one; kept")
    limit = most_carbon(unit) or np.inf
    above = f"rows exceed {limit:g} {unit}, the carbon content of pure organic matter; kept"
    _note(funnel, int((points.target > limit).sum()), above)
    return points


def _keep(points: Points, rows: NDArray[np.bool_], reason: str, funnel: Funnel) -> Points:
    funnel.drop(reason, int((~rows).sum()))
    return points.at(rows)


def _note(funnel: Funnel, count: int, text: str) -> None:
    if count:
        funnel.notes.append(f"{count} {text}")


def complete(cutter: PatchExtractor, rows: Rows, columns: Rows, log: PrepareLog) -> NDArray[np.bool_]:
    """Tell which points have a sample; count the others by reason.

    Args:
        cutter: Cuts samples.
        rows: Rows of the points' pixels; -1 outside the grid.
        columns: Their columns.
        log: Receives what is found out.

    Returns:
        Shape [N].
    """
    reporter, funnel = log
    grid, half = cutter.stack.grid, cutter.plan.half
    outside = rows < 0
    edge = (rows < half) | (rows >= grid.height - half) | (columns < half) | (columns >= grid.width - half)
    edge &= ~outside
    with reporter.task("find samples with data", len(rows)) as advance:
        missing = missing_mask(cutter, (rows, columns), ~outside & ~edge, advance)
    lost = missing.any(axis=0)
    for reason, found in ((OUTSIDE, outside), (EDGE, edge), (NO_DATA, lost)):
        funnel.drop(reason, int(found.sum()))
    _tell_loss(cutter, missing, log)
    return ~(outside | edge | lost)


def missing_mask(
    cutter: PatchExtractor, pixels: tuple[Rows, Rows], chosen: NDArray[np.bool_], advance: Advance
) -> NDArray[np.bool_]:
    """Tell for every layer at which points data are missing, shape [L, N]; False where not chosen."""
    missing = np.zeros((len(cutter.plan.layers), len(chosen)), dtype=np.bool_)
    for members, values, places in groups(cutter, *pixels, chosen):
        missing[:, members] = cutter.incomplete(values)[:, places[0], places[1]]
        advance(len(members))
    return missing


def _tell_loss(cutter: PatchExtractor, missing: NDArray[np.bool_], log: PrepareLog) -> None:
    """Say which rasters cost samples: at a coast that biases what is learnt."""
    lost = int(missing.any(axis=0).sum())
    if not lost:
        return
    counts = dict(zip((layer.name for layer in cutter.plan.layers), missing.sum(axis=1).tolist(), strict=True))
    worst = sorted((name for name in counts if counts[name]), key=lambda name: (-counts[name], name))
    listed = ", ".join(f"{name} {counts[name]}" for name in worst)
    log.funnel.notes.append(f"{NO_DATA}, by raster: {listed}")
    log.reporter.warn(
        f"{lost} samples are left out, for their window touches missing pixels (most in {worst[0]}). "
        "If they lie along a coast or a border, a smaller --window keeps more of them, for networks that take one: "
        "that of the paper takes 5."
    )


def cut(
    cutter: PatchExtractor, rows: Rows, columns: Rows, reporter: Reporter
) -> Iterator[tuple[Rows, dict[str, Array]]]:
    """Cut samples group by group, so that memory does not grow with their number.

    Args:
        cutter: Cuts samples.
        rows: Rows of the samples' pixels, shape [N]; all have data.
        columns: Their columns.
        reporter: Receives how far the work is.

    Yields:
        Indices into N, ascending, and the samples there (see `Cutter.gather`).
    """
    with reporter.task("cut windows", len(rows)) as advance:
        for members, values, places in groups(cutter, rows, columns, np.ones(len(rows), dtype=np.bool_)):
            yield members, cutter.gather(values, *places)
            advance(len(members))


def groups(
    cutter: PatchExtractor, rows: Rows, columns: Rows, chosen: NDArray[np.bool_], read: Read | None = None
) -> Iterator[tuple[Rows, NDArray[np.float32], tuple[Rows, Rows]]]:
    """Read the rasters tile by tile, where points are; give members, values, places within the values.

    `read` reads a window, by default as the cutter does.
    """
    members = np.flatnonzero(chosen)
    tile = rows[members] // TILE * (cutter.stack.grid.width // TILE + 1) + columns[members] // TILE
    members = members[np.argsort(tile, kind="stable")]
    for group in np.split(members, np.flatnonzero(np.diff(np.sort(tile))) + 1):
        if not len(group):
            continue
        top, left = int(rows[group].min()), int(columns[group].min())
        values = (read or cutter.read)(
            slice(top, int(rows[group].max()) + 1), slice(left, int(columns[group].max()) + 1)
        )
        yield group, values, (rows[group] - top, columns[group] - left)


def refuse_empty(funnel: Funnel, location: str) -> None:
    """Refuse a data set without samples.

    Raises:
        DataError: Tells what was lost to which reason.
    """
    listed = ", ".join(f"{reason} {count}" for reason, count in funnel.dropped.items())
    outside = funnel.dropped.get(OUTSIDE, 0)
    fix = "Check --crs, --x and --y." if outside > funnel.read / 2 else "Check the table and the rasters."
    raise DataError(f"none of {funnel.read} rows gives a sample ({listed})", where=location, fix=fix)

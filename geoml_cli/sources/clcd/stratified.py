"""A stratified sample of the pixels of class rasters, drawn in two readings of them.

The first counts the pixels of each class. Then places are drawn among the pixels of a class, counted through in the
order of reading, and the second reading finds them. No raster is ever whole in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.limits import LARGEST_CODE
from geoml_cli.readers.nodata import VALID, written
from geoml_cli.readers.rasters import Raster
from geoml_cli.readers.undeclared_fills import FillCensus, counted
from geoml_cli.sources.clcd.options import ClcdOptions
from geoml_cli.work.reporting import Reporter

Index = NDArray[np.int64]
MOST_CLASSES = 256
_PIXELS_AT_ONCE = 1 << 21
_FEW_CODES = 1 << 16
_FRACTIONS = "holds fractions or negative values"


@dataclass(frozen=True)
class StratifiedSample:
    """Pixels of one class raster, in the order of reading, N of them.

    Attributes:
        rows: Rows, shape [N].
        columns: Columns.
        codes: Classes, as the raster codes them.
    """

    rows: Index
    columns: Index
    codes: Index

    def __len__(self) -> int:
        return len(self.codes)


def count_classes(sheets: Sequence[Raster], reporter: Reporter) -> tuple[list[Counter[int]], Counter[int]]:
    """Count the pixels of each class in every raster, and those of codes that only `--nodata` takes as no data.

    Raises:
        DataError: A raster holds no classes or undeclared fills, or all of them hold fewer than two classes.
    """
    each: list[Counter[int]] = [Counter() for _ in sheets]
    removed: Counter[int] = Counter()
    suspect = {
        sheet.band.path: _count_one(sheet, (counts, removed), reporter)
        for sheet, counts in zip(sheets, each, strict=True)
    }
    _refuse_codes({path: found for path, found in suspect.items() if found}, sheets[0].band.nodata)
    if len(codes := set().union(*each)) < 2:
        present = f"only the class {min(codes)}" if codes else "no class"
        raise DataError(
            f"{present} is left in {len(sheets)} class rasters",
            where=str(sheets[0].band.path),
            fix="Give rasters of at least two classes; --nodata says which codes mean no data.",
        )
    return each, +removed


def _count_one(sheet: Raster, totals: tuple[Counter[int], Counter[int]], reporter: Reporter) -> dict[float, int]:
    """Add the pixels of a raster to the totals; return its candidates for undeclared fills."""
    counts, removed = totals
    census, is_class = FillCensus(sheet.kind), True
    windows = list(cover(sheet))
    with reporter.task(f"count classes of {sheet.band.path.name}", len(windows)) as advance:
        for rows, columns in windows:
            raw, missing = sheet.stored(rows, columns)
            census.add(raw[~missing])
            for fill in sheet.added_fills:
                removed[int(fill)] += int((raw == fill).sum())
            codes, whole = codes_of(sheet.physical(raw, missing))
            is_class &= whole
            if is_class:
                counts.update(_tally(codes[codes >= 0]))
            if len(counts) > MOST_CLASSES:
                raise _no_classes(sheet, f"holds more than {MOST_CLASSES} values")
            if codes.size and codes.max() >= LARGEST_CODE:
                raise _no_classes(sheet, f"holds codes of {LARGEST_CODE:,} and more, which are not distinguished")
            advance(1)
    found = {} if sheet.band.valid else census.candidates()
    if not is_class and not found:
        raise _no_classes(sheet, _FRACTIONS)
    return found


def codes_of(values: NDArray[np.float32]) -> tuple[Index, bool]:
    """Return codes, -1 where there is no data, and whether all are whole numbers from 0."""
    known = np.isfinite(values)
    codes = np.where(known, values, -1).astype(np.int64)
    return codes, not ((codes[known] != values[known]).any() or (codes[known] < 0).any())


def _refuse_codes(suspect: Mapping[Path, dict[float, int]], known: Sequence[float]) -> None:
    """Refuse codes that look like no data, and say how they are declared."""
    if not suspect:
        return
    listed = "; ".join(counted(path.name, counts) for path, counts in suspect.items())
    said = "".join(f"--nodata {written(code)} " for code in known)
    codes = " ".join(f"--nodata {written(code)}" for code in sorted({code for one in suspect.values() for code in one}))
    raise DataError(
        f"{listed}, which looks like no data and is not declared so",
        where=", ".join(map(str, suspect)),
        fix=f"Say what it is: {said}{codes} where it means no data, {said}--nodata {VALID} where it is a class.",
    )


def _tally(codes: Index) -> dict[int, int]:
    if not len(codes) or codes.max() < _FEW_CODES:  # counting is many times quicker than sorting
        times = np.bincount(codes)
        found = np.flatnonzero(times)
        return dict(zip(found.tolist(), times[found].tolist(), strict=True))
    found, times = np.unique(codes, return_counts=True)
    return dict(zip(found.tolist(), times.tolist(), strict=True))


def allot(counts: Counter[int], options: ClcdOptions) -> dict[int, int]:
    """Decide how many pixels of each class are drawn.

    Balanced: as many of each; a class with fewer gives all, and the others share what is left. Proportional: by its
    share of the pixels, but at least one.

    Returns:
        Number by code, none more than there are.
    """
    codes = sorted(counts)
    if options.strategy == "proportional":
        total = sum(counts.values())
        return {code: min(counts[code], max(1, round(options.samples * counts[code] / total))) for code in codes}
    left, given = options.samples, {}
    for place, code in enumerate(sorted(codes, key=lambda code: counts[code])):
        given[code] = min(counts[code], left // (len(codes) - place))
        left -= given[code]
    return {code: given[code] for code in codes}


def stratified_sample(
    sheets: Sequence[Raster], counts: Counter[int], options: ClcdOptions, reporter: Reporter
) -> list[StratifiedSample]:
    """Draw pixels, each at most once.

    Args:
        sheets: Class rasters.
        counts: Pixels of each class over all of them.
        options: How many, how, and by which seed.
        reporter: Receives progress and messages.

    Returns:
        The pixels of each raster.
    """
    chosen = {
        code: np.sort(np.random.default_rng([options.seed, code]).choice(counts[code], number, replace=False))
        for code, number in allot(counts, options).items()
    }
    passed = dict.fromkeys(chosen, 0)
    found = []
    for sheet in sheets:
        parts = []
        for corner, codes in _windows(sheet, reporter, f"draw pixels of {sheet.band.path.name}"):
            parts += [_found(corner, codes, code, places, passed) for code, places in chosen.items()]
        found.append(_joined(parts))
    return found


def _found(corner: tuple[int, int], codes: Index, code: int, places: Index, passed: dict[int, int]) -> StratifiedSample:
    """Find the drawn pixels of a class in a window; `passed` counts on."""
    at = np.flatnonzero(codes == code)
    first, last = np.searchsorted(places, [passed[code], passed[code] + len(at)])
    rows, columns = np.divmod(at[places[first:last] - passed[code]], codes.shape[1])
    passed[code] += len(at)
    return StratifiedSample(rows + corner[0], columns + corner[1], np.full(len(rows), code))


def _joined(parts: Sequence[StratifiedSample]) -> StratifiedSample:
    return StratifiedSample(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.codes for part in parts]),
    )


def _windows(sheet: Raster, reporter: Reporter, task: str) -> Iterator[tuple[tuple[int, int], Index]]:
    """Read a class raster window by window: the corner (row, column), and codes, -1 where there is no data."""
    windows = list(cover(sheet))
    with reporter.task(task, len(windows)) as advance:
        for rows, columns in windows:
            codes, whole = codes_of(sheet.read(rows, columns))
            if not whole:
                raise _no_classes(sheet, _FRACTIONS)
            yield (rows.start, columns.start), codes
            advance(1)


def cover(sheet: Raster) -> Iterator[tuple[slice, slice]]:
    """Cover a raster by windows made of the pieces in which it is stored, so that none is read twice."""
    grid, (high, wide) = sheet.grid, sheet.pieces
    across = min(grid.width, wide * max(1, int(_PIXELS_AT_ONCE**0.5) // wide))
    down = high * max(1, _PIXELS_AT_ONCE // (across * high))
    for top in range(0, grid.height, down):
        for left in range(0, grid.width, across):
            yield slice(top, min(top + down, grid.height)), slice(left, min(left + across, grid.width))


def _no_classes(sheet: Raster, subject: str) -> DataError:
    return DataError(
        f"{subject}, so it is no raster of classes",
        where=str(sheet.band.path),
        fix="Give a raster of whole numbers from 0; covariates belong into their own folder.",
    )

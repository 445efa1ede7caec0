"""The paper's rows of 224 numbers, taken apart into the two series they were cut from.

Rows follow one another by a minute; where they do not, a new section of the series begins.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.errors import DataError
from geoml_cli.readers.pickles import read_pickle
from geoml_cli.sources.ech.indices import FINE, HOUR, Series
from geoml_cli.sources.ech.orbit import Orbit
from geoml_cli.sources.ech.samples import FINE_VALUES, HOURS

COLUMNS = 224
_STEP = 60
_MOST_SECTIONS = 0.05
"""More sections than this share of the rows: the rows are in no order, and each would need two days of its own."""
_HOURLY = -np.arange(HOURS - 1, -1, -1) * (HOUR // _STEP)
_FINE = -np.arange(FINE_VALUES - 1, -1, -1) * (FINE // _STEP)
_OFFSETS = np.concatenate([_HOURLY, _FINE])
"""Minutes before the row's own, of the columns of one index."""
WARM_UP = int(-_OFFSETS.min())
_POSITION, _SME_HOURLY, _SYMH_HOURLY, _SME_FINE, _SYMH_FINE = np.split(np.arange(COLUMNS), [4, 53, 102, 163])
_SME, _SYMH = np.concatenate([_SME_HOURLY, _SME_FINE]), np.concatenate([_SYMH_HOURLY, _SYMH_FINE])
Rows = NDArray[np.float64]


class Released(NamedTuple):
    """Rows as series.

    Attributes:
        series: Of all sections, one after another.
        index_N: Where in the series each row ends.
        orbit: Positions; times are NaT where no start is given.
    """

    series: Series
    index_N: NDArray[np.int64]
    orbit: Orbit


def read(paths: list[Path], start: str | None, funnel: Funnel) -> Released:
    """Read pickles and rebuild the series.

    Raises:
        DataError: A pickle holds anything but rows of 224 finite numbers, or the rows are in no order of time.
    """
    blocks = [(path, rows) for path in paths for rows in _blocks(path)]
    parts, index, before = [], [], 0
    for path, rows in blocks:
        funnel.read += len(rows)
        for section in _sections(rows, path):
            values = rebuilt(section)
            parts.append(values)
            index.append(before + WARM_UP + np.arange(len(section)))
            before += values.shape[1]
    together = np.concatenate(parts, axis=1).astype(np.float32)
    every = np.concatenate([rows for _, rows in blocks])
    if len(parts) > 1:
        funnel.notes.append(f"The rows form {len(parts)} sections of consecutive minutes.")
        if start is not None:
            raise DataError(
                "the rows are not consecutive, so --start does not tell their times",
                where=str(paths[0]),
                fix="Leave --start out; no times are needed to train.",
            )
    begin = None if start is None else np.datetime64(start, "s") - np.timedelta64(WARM_UP * _STEP, "s")
    place = np.concatenate(index)
    return Released(Series(begin, _STEP, together[0], together[1]), place, _orbit(every, begin, place))


def rebuilt(rows: Rows) -> Rows:
    """Return SME and SYM-H by the minute, shape [2, 2880 + N], from rows of consecutive minutes [N, 224].

    A minute that no row mentions is NaN; where rows disagree the earliest counts.
    """
    series = np.full((2, WARM_UP + len(rows)), np.nan)
    minute = WARM_UP + np.arange(len(rows))
    for number, columns in enumerate((_SME, _SYMH)):
        for offset, column in zip(_OFFSETS, columns, strict=True):
            place = minute + offset
            unknown = np.isnan(series[number, place])
            series[number, place[unknown]] = rows[unknown, column]
    return series


def _sections(rows: Rows, path: Path) -> list[Rows]:
    """Cut rows where they do not follow by a minute."""
    found, start = [], 0
    while start < len(rows):
        length = _agreeing(rows[start:])
        found.append(rows[start : start + length])
        start += length
        if len(found) > 1 + _MOST_SECTIONS * len(rows):
            raise DataError(
                f"the rows do not follow one another by a minute ({len(found)} breaks in {start} rows)",
                where=str(path),
                fix="Sort them by time, or prepare from the index series themselves.",
            )
    return found


def _agreeing(rows: Rows) -> int:
    """Return how many first rows one series explains: neighbours agree, and so does the series they give."""
    shifted = np.ones(len(rows), dtype=bool)
    for columns in (_SME_FINE, _SYMH_FINE):
        step = FINE // _STEP
        shifted[step:] &= (rows[step:, columns[:-1]] == rows[:-step, columns[1:]]).all(axis=1)
    length = int((~shifted).argmax()) if not shifted.all() else len(rows)
    series = rebuilt(rows[:length])
    minute = WARM_UP + np.arange(length)[:, None] + _OFFSETS
    same = (series[0][minute] == rows[:length, _SME]) & (series[1][minute] == rows[:length, _SYMH])
    agree = same.all(axis=1)
    return length if agree.all() else max(int((~agree).argmax()), 1)


def _blocks(path: Path) -> list[Rows]:
    content = read_pickle(path)
    blocks = list(content.values()) if isinstance(content, dict) else [content]
    rows = [np.atleast_2d(block) for block in blocks if isinstance(block, np.ndarray)]
    wrong = [
        block.shape for block in rows if block.ndim != 2 or block.shape[1] != COLUMNS or block.dtype.kind not in "iuf"
    ]
    if len(rows) != len(blocks) or not rows or wrong:
        shown = f"shape {wrong[0]}" if wrong else type(content).__name__
        raise DataError(
            f"holds {shown}", where=str(path), fix=f"Rows of {COLUMNS} numbers, or a dict of such arrays, are read."
        )
    return [_finite(np.array(block, dtype=np.float64, subok=False), path) for block in rows]


def _finite(rows: Rows, path: Path) -> Rows:
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} rows hold values that are not finite (the first is row {int(bad.argmax())})",
            where=str(path),
            fix="Take them out, or prepare from the index series themselves.",
        )
    return rows


def _orbit(rows: Rows, begin: np.datetime64 | None, index_N: NDArray[np.int64]) -> Orbit:
    shell, cosine, sine, equator = rows[:, _POSITION].T
    mlt = np.degrees(np.arctan2(sine, cosine)) / 15 % 24
    mlat = np.degrees(np.arccos(np.clip(equator, 0, 1) ** (1 / 6)))
    unknown = np.full(len(rows), np.datetime64("NaT", "s"))
    time = unknown if begin is None else begin + (index_N * _STEP).astype("timedelta64[s]")
    return Orbit(time, {"l": shell, "mlt": mlt, "mlat": mlat}, {})

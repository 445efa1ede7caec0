"""Two regular index series out of files that overlap, repeat themselves and have gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.errors import DataError
from geoml_cli.readers.dates import nearest_steps
from geoml_cli.readers.time_series import Times, TimeSeries, Values
from geoml_cli.sources.ech.options import EchOptions

Floats = NDArray[np.float32]

HOUR, FINE = 3600, 300
"""Steps of the two windows [s]."""
STEPS = (60, 300)
"""Steps of a series from which both windows can be cut [s]."""
_MEANS = (
    "{name}: hourly values of OMNI and Kyoto are means over the hour that begins at their time; the last of a window "
    "reaches up to an hour beyond its sample."
)
_LONGEST = 100 * 366 * 24 * 60
"""A century of minutes; the first index of one minute is of 1963."""
_SPARSE, _SHORT = 1000, 1_000_000
"""Longer series have a value in so many steps at least: four days a year do."""


@dataclass(frozen=True)
class Series:
    """Regular series of the indices.

    Attributes:
        start: Of the first value; None where the source does not know.
        step: [s].
        sme: SME [nT], NaN where missing, shape [T].
        symh: SYM-H [nT], likewise.
    """

    start: np.datetime64 | None
    step: int
    sme: NDArray[np.float32]
    symh: NDArray[np.float32]


_REVISED, _FAR = 5.0, 50.0
"""By how much a provisional index differs from the final one: in the median, and at most [nT]."""


class _Piece(NamedTuple):
    """One index out of one file."""

    name: str
    time: Times
    values: Values
    step: int
    quantity: str


class _TimeAxis(NamedTuple):
    """Regular times.

    Attributes:
        first: The first one.
        step: Between two of them [s].
        length: How many.
    """

    first: np.datetime64
    step: int
    length: int


def merge(files: Iterable[TimeSeries], options: EchOptions, funnel: Funnel) -> Series:
    """Put SME and SYM-H on one regular grid; what was odd about the files is noted in the funnel.

    Raises:
        DataError: An index is missing, its step is not one the windows can be cut from, or steps differ.
    """
    pieces = [piece for series in files for piece in _pieces(series)]
    chosen = {"sme": _sme(pieces, options), "symh": _symh(pieces, options)}
    step = _common_step([piece for series in chosen.values() for piece in series], options)
    moments = np.concatenate([piece.time for series in chosen.values() for piece in series])
    phase = _phase(moments, step)
    number, on = nearest_steps(moments.astype("datetime64[s]").astype(np.int64) - phase, step)
    first = np.datetime64(int(number[on].min()) * step + phase, "s")
    length = int(number[on].max() - number[on].min()) + 1
    _refuse_long(length, [piece for series in chosen.values() for piece in series])
    axis = _TimeAxis(first, step, length)
    placed = {name: _placed(series, axis, name, funnel) for name, series in chosen.items()}
    return Series(first, step, placed["sme"], placed["symh"])


def _pieces(timed: TimeSeries) -> Iterator[_Piece]:
    for index in ("sme", "ae", "symh", "dst"):
        if index in timed.values and np.isfinite(timed.values[index]).any():
            yield _Piece(str(timed.path), timed.time, timed.values[index], _step(timed), index)


def _step(timed: TimeSeries) -> int:
    """Return the step most values of a file keep [s]; 0 where there are fewer than two times."""
    gaps = np.diff(np.unique(timed.time)).astype(np.int64)
    if not len(gaps):
        return 0
    found, counts = np.unique(gaps, return_counts=True)
    usual = int(found[counts.argmax()])
    # Clocks that are a little off make gaps of a little more and less.
    return next((step for step in (*STEPS, HOUR) if abs(usual - step) * 10 <= step), usual)


def _sme(pieces: list[_Piece], options: EchOptions) -> list[_Piece]:
    found = [piece for piece in pieces if piece.quantity == "sme"]
    auroral = [piece for piece in pieces if piece.quantity == "ae"]
    if not found and auroral:
        _refuse_hourly(auroral, options, "ae")
        if not options.ae_as_sme:
            raise DataError(
                "there is AE but no SME",
                where=auroral[0].name,
                fix="Add SuperMAG's SME, or take AE in its place with --ae-as-sme.",
            )
        found = auroral
    if not found:
        raise DataError("no file holds SME", fix="Add SuperMAG's indices (ASCII or CSV), or a CSV with a column SME.")
    _refuse_hourly(found, options, "sme")
    return found


def _symh(pieces: list[_Piece], options: EchOptions) -> list[_Piece]:
    found = [piece for piece in pieces if piece.quantity == "symh"]
    hourly = [piece for piece in pieces if piece.quantity == "dst"]
    if not found and hourly:
        _refuse_hourly(hourly, options, "dst")
        found = hourly
    if not found:
        raise DataError("no file holds SYM-H", fix="Add omni_min*.asc, Kyoto's SYM-H, or a CSV with a column SYM-H.")
    _refuse_hourly(found, options, "symh")
    return found


def _refuse_hourly(pieces: list[_Piece], options: EchOptions, name: str) -> None:
    if options.hourly:
        return
    coarse = [piece for piece in pieces if piece.step >= HOUR]
    if coarse:
        raise DataError(
            f"{name.upper()} comes every {coarse[0].step // 60} minutes; the windows need steps of 1 or 5 minutes",
            where=coarse[0].name,
            fix="Give omni_min*.asc (or 5-minute) and SuperMAG files, or --hourly for the classifier alone.",
        )


def _common_step(pieces: list[_Piece], options: EchOptions) -> int:
    steps = {piece.step: piece.name for piece in pieces if piece.step}
    allowed = (*STEPS, HOUR) if options.hourly else STEPS
    for step, name in steps.items():
        if step not in allowed:
            raise DataError(
                f"comes every {step} s; steps of {' or '.join(str(s) for s in allowed)} s are needed",
                where=name,
                fix="Give the series at one of these steps.",
            )
    if len(steps) != 1:
        listed = ", ".join(f"{step} s in {name}" for step, name in steps.items()) or "single values"
        raise DataError(f"the files differ in their step ({listed})", fix="Give SME and SYM-H at one step.")
    return next(iter(steps))


def _phase(moments: Times, step: int) -> int:
    found, counts = np.unique(moments.astype("datetime64[s]").astype(np.int64) % step, return_counts=True)
    return int(found[counts.argmax()])


def _refuse_long(length: int, pieces: list[_Piece]) -> None:
    """Refuse a series that is nearly all gap, before it is allocated."""
    values = sum(len(piece.time) for piece in pieces)
    if length <= min(_LONGEST, max(_SHORT, _SPARSE * values)):
        return
    first, last = (choose(pieces, key=lambda piece: piece.time.max()) for choose in (min, max))
    raise DataError(
        f"the files span {length} steps and hold {values} values: from {first.time.min()} in {first.name} to "
        f"{last.time.max()} here",
        where=last.name,
        fix="Check the years of both files, and take the one that does not belong away.",
    )


def _placed(pieces: list[_Piece], axis: _TimeAxis, name: str, funnel: Funnel) -> NDArray[np.float32]:
    """Put one index on the axis; the first file that has a value for a moment is believed."""
    first, step, length = axis
    jumps = sum(int((np.diff(piece.time).astype(np.int64) < 0).sum()) for piece in pieces)
    seconds = np.concatenate([(piece.time - first).astype(np.int64) for piece in pieces])
    values = np.concatenate([piece.values for piece in pieces])
    nearest, on = nearest_steps(seconds, step)
    on &= (nearest >= 0) & (nearest < length)
    known = on & np.isfinite(values)
    place, value = nearest[known], values[known].astype(np.float32)
    series = np.full(length, np.nan, dtype=np.float32)
    series[place[::-1]] = value[::-1]
    owner = np.repeat(np.arange(len(pieces)), [len(piece.time) for piece in pieces])[known]
    funnel.notes += _contradictions(pieces, owner, place, value, series)
    times, counts = np.unique(np.where(on, nearest * step, seconds), return_counts=True)
    funnel.notes.append(
        f"{name}: {int(known.sum())} values of {pieces[0].quantity.upper()} every {step} s; "
        f"{int(counts.sum() - len(times))} duplicates, {int((series[place] != value).sum())} of them of another "
        f"value (the first counts); {_gaps(series)}; {jumps} clock jumps; {int((~on).sum())} off the step."
    )
    if step >= HOUR:
        funnel.notes.append(_MEANS.format(name=name))
    return series


def _contradictions(
    pieces: list[_Piece], owner: NDArray[np.int64], place: NDArray[np.int64], value: Floats, series: Floats
) -> list[str]:
    """Say which two files disagree most often, if any do."""
    differs = value != series[place]
    believed = np.full(len(series), -1, dtype=np.int64)
    believed[place[::-1]] = owner[::-1]
    pairs = np.stack([believed[place[differs]], owner[differs]], axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    if not len(pairs):
        return []
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    first, other = (pieces[number] for number in found[counts.argmax()])
    apart = np.abs(value - series[place])[differs]
    begin = (
        "Two files hold" if float(np.median(apart)) > _REVISED or apart.max() > _FAR else "Versions of two files hold"
    )
    return [
        f"{begin} other values of {first.quantity.upper()} at {counts.max()} times, by up to {apart.max():g} nT: "
        f"{first.name}, which counts, and {other.name}. Keep one of them."
    ]


def _gaps(series: NDArray[np.float32]) -> str:
    missing = np.isnan(series)
    begins = int((missing[1:] & ~missing[:-1]).sum()) + int(missing[0])
    return f"{begins} gaps of {int(missing.sum())} values together"

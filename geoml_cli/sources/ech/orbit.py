"""Where a satellite was and what wave it saw, row by row, joined by satellite and time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.errors import DataError
from geoml_cli.readers.time_series import Times, TimeSeries, Values
from geoml_cli.sources.ech.quantities import POSITION, WAVE
from geoml_cli.sources.ech.waves import unlikely_waves

if TYPE_CHECKING:
    import pandas as pd


_KEYS = ["satellite", "time"]
_MANY = 100
"""Rows of an ephemeris that reach latitudes of several degrees, unless they were chosen near the equator."""
_NEAR_S = 6
"""How far a wave may have been measured from a position of the satellite [s]: a tenth of the shortest step."""
_SAME = {"l": 0.05, "mlt": 0.1, "mlat": 0.5, "amplitude": 0.1, "presence": 0.0}
"""Largest difference of two versions of one satellite's row: rounding, and other models of the field."""


@dataclass(frozen=True)
class Orbit:
    """Rows of positions, by satellite and time.

    Attributes:
        time: UTC.
        position: L [Earth radii], MLT [h], MLAT [degrees], by name.
        wave: `amplitude` [dB] and `presence` [0 or 1], as far as files hold them; NaN where unknown.
    """

    time: Times
    position: dict[str, Values]
    wave: dict[str, Values]


def join(files: Iterable[TimeSeries], funnel: Funnel) -> Orbit:
    """Join positions and waves; repeated rows and rows without a position are counted and left out.

    Raises:
        DataError: There is no ephemeris, or no wave was measured at any of its times.
    """
    import pandas as pd

    ephemerides = list(files)
    places = [
        _frame(timed, POSITION, number)
        for number, timed in enumerate(ephemerides)
        if all(name in timed.values for name in POSITION)
    ]
    if not places:
        raise DataError(
            "no file holds L, MLT and MLAT",
            fix="Add the satellite's ephemeris: MagEphem text, or a CSV with the columns time, L, MLT, MLAT.",
        )
    frame = pd.concat(places, ignore_index=True)
    funnel.read = len(frame)
    frame = _whole(frame, ephemerides, funnel)
    for satellite in frame["satellite"].unique().tolist():
        rows = frame[frame["satellite"] == satellite]
        named = f"all rows of {satellite}" if satellite else "all rows"
        for name, unit, turn in (("mlat", "degrees", np.pi / 2), ("mlt", "hours", 2.01 * np.pi)):
            if len(rows) >= _MANY and (most := float(rows[name].abs().max())) < turn:
                funnel.notes.append(
                    f"{name.upper()} lies within {most:.2f} in {named}: it is taken as {unit}. Are they radians?"
                )
    waves = [
        _frame(timed, WAVE, number)
        for number, timed in enumerate(ephemerides)
        if any(name in timed.values for name in WAVE)
    ]
    joined = _with_waves(frame, waves, ephemerides, funnel).sort_values(["satellite", "time"], kind="stable")
    columns = {name: joined[name].to_numpy(np.float64) for name in (*POSITION, *WAVE) if name in joined}
    return Orbit(
        joined["time"].to_numpy("datetime64[s]"),
        {name: columns[name] for name in POSITION},
        {name: columns[name] for name in WAVE if name in columns},
    )


def _frame(timed: TimeSeries, names: tuple[str, ...], number: int) -> pd.DataFrame:
    """Return the rows of a file, with its number among the files."""
    import pandas as pd

    values = {name: timed.values[name] for name in names if name in timed.values}
    return pd.DataFrame({"satellite": timed.labels["satellite"], "time": timed.time, **values, "file": number})


def _refuse_others(frame: pd.DataFrame, repeated: pd.Series[bool], files: Sequence[TimeSeries]) -> None:
    """Refuse rows of two files that give one satellite at one time other values: they are of two satellites.

    Raises:
        DataError: Names the first, and the other file.
    """
    both = frame[repeated].merge(frame[~repeated], on=_KEYS, suffixes=("", " first"))
    both = both[both["file"] != both["file first"]]
    for name, most in _SAME.items():
        if name not in frame:
            continue
        own, other = (both[column].to_numpy(np.float64) for column in (name, f"{name} first"))
        with np.errstate(invalid="ignore"):  # -inf in both is no difference
            apart = np.where(own == other, 0.0, np.abs(own - other))
        apart = np.minimum(apart, 24 - apart) if name == "mlt" else apart
        if (apart > most).any():
            row = both.iloc[int((apart > most).argmax())]
            raise DataError(
                f"{name} of one satellite at {row['time']:%Y-%m-%dT%H:%M:%S} is {row[name]:g} here and "
                f"{row[f'{name} first']:g} in {files[row['file first']].path}",
                where=str(files[row["file"]].path),
                fix="Name the satellites: with a column satellite, or rbspa and rbspb in the names of files or "
                "folders. Of two versions of a file keep one.",
            )


def _whole(frame: pd.DataFrame, files: Sequence[TimeSeries], funnel: Funnel) -> pd.DataFrame:
    # Rows without a position go first: where files overlap, one may hold fills where another knows the position.
    unplaced = frame[list(POSITION)].isna().any(axis=1)
    funnel.drop("no L, MLT or MLAT", int(unplaced.sum()))
    frame = frame[~unplaced]
    if not len(frame):
        raise DataError(
            f"none of {len(unplaced)} rows of positions has L, MLT and MLAT: they are empty or fill values",
            where=str(next(file.path for file in files if all(name in file.values for name in POSITION))),
            fix="Get the ephemeris again.",
        )
    repeated = frame.duplicated(_KEYS)
    _refuse_others(frame, repeated, files)
    funnel.drop("a second row of the same time", int(repeated.sum()))
    return frame[~repeated].drop(columns="file")


def _with_waves(
    frame: pd.DataFrame, waves: list[pd.DataFrame], files: Sequence[TimeSeries], funnel: Funnel
) -> pd.DataFrame:
    import pandas as pd

    if not waves:
        funnel.notes.append("No file holds a wave amplitude: the samples can be predicted, not trained on.")
        return frame
    seen = pd.concat(waves, ignore_index=True)
    names, repeats, others = [name for name in WAVE if name in seen], set[int](), set[int]()
    joined, near = frame, dict[str, int]()
    for name in names:  # column by column: one file may hold amplitudes, and another whether there was a wave
        own = seen.loc[seen[name].notna(), [*_KEYS, name, "file"]]
        repeated = own.duplicated(_KEYS)
        _refuse_others(own, repeated, files)
        repeats |= set(own.index[repeated])
        others |= set(own.index[own[name] != own.groupby(_KEYS, dropna=False)[name].transform("first")])
        joined, near[name] = _joined(joined, own[~repeated].drop(columns="file"), name)
    if repeats:
        funnel.notes.append(
            f"waves: {len(repeats)} rows repeat a time ({len(others)} with another value); the first counts."
        )
    if most := max(near.values(), default=0):
        funnel.notes.append(f"waves: {most} samples take the wave measured up to {_NEAR_S} s from their time.")
    known = joined[names].notna().any(axis=1)
    if not known.any():
        raise DataError(
            f"no wave was measured at a time of the ephemeris, nor within {_NEAR_S} s of one",
            fix="Both need the same times, and the same satellite where files name one.",
        )
    funnel.notes += unlikely_waves({name: joined[name].to_numpy(np.float64) for name in names})
    if names == list(WAVE):
        funnel.notes.append("presence says where there is a wave, not the amplitude: wave.threshold has no effect.")
    if int((~known).sum()):
        funnel.notes.append(f"{int((~known).sum())} samples have no wave measurement: predicted, not trained on.")
    return joined


def _joined(frame: pd.DataFrame, waves: pd.DataFrame, name: str) -> tuple[pd.DataFrame, int]:
    """Add a column of waves at their times, else the nearest one close by; return how many are of such a time.

    A wave is of one position, so that positions each second do not make samples of one measurement by the dozen.
    """
    import pandas as pd

    joined = frame.merge(waves, on=_KEYS, how="left")
    others = waves.merge(frame[_KEYS], on=_KEYS, how="left", indicator="found")
    free = others[others["found"] == "left_only"].drop(columns="found").sort_values("time", kind="stable")
    missing = joined.loc[joined[name].isna(), _KEYS].reset_index().sort_values("time", kind="stable")
    near = pd.merge_asof(
        missing,
        free.assign(measured=free["time"]),
        on="time",
        by="satellite",
        direction="nearest",
        tolerance=pd.Timedelta(seconds=_NEAR_S),
    )
    near = near[near[name].notna()].assign(apart=lambda rows: (rows["time"] - rows["measured"]).abs())
    near = near.sort_values("apart", kind="stable").drop_duplicates(["satellite", "measured"])
    joined.loc[near["index"].to_numpy(), name] = near[name].to_numpy()
    return joined, len(near)

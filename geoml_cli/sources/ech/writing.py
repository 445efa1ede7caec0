"""The data set in the layout `series`: two index series, and per sample a position and a place in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.dataset.variables import Variable
from geoml_cli.sources.ech.indices import Series
from geoml_cli.sources.ech.orbit import Orbit
from geoml_cli.sources.ech.samples import days, storms


@dataclass(frozen=True)
class Content:
    """What is written.

    Attributes:
        orbit: Of the kept rows.
        index_N: Place of each in the series.
        signed: Whether the sign of MLAT is known.
        storm_nt: SYM-H below which there is a storm [nT].
    """

    series: Series
    orbit: Orbit
    index_N: NDArray[np.int64]
    signed: bool
    storm_nt: float


def write(writer: DatasetWriter, content: Content) -> dict[str, Any]:
    """Write all variables; return the facts of the manifest."""
    series = content.series
    writer.dimension("time", len(series.sme))
    writer.dimension("sample", len(content.index_N))
    writer.attributes(title="Geomagnetic indices and positions for electron cyclotron harmonic waves")
    _time(writer, series)
    writer.put(Variable("sme", "nT", "SME index", ("time",)), series.sme)
    writer.put(Variable("symh", "nT", "SYM-H index", ("time",)), series.symh)
    ends = "place in the series of the last value of the sample's windows, counted from 0"
    writer.put(Variable("index", "1", ends, ("sample",), dtype="i4"), content.index_N)
    _positions(writer, content)
    _groups(writer, content)
    start = None if series.start is None else str(series.start)
    return {"start": start, "step_seconds": series.step}


def _time(writer: DatasetWriter, series: Series) -> None:
    minutes = np.arange(len(series.sme), dtype=np.int64) * series.step // 60
    unit = "minutes" if series.start is None else f"minutes since {str(series.start).replace('T', ' ')}"
    known = {"standard_name": "time", "calendar": "standard"} if series.start is not None else {}
    writer.put(Variable("time", unit, "time of the series", ("time",), dtype="i4", attributes=known), minutes)


def _positions(writer: DatasetWriter, content: Content) -> None:
    orbit = content.orbit
    latitude = "magnetic latitude" if content.signed else "absolute value of the magnetic latitude"
    writer.put(Variable("l", "1", "L-shell, in Earth radii", ("sample",)), orbit.position["l"])
    writer.put(Variable("mlt", "h", "magnetic local time", ("sample",)), orbit.position["mlt"])
    writer.put(Variable("mlat", "degrees", latitude, ("sample",)), orbit.position["mlat"])
    if "amplitude" in orbit.wave:
        writer.put(Variable("amplitude", "dB", "wave amplitude", ("sample",)), orbit.wave["amplitude"])
    if "presence" in orbit.wave:
        long_name = "whether there was a wave"
        writer.put(Variable("presence", "1", long_name, ("sample",)), orbit.wave["presence"])


def _groups(writer: DatasetWriter, content: Content) -> None:
    day = days(content.series)[content.index_N]
    storm = storms(content.series, content.storm_nt)[content.index_N]
    long_name = f"storm (SYM-H under {content.storm_nt:g} nT) whose minimum is nearest, counted from 0"
    writer.put(Variable("day", "1", "day, counted from the first of the series", ("sample",), dtype="i2"), day)
    writer.put(Variable("storm", "1", long_name, ("sample",), dtype="i2"), storm)

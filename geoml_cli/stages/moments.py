"""`predict --map TIME`: what a model says of a whole grid at a moment, or at several one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.dataset.files import replacing
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import SettingsError
from geoml_cli.figures.polar import Panel, animation, polar_map
from geoml_cli.figures.style import png
from geoml_cli.inference.load import RunPredictor, ensemble, settings_of
from geoml_cli.models.spec import FixedTimeGrid
from geoml_cli.runs.blocks import Blocks, writable
from geoml_cli.runs.run import Run
from geoml_cli.stages.map import attributes, bands, weights_digests
from geoml_cli.stages.predicted import Predicted, described
from geoml_cli.work.reporting import Reporter
from geoml_cli.work.signals import StopRequest
from geoml_cli.writers import moments

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Asked:
    """What maps are wanted.

    Attributes:
        times: UTC, in order.
        mlat: Magnetic latitude [degrees].
        out: NetCDF file; a PNG (one time) or GIF (several) stands beside it.
    """

    times: tuple[np.datetime64, ...]
    mlat: float
    out: Path

    @property
    def picture(self) -> Path:
        """Return the path of the picture."""
        return self.out.with_suffix(".png" if len(self.times) == 1 else ".gif")


def predict_moments(run: Run, dataset: Dataset, asked: Asked, members: Sequence[str], reporter: Reporter) -> Predicted:
    """Predict the grid at every time; the same command goes on after a kill.

    Raises:
        SettingsError: The model has no such maps, or the file is no NetCDF.
        DataError: A time is not on the data set's series, or its windows have gaps.
        StoppedError: A signal came; finished maps are kept.
    """
    if asked.out.suffix.lower() != ".nc":
        raise SettingsError("maps of a moment are NetCDF.", where=str(asked.out), fix="Name a .nc file with --out.")
    writable(asked.out)
    held = [_moment(run, dataset, (time, asked.mlat)) for time in asked.times]
    plan = {"run": run.id, "weights": weights_digests(run, members), "data": dataset.manifest.digest()}
    blocks = Blocks(asked.out, {**plan, "times": [str(time) for time in asked.times], "mlat": asked.mlat})
    predictor = ensemble(run, members)
    with StopRequest() as stop, reporter.task("maps", len(held)) as advance:
        for number, moment in enumerate(held):
            if not blocks.done(number):
                blocks.write(number, grid(predictor, moment))
            advance(1)
            blocks.stop_if(stop.received, number)
    return _written(run, asked, (held[0], blocks), members)


def grid(predictor: RunPredictor, moment: FixedTimeGrid) -> Floats:
    """Predict one map, shape [bands, rows, columns]."""
    shape = tuple(len(values) for _, values in moment.axes)
    rows = np.arange(len(moment.samples), dtype=np.int64)
    return predictor.outputs(moment.samples, rows).reshape(-1, *shape).astype(np.float32)


def _moment(run: Run, dataset: Dataset, where: tuple[np.datetime64, float]) -> FixedTimeGrid:
    make = registry.spec(run.model).grid
    if make is None:
        raise SettingsError(f"{run.model} maps rasters, not moments.", where="--map", fix="Leave the time out.")
    tables = settings_of(run).own
    return make(tables, dataset, *where)


def _written(run: Run, asked: Asked, done: tuple[FixedTimeGrid, Blocks], members: Sequence[str]) -> Predicted:
    first, blocks = done
    named = bands(run, members)
    maps = [blocks.read(number) for number in range(len(asked.times))]
    head = {**attributes(run, members), "magnetic_latitude": f"{asked.mlat:g} degrees"}
    moments.write(asked.out, moments.Maps(first.axes, named, head), zip(asked.times, maps, strict=True))
    drawn = [place for place, band in enumerate(named) if band.name in first.drawn]
    frames = _frames(asked, first, (maps, drawn, [named[place] for place in drawn]))
    with replacing(asked.picture) as temporary:
        temporary.write_bytes(next(frames) if len(maps) == 1 else animation(list(frames)))
    first_drawn = drawn[0] if drawn else 0
    found = described(asked.out, "cells", named[first_drawn].unit, (values[first_drawn] for values in maps))
    blocks.clear()
    return found


def _frames(
    asked: Asked, moment: FixedTimeGrid, drawn: tuple[list[Floats], list[int], Sequence[Variable]]
) -> Iterator[bytes]:
    """Draw every map under the colours of all."""
    maps, places, named = drawn
    low_high = [
        _limits([values[place] for values in maps], band.name) for place, band in zip(places, named, strict=True)
    ]
    (_, shells), (_, hours) = moment.axes
    for time, values in zip(asked.times, maps, strict=True):
        panels = [
            Panel((band.long_name, band.unit), values[place], limits)
            for place, band, limits in zip(places, named, low_high, strict=True)
        ]
        minute = str(time.astype("datetime64[m]")).replace("T", " ")
        yield png(polar_map((shells, hours), panels, f"{minute} UTC, MLAT {asked.mlat:g}\N{DEGREE SIGN}"))


def _limits(values: Sequence[Floats], name: str) -> tuple[float, float]:
    if name == "probability":
        return 0.0, 1.0
    known = np.concatenate([part[np.isfinite(part)] for part in values])
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return low, high if high > low else low + 1.0

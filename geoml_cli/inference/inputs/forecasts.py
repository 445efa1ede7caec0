"""The next maps of a series, from its end or from given dates.

Legend: N forecasts, L lead times, T steps of the series; y, x rows and columns of the data set's grid.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.calendar import label, later, numbers_of, times_of
from geoml_cli.dataset.files import atomic_write
from geoml_cli.dataset.grid import AREA, LAND, LAT, LON, TIME, GridAxes, GridFacts
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.figures.forecast import Field, animation_gif, lead_times
from geoml_cli.figures.style import png
from geoml_cli.inference.job import Chunk, ChunkSamples, PredictionJob, attributes
from geoml_cli.inference.load import TrainedRun
from geoml_cli.models.spec import SINGLE
from geoml_cli.samples.frames import Frames
from geoml_cli.samples.samples import Samples
from geoml_cli.work.reporting import Reporter
from geoml_cli.writers import forecasts as writer
from geoml_cli.writers.chunk_store import ChunkStore

Floats = NDArray[np.float32]
_SAME_PLACE = 0.01  # degrees
_DATE = re.compile(r"\d{4}-\d\d(-(0[1-9]|[12]\d|3[01])(T\d\d(:\d\d){0,2}Z?)?)?")
_MOST_STEPS = 1200
"""Steps past the series that one forecast may have; more is most likely a mistyped number."""


@dataclass(frozen=True)
class _Plan:
    """What is forecast.

    Attributes:
        samples: A window a forecast, ending before it.
        first_N: Step of each forecast's first map; T for the maps after the series.
        steps: L.
        horizon: Lead times that the network was trained for.
        times: Of the series.
    """

    samples: Samples
    first_N: NDArray[np.int64]
    steps: int
    horizon: int
    facts: GridFacts
    times: Sequence[object]


def forecasts_job(
    trained: TrainedRun, dataset: Dataset, dates: Sequence[str], steps: int | None, reporter: Reporter
) -> PredictionJob:
    """Forecast from the end of the series, or from every date.

    Args:
        trained: The run.
        dataset: Maps like those it was trained on.
        dates: First forecast step of each forecast, such as 2018-01; none forecasts what follows the series.
        steps: Maps of each forecast; None for as many as the network was trained for. More feeds it its own maps.
        reporter: Receives a warning of steps past the horizon.

    Raises:
        SettingsError: A date is no step of the series, or has too few maps before it.
    """
    plan = _plan(trained, dataset, dates, steps)
    if plan.steps > plan.horizon:
        reporter.warn(
            f"{plan.steps} steps are more than the {plan.horizon} that the network was trained for: past these it is "
            "fed its own maps, and no score says how good they are."
        )
    _tell_other_place(trained, plan, reporter)
    return PredictionJob(
        cell="forecasts",
        counted="cells by lead time",
        digest={"data": dataset.manifest.digest(), "first": plan.first_N.tolist(), "steps": plan.steps},
        chunks=lambda: _chunks(plan),
        total=len(plan.first_N),
        write=lambda out, store, count: _write(trained, dataset, plan, out, store),
        unit=trained.outputs()[0].unit,
        check=writer.check_suffix,
    )


def _tell_other_place(trained: TrainedRun, plan: _Plan, reporter: Reporter) -> None:
    """Warn of maps of the same shape that lie elsewhere."""
    known, found = trained.signature(SINGLE).target_corners, plan.samples.target.corners
    apart = np.subtract(known, found) if known else np.zeros(4)
    apart[1::2] = (apart[1::2] + 180.0) % 360.0 - 180.0
    if np.abs(apart).max() > _SAME_PLACE:
        here, there = (f"{c[0]:g}, {c[1]:g} to {c[2]:g}, {c[3]:g}" for c in (found, known))
        reporter.warn(
            f"the maps lie elsewhere (latitude, longitude {here}) than those that run {trained.run.id} was trained on "
            f"({there}): neither its scores nor its intervals are of this place."
        )


def _plan(trained: TrainedRun, dataset: Dataset, dates: Sequence[str], steps: int | None) -> _Plan:
    samples, facts = trained.network_samples(SINGLE, dataset), dataset.manifest.facts_as(GridFacts)
    [(name, item)] = samples.inputs.items()
    assert isinstance(item.values, Frames), "windows of maps"
    horizon = trained.signature(SINGLE).target_shape[0]
    if steps is not None and not 1 <= steps <= _MOST_STEPS:
        raise SettingsError(f"{steps} steps cannot be forecast.", where="--steps", fix=f"Use 1 to {_MOST_STEPS}.")
    series, input_steps = item.values.series, item.values.shape[1]
    times = times_of(np.asarray(dataset.array(TIME), dtype=np.float64), facts)
    following = label(later(times, facts.step, 1), facts.step)
    first_N = _first_steps(dates, series.labels, input_steps, following)
    windows = replace(item, values=Frames(series, first_N - input_steps, input_steps))
    target = replace(samples.target, values=None)
    own = replace(samples, inputs={name: windows}, target=target, span=None, complete=None)
    return _Plan(own, first_N, steps or horizon, horizon, facts, times)


def _first_steps(dates: Sequence[str], labels: Sequence[str], input_steps: int, following: str) -> NDArray[np.int64]:
    """Return the first forecast step of each date, ascending."""
    known = {name: step for step, name in enumerate((*labels, following))}
    if not dates:
        return np.array([len(labels)], dtype=np.int64)
    found = []
    for date in dict.fromkeys(_label_of(date, known) for date in dates):
        if date not in known:
            raise SettingsError(
                f"{date!r} is no step of the data set.",
                where="--date",
                fix=f"Steps are {labels[input_steps]} to {following}, written like that. "
                "Maps after that are those of a forecast with --steps N.",
            )
        if known[date] < input_steps:
            raise DataError(
                f"a forecast that begins at {date} needs {input_steps} maps before it, there are {known[date]}.",
                where="--date",
                fix=f"The first is {labels[input_steps]}.",
            )
        found.append(known[date])
    return np.array(sorted(found), dtype=np.int64)


def _label_of(date: str, known: Collection[str]) -> str:
    """Return the step that a date lies in, such as 2003-02 of 2003-02-16; the date where there is none."""
    date = date.replace(" ", "T", 1)
    ends = [place for place, sign in enumerate(date) if sign in "-T:" and _DATE.fullmatch(date)]
    return next((date[:end] for end in [len(date), *reversed(ends)] if date[:end] in known), date)


def _chunks(plan: _Plan) -> Iterator[Chunk]:
    for number in range(len(plan.first_N)):
        chosen = ChunkSamples(plan.samples, np.array([number]), steps=plan.steps)
        yield Chunk(number, lambda chosen=chosen: chosen)  # type: ignore[misc]


def _write(trained: TrainedRun, dataset: Dataset, plan: _Plan, out: Path, store: ChunkStore) -> list[Path]:
    facts = plan.facts
    lat, lon, area = (np.asarray(dataset.array(name), dtype=np.float64) for name in (LAT, LON, AREA))
    axes = GridAxes(lat, lon, area=area)
    valid = [_valid_times(plan, int(first)) for first in plan.first_N]
    head = attributes(trained, dataset)
    if plan.steps > plan.horizon:
        head["comment"] = f"Lead times above {plan.horizon} were made by feeding the network its own maps."
    content = writer.Forecasts(
        axes,
        numbers_of([plan.times[int(first) - 1] for first in plan.first_N], facts),
        np.stack([numbers_of(times, facts) for times in valid]),
        facts.time_unit,
        facts.calendar,
        facts.step,
        _outputs(trained, facts),
        head,
    )
    count = len(plan.first_N)
    writer.write(out, content, ((slice(number, number + 1), store.read(number)) for number in range(count)))
    if not trained.settings.shared.predict.page:
        return [out]
    return [out, *_draw(out, store.read(0)[0, 0], Field(facts.variable, facts.unit, axes, _land(dataset)), plan)]


def _outputs(trained: TrainedRun, facts: GridFacts) -> tuple[Variable, ...]:
    """Describe the outputs; the data set's standard name is that of the quantity itself, not of its deviation."""
    named = {"standard_name": facts.standard_name} if facts.standard_name else {}
    first, *others = (replace(output, dims=()) for output in trained.outputs())
    return (replace(first, attributes=named), *others)


def _land(dataset: Dataset) -> NDArray[np.bool_]:
    return np.asarray(dataset.array(LAND)) > 0


def _valid_times(plan: _Plan, first: int) -> list[object]:
    """Return the times of a forecast's maps, past the series by counting on."""
    last = len(plan.times) - 1
    return [
        plan.times[step] if step <= last else later(plan.times, plan.facts.step, step - last)
        for step in range(first, first + plan.steps)
    ]


def _draw(out: Path, maps_L: Floats, field: Field, plan: _Plan) -> list[Path]:
    """Draw the first forecast: all lead times on a page, and as an animation."""
    names = [label(time, plan.facts.step) for time in _valid_times(plan, int(plan.first_N[0]))]
    known = maps_L[np.isfinite(maps_L)]
    field = replace(field, signed=bool(len(known)) and float(known.min()) < 0 < float(known.max()))
    # PredictionRequest.written names them likewise.
    files = {
        out.with_suffix(".png"): png(lead_times(maps_L, field, names)),
        out.with_suffix(".gif"): animation_gif(maps_L, field),
    }
    for path, content in files.items():
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
    return list(files)

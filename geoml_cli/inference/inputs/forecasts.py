"""The next maps of a series, from its end or from given dates.

Legend: N forecasts, L lead times, T steps of the series; y, x rows and columns of the data set's grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.calendar import label, later, numbers_of, times_of
from geoml_cli.dataset.files import replacing
from geoml_cli.dataset.grid import LAT, LON, TIME, GridAxes, GridFacts
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.figures.forecast_maps import lead_times, limits
from geoml_cli.figures.style import animation, png, with_unit
from geoml_cli.inference.engine import Chunk, ChunkSamples, PredictionJob, attributes
from geoml_cli.inference.load import TrainedRun
from geoml_cli.models.spec import SINGLE
from geoml_cli.samples.frames import Frames
from geoml_cli.samples.samples import Samples
from geoml_cli.work.reporting import Reporter
from geoml_cli.writers import forecasts as writer
from geoml_cli.writers.chunk_store import ChunkStore

Floats = NDArray[np.float32]
_MOST_STEPS = 1200
"""Steps past the series that one forecast may have; more is most likely a mistyped number."""
_GIF_MILLISECONDS = 500


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
        reporter: Is told of steps past the horizon.

    Raises:
        SettingsError: A date is no step of the series, or has too few maps before it.
    """
    plan = _plan(trained, dataset, dates, steps)
    if plan.steps > plan.horizon:
        reporter.warn(
            f"{plan.steps} steps are more than the {plan.horizon} that the network was trained for: past these it is "
            "fed its own maps, and no score says how good they are."
        )
    return PredictionJob(
        cell="forecasts",
        digest={"data": dataset.manifest.digest(), "first": plan.first_N.tolist(), "steps": plan.steps},
        chunks=lambda: _chunks(plan),
        total=len(plan.first_N),
        write=lambda out, store, count: _write(trained, dataset, plan, (out, store)),
        unit=trained.outputs()[0].unit,
        check=writer.check_suffix,
    )


def _plan(trained: TrainedRun, dataset: Dataset, dates: Sequence[str], steps: int | None) -> _Plan:
    samples, facts = trained.network_samples(SINGLE, dataset), dataset.manifest.facts_as(GridFacts)
    [(name, item)] = samples.inputs.items()
    assert isinstance(item.values, Frames), "windows of maps"
    horizon = trained.signature(SINGLE).target_shape[0]
    if steps is not None and not 1 <= steps <= _MOST_STEPS:
        raise SettingsError(f"{steps} steps cannot be forecast.", where="--steps", fix=f"Use 1 to {_MOST_STEPS}.")
    series, seen = item.values.series, item.values.shape[1]
    first_N = _first_steps(dates, series.labels, seen, _next_label(dataset, facts))
    windows = replace(item, values=Frames(series, first_N - seen, seen))
    target = replace(samples.target, values=None)
    times = times_of(np.asarray(dataset.array(TIME), dtype=np.float64), facts)
    own = replace(samples, inputs={name: windows}, target=target, span=None, complete=None)
    return _Plan(own, first_N, steps or horizon, horizon, facts, times)


def _next_label(dataset: Dataset, facts: GridFacts) -> str:
    [last] = times_of(np.asarray(dataset.array(TIME), dtype=np.float64)[-1:], facts)
    return label(later(last, facts.step, 1), facts.step)


def _first_steps(dates: Sequence[str], labels: Sequence[str], seen: int, following: str) -> NDArray[np.int64]:
    """Return the first forecast step of each date, ascending."""
    known = {name: step for step, name in enumerate((*labels, following))}
    if not dates:
        return np.array([len(labels)], dtype=np.int64)
    found = []
    for date in dict.fromkeys(dates):
        if date not in known:
            raise SettingsError(
                f"{date!r} is no step of the data set.",
                where="--date",
                fix=f"Write it as {labels[-1]}; steps are {labels[seen]} to {following}.",
            )
        if known[date] < seen:
            raise DataError(
                f"a forecast that begins at {date} needs {seen} maps before it, there are {known[date]}.",
                where="--date",
                fix=f"The first is {labels[seen]}.",
            )
        found.append(known[date])
    return np.array(sorted(found), dtype=np.int64)


def _chunks(plan: _Plan) -> Iterator[Chunk]:
    for number in range(len(plan.first_N)):
        chosen = ChunkSamples(plan.samples, np.array([number]), steps=plan.steps)
        yield Chunk(number, lambda chosen=chosen: chosen)  # type: ignore[misc]


def _write(trained: TrainedRun, dataset: Dataset, plan: _Plan, into: tuple[Path, ChunkStore]) -> Path:
    out, store = into
    axes = GridAxes(*(np.asarray(dataset.array(name), dtype=np.float64) for name in (LAT, LON)))
    valid = [_valid_times(plan, int(first)) for first in plan.first_N]
    head = attributes(trained)
    if plan.steps > plan.horizon:
        head["comment"] = f"Lead times above {plan.horizon} were made by feeding the network its own maps."
    content = writer.Forecasts(
        axes,
        plan.facts,
        trained.outputs(),
        numbers_of([plan.times[int(first) - 1] for first in plan.first_N], plan.facts),
        np.stack([numbers_of(times, plan.facts) for times in valid]),
        head,
    )
    writer.write(out, content, (store.read(number)[:, 0] for number in range(len(plan.first_N))))
    names = [label(time, plan.facts.step) for time in valid[0]]
    _draw(out, store.read(0)[0, 0], names, trained, upright=bool(np.ravel(axes.lat)[0] > np.ravel(axes.lat)[-1]))
    return out


def _valid_times(plan: _Plan, first: int) -> list[object]:
    """Return the times of a forecast's maps, past the series by counting on."""
    last = len(plan.times) - 1
    return [
        plan.times[step] if step <= last else later(plan.times[last], plan.facts.step, step - last)
        for step in range(first, first + plan.steps)
    ]


def _draw(out: Path, maps_L: Floats, names: list[str], trained: TrainedRun, *, upright: bool) -> None:
    """Draw the first forecast: all lead times on a page, and as an animation of two maps a second."""
    output = trained.outputs()[0]
    draw = partial(lead_times, label=with_unit(output.name, output.unit), bounds=limits(maps_L), upright=upright)
    page = png(draw(maps_L, names))
    single = [png(draw(maps_L[lead : lead + 1], [name])) for lead, name in enumerate(names)]
    # PredictionRequest.figures names them likewise.
    files = {out.with_suffix(".png"): page, out.with_suffix(".gif"): animation(single, _GIF_MILLISECONDS)}
    for path, content in files.items():
        with replacing(path) as temporary:
            temporary.write_bytes(content)

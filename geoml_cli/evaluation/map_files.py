"""Files of an evaluation of forecasts of maps, in addition to those of every evaluation."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from geoml_cli.dataset.files import atomic_write
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.maps import targets
from geoml_cli.evaluation.result import ForecastMaps
from geoml_cli.metrics.metric import Values, ratio

Cell = str | int | float


def per_start(maps: ForecastMaps) -> Iterator[Sequence[Cell]]:
    """Yield the root mean square error of every forecast and lead time, a line each."""
    yield ["start", "lead_time", "model", "RMSE"]
    for model, rmse_NL in maps.rmse.items():
        for start, of_start in zip(maps.starts, rmse_NL, strict=True):
            for lead, value in enumerate(of_start, start=1):
                yield [start, lead, model, f"{value:.9g}"]


def spectra(maps: ForecastMaps) -> Iterator[Sequence[Cell]]:
    """Yield the power of scaled anomalies by lead time and wavenumber, a line each."""
    yield ["model", "lead_time", "wavenumber", "power"]
    for model, power_LF in maps.power.items():
        for lead, of_lead in enumerate(power_LF, start=1):
            for number, value in enumerate(of_lead, start=1):
                yield [model, lead, number, f"{value:.9g}"]


def cell_rmse(maps: ForecastMaps, model: str) -> Values:
    """Return the root mean square error of every cell over forecasts and lead times, NaN where none counts, [y, x]."""
    count, _, square = maps.cells[model]
    return np.asarray(np.sqrt(ratio(square, count)))


def cell_bias(maps: ForecastMaps, model: str) -> Values:
    """Return the mean error of every cell, likewise."""
    count, error, _ = maps.cells[model]
    return ratio(error, count)


def write_score_maps(path: Path, inputs: EvaluationInputs, maps: ForecastMaps) -> None:
    """Write RMSE and bias of every cell and model as CF NetCDF on the data set's grid."""
    import netCDF4

    target = inputs.task.target
    with atomic_write(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        title = f"Scores of {target.name} by cell, over all forecasts and lead times"
        made = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ} geoml evaluate"
        file.setncatts({"Conventions": "CF-1.11", "title": title, "history": made, "run_id": inputs.run.id})
        coordinates = _axes(file, inputs)
        for model in maps.cells:
            for score, values in (("rmse", cell_rmse(maps, model)), ("bias", cell_bias(maps, model))):
                name = f"{score}_{model.replace('-', '_')}"
                layer = file.createVariable(name, "f4", ("y", "x"), fill_value=np.float32(np.nan), zlib=True)
                layer.setncatts({"long_name": f"{score} of {model}", "units": target.unit, **coordinates})
                layer[:] = values


def _axes(file: object, inputs: EvaluationInputs) -> dict[str, str]:
    """Write latitude and longitude, of one or two dimensions; return what refers to them."""
    rows, columns = targets(inputs).series.area.shape
    file.createDimension("y", rows)  # type: ignore[attr-defined]
    file.createDimension("x", columns)  # type: ignore[attr-defined]
    for name, unit, standard in (("lat", "degrees_north", "latitude"), ("lon", "degrees_east", "longitude")):
        values = np.asarray(inputs.dataset.array(name), dtype=np.float64)
        dims = ("y", "x") if values.ndim == 2 else (("y",) if name == "lat" else ("x",))
        axis = file.createVariable(name, "f8", dims)  # type: ignore[attr-defined]
        axis.setncatts({"units": unit, "standard_name": standard, "long_name": standard})
        axis[:] = values
    return {"coordinates": "lat lon"}

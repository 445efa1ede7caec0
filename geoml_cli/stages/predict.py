"""`predict`: a run and samples, a table, rasters, cells or times to one file."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.dataset.store import Dataset
from geoml_cli.inference.engine import predict_to_file
from geoml_cli.inference.inputs.cells import cells_job
from geoml_cli.inference.inputs.rasters import raster_job
from geoml_cli.inference.inputs.samples import samples_job
from geoml_cli.inference.inputs.tables import table_job
from geoml_cli.inference.inputs.time_grids import RequestedMaps, time_grid_job
from geoml_cli.inference.load import TrainedRun
from geoml_cli.inference.summary import PredictionSummary
from geoml_cli.samples.input import CovariateStack, TableInput
from geoml_cli.work.reporting import Reporter


def predict_samples(trained: TrainedRun, dataset: Dataset, out: Path, reporter: Reporter) -> PredictionSummary:
    """Predict every sample of a data set to a table; errors as for `predict_to_file`."""
    return predict_to_file(trained, samples_job(trained, dataset), out, reporter)


def predict_table(trained: TrainedRun, given: TableInput, out: Path, reporter: Reporter) -> PredictionSummary:
    """Predict the rows of a user's table; errors as for `predict_to_file`, and of the table's reader."""
    return predict_to_file(trained, table_job(trained, given), out, reporter)


def predict_rasters(trained: TrainedRun, stack: CovariateStack, out: Path, reporter: Reporter) -> PredictionSummary:
    """Predict every pixel of a stack of covariates to a map; errors as for `predict_to_file`."""
    return predict_to_file(trained, raster_job(trained, stack), out, reporter)


def predict_cells(trained: TrainedRun, dataset: Dataset, out: Path, reporter: Reporter) -> PredictionSummary:
    """Predict the cells of a grid, a map for each time; errors as for `predict_to_file` and `cells_job`."""
    return predict_to_file(trained, cells_job(trained, dataset, reporter), out, reporter)


def predict_times(
    trained: TrainedRun, dataset: Dataset, requested: RequestedMaps, out: Path, reporter: Reporter
) -> PredictionSummary:
    """Predict a whole grid at given times; errors as for `predict_to_file` and `time_grid_job`."""
    return predict_to_file(trained, time_grid_job(trained, dataset, requested), out, reporter)

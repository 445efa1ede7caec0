"""`predict --sums`: gaps of measured series filled by the network, and sums over days, months or years."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.dataset.store import Dataset
from geoml_cli.inference.engine import predict_to_file
from geoml_cli.inference.inputs.budgets import Period, sums_job
from geoml_cli.inference.load import TrainedRun
from geoml_cli.inference.summary import PredictionSummary
from geoml_cli.work.reporting import Reporter


def predict_sums(
    trained: TrainedRun, dataset: Dataset, period: Period, out: Path, reporter: Reporter
) -> PredictionSummary:
    """Fill the gaps of every station's series and sum it up.

    Args:
        trained: The run.
        dataset: With series.
        period: Over which to sum.
        out: The file to write.
        reporter: Receives progress.

    Raises:
        SettingsError: The samples are no series, or their unit knows no sum.
        StoppedError: A signal came; finished chunks are kept and the same command resumes.
    """
    return predict_to_file(trained, sums_job(trained, dataset, period), out, reporter)

"""Whether a data set is the one a run was trained on."""

from __future__ import annotations

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.runs.run import Run


def same_data(run: Run, dataset: Dataset) -> None:
    """Refuse a data set that is not the one a run was trained on.

    Raises:
        DataError: Their digests differ.
    """
    expected = run.data().digest
    found = dataset.manifest.digest()
    if expected is not None and expected != found:
        raise DataError(
            f"holds other data ({found[:12]}) than run {run.id} was trained on ({expected[:12]}).",
            where=str(dataset.folder),
            fix="Name that data set with --data, or train a new run.",
        )

"""`applicability.safetensors`: what the inputs of a run's training samples are like."""

from __future__ import annotations

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from geoml_cli.dataset.files import atomic_write, sha256
from geoml_cli.errors import DataError
from geoml_cli.metrics.applicability import Applicability
from geoml_cli.runs.calibration import calibrate_again
from geoml_cli.runs.run import Run

APPLICABILITY = "applicability.safetensors"


def read_applicability(run: Run) -> Applicability | None:
    """Read it; None where the run has none.

    Raises:
        DataError: It is damaged.
    """
    path = run.folder / APPLICABILITY
    # As of a calibration: without a checksum it is not kept yet.
    if APPLICABILITY not in run.record().checksums:
        return None
    fix = f"{calibrate_again(run).capitalize()}: it is made anew."
    if not path.is_file():
        raise DataError("is missing.", where=str(path), fix=fix)
    try:
        found = load(run.whole(path, fix).read_bytes())
        mean_distance, threshold = found["measures"].tolist()
        return Applicability(found["shift"], found["weight"], found["reference"], mean_distance, threshold)
    except (SafetensorError, KeyError, ValueError) as error:
        raise DataError("is damaged.", where=str(path), fix=fix) from error


def write_applicability(run: Run, applicability: Applicability) -> None:
    """Keep it with the run."""
    arrays = {
        "shift": applicability.shift_F,
        "weight": applicability.weight_F,
        "reference": np.ascontiguousarray(applicability.reference_RF),
        "measures": np.array([applicability.mean_distance, applicability.threshold]),
    }
    path = run.folder / APPLICABILITY
    with run.changing() as record:
        with atomic_write(path) as temporary:
            temporary.write_bytes(save(arrays))
        record.checksums[APPLICABILITY] = sha256(path)

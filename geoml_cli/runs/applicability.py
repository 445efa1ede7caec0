"""`applicability.safetensors`: what the inputs of a run's training samples are like."""

from __future__ import annotations

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from geoml_cli.dataset.files import replacing, sha256
from geoml_cli.errors import DataError
from geoml_cli.metrics.applicability import Applicability
from geoml_cli.runs.calibration import calibrate_again
from geoml_cli.runs.run import Run

_NAME = "applicability.safetensors"


def read_applicability(run: Run) -> Applicability | None:
    """Read it; None where the run has none.

    Raises:
        DataError: It is damaged.
    """
    path = run.folder / _NAME
    # As of a calibration: without a checksum it is not kept yet.
    if not path.is_file() or _NAME not in run.record().checksums:
        return None
    try:
        found = load(run.whole(path).read_bytes())
        mean_distance, threshold = found["measures"].tolist()
        return Applicability(found["shift"], found["weight"], found["reference"], mean_distance, threshold)
    except (SafetensorError, KeyError, ValueError) as error:
        raise DataError("is damaged.", where=str(path), fix=f"Delete it, and {calibrate_again(run)}.") from error


def write_applicability(run: Run, found: Applicability) -> None:
    """Keep it with the run."""
    arrays = {
        "shift": found.shift_F,
        "weight": found.weight_F,
        "reference": np.ascontiguousarray(found.reference_RF),
        "measures": np.array([found.mean_distance, found.threshold]),
    }
    path = run.folder / _NAME
    with run.changing() as record:
        with replacing(path) as temporary:
            temporary.write_bytes(save(arrays))
        record.checksums[_NAME] = sha256(path)

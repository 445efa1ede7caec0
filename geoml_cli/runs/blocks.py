"""Finished parts of a long prediction on disk: a killed one goes on with the next part.

Each part is a file of its own, whole or absent, so that a kill at any moment loses at most the part under way.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import replacing, write_text
from geoml_cli.errors import DataError, StoppedError

_PLAN = "plan.json"
Floats = NDArray[np.float32]


class Blocks:
    """Parts 0 .. n-1 of a prediction, beside the file they will become.

    Args:
        target: The file that is being made.
        plan: What determines every number of it; parts of another plan are thrown away.
    """

    def __init__(self, target: Path, plan: dict[str, object]) -> None:
        self.folder = target.with_name(f".{target.name}.parts")
        self._make(json.dumps(plan, sort_keys=True, indent=1) + "\n")

    def _make(self, plan: str) -> None:
        path = self.folder / _PLAN
        if not path.is_file() or path.read_text(encoding="utf-8") != plan:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            write_text(path, plan)

    def done(self, number: int) -> bool:
        """Tell whether a part is finished."""
        return self._path(number).is_file()

    def write(self, number: int, values: Floats) -> None:
        """Keep a part."""
        with replacing(self._path(number)) as path, path.open("wb") as stream:
            np.save(stream, values, allow_pickle=False)

    def read(self, number: int) -> Floats:
        """Return a part.

        Raises:
            DataError: It was damaged after it was written.
        """
        path = self._path(number)
        try:
            values: Floats = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                "a part of the prediction is damaged.", where=str(path), fix="Delete it and predict again."
            ) from error
        return values

    def stop_if(self, signal: str | None, number: int) -> None:
        """Stop after part `number` where a signal came.

        Raises:
            StoppedError: The parts are kept; the same command goes on.
        """
        if signal:
            raise StoppedError(
                f"stopped by {signal} after part {number + 1}, kept.",
                where=str(self.folder),
                fix="The same command goes on.",
            )

    def clear(self) -> None:
        """Remove the parts, once the file they became is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.npy"


def writable(target: Path) -> None:
    """Refuse a place that cannot take the result, before hours are spent on it.

    Raises:
        DataError: It is a folder, or its folder cannot be made or written to.
    """
    if target.is_dir():
        raise DataError("is a folder.", where=str(target), fix="Name a file with --out.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"cannot be made ({error.strerror}).", where=str(target.parent), fix="Choose another --out."
        ) from error
    if not os.access(target.parent, os.W_OK):
        raise DataError("may not be written to.", where=str(target.parent), fix="Choose another --out.")

"""`data.json`: which data set a run belongs to, and what its networks see of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from geoml_cli.dataset.files import write_text
from geoml_cli.errors import DataError
from geoml_cli.samples.samples import Signature

DATA_FILE = "data.json"
_RESTORE = "Train again, or restore the file."


class DataRecord(BaseModel):
    """Which data set the run belongs to, its units and time step, and what each network sees of it.

    `file_units` are those that raw files name, such as covariates of rasters; earlier runs do not know them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    digest: str | None
    folder: str | None
    signatures: dict[str, Signature]
    units: dict[str, str] = Field(default_factory=dict)
    file_units: dict[str, str] = Field(default_factory=dict)
    step: str = ""

    @property
    def signature(self) -> Signature:
        """Return the first network's, which is the only one for most models."""
        return next(iter(self.signatures.values()))

    def write(self, path: Path) -> None:
        """Write the file."""
        write_text(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, path: Path, checksum: str) -> DataRecord:
        """Read the file.

        Args:
            path: The file.
            checksum: That of its content when the run was made; empty where the run does not know it.

        Raises:
            DataError: It is missing, or not what was written.
        """
        try:
            found = cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError("is missing or damaged.", where=str(path), fix=_RESTORE) from error
        if checksum and checksum != checksum_of(path):
            raise DataError("is damaged (its checksum differs).", where=str(path), fix=_RESTORE)
        return found


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of what a `data.json` says, but for the data set's folder: data sets move."""
    content = json.loads(path.read_text(encoding="utf-8"))
    said = {name: value for name, value in content.items() if name != "folder"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

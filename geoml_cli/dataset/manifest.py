"""`manifest.json` next to `dataset.nc`: what a prepared data set was made from, and what was lost on the way."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from shlex import quote
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer

from geoml_cli.dataset.files import folder_lock, left_behind, recover_folder, write_text
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError, escaped
from geoml_cli.work.locking import locked

NAME = "manifest.json"
Layout = Literal["samples", "series", "grid"]
Facts = TypeVar("Facts", bound=BaseModel)
_STEPS = {10080: "week", 1440: "day", 60: "hour", 30: "half-hour", 0: "month", -1: "year"}
"""Names of time steps [min]; months and years, of no one length, have numbers of their own."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RawFile(_Record):
    """A raw file as it was read."""

    name: str
    size: int
    sha256: str


class Funnel(BaseModel):
    """Rows read, dropped by reason, and kept; per station where there are stations."""

    model_config = ConfigDict(extra="forbid")

    read: int = 0
    dropped: dict[str, int] = Field(default_factory=dict)
    kept: int = 0
    per_station: dict[str, dict[str, int]] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)

    @field_serializer("notes")
    def _shown(self, notes: list[str]) -> list[str]:
        return [escaped(note) for note in notes]

    def drop(self, reason: str, rows: int) -> None:
        """Count rows that were left out; none is not worth a line."""
        if rows:
            self.dropped[reason] = self.dropped.get(reason, 0) + rows


_DIGESTED = ("name", "unit", "long_name", "dims", "dtype", "attributes")
"""Of a variable."""


class Manifest(_Record):
    """The whole record.

    `raw` is where the raw files were read, `origin` the address of which that is a copy, if it is one. `facts` holds
    what the source needs to read more of the same later; `content` is the SHA-256 of all values of
    `dataset.nc` (see `store.content_digest`).
    """

    source: str
    layout: Layout
    options: dict[str, Any]
    geoml_version: str
    raw: str
    files: tuple[RawFile, ...]
    variables: dict[str, Variable]
    funnel: Funnel
    facts: dict[str, Any] = Field(default_factory=dict)
    content: str = ""
    origin: str = ""

    def digest(self) -> str:
        """Name the content: the same raw files, read the same way, give the same digest, wherever they lie.

        Options do not count as they were typed, but by what they led to.
        """
        same = {
            "source": self.source,
            "files": sorted(file.sha256 for file in self.files),
            # These alone: a field that a later version adds must not make other data of those that runs know.
            "variables": {
                name: {field: getattr(variable, field) for field in _DIGESTED}
                for name, variable in self.variables.items()
            },
            "facts": self.facts,
            "kept": self.funnel.kept,
            # Other rows of the same files, such as another region or period, are other data.
            "content": self.content,
        }
        return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()

    @property
    def step(self) -> str:
        """Name the time step, such as year, month or day; empty where there is none or it is not known."""
        step = self.facts.get("step", "")
        minutes = self.facts.get("step_minutes")
        if isinstance(step, str) and step:
            return step
        return _STEPS.get(minutes, f"{minutes} min") if isinstance(minutes, int) else ""

    def units(self) -> dict[str, str]:
        """Return the units of the variables of numbers whose unit the source knows by itself."""
        return {
            name: variable.unit
            for name, variable in self.variables.items()
            if variable.dtype != "str" and not variable.file_units
        }

    def file_units(self) -> dict[str, str]:
        """Return the units of quantities that raw files name, such as covariates of rasters; others are not known."""
        named = [pair for variable in self.variables.values() for pair in variable.file_units.items()]
        return {name: unit for name, unit in named if unit}

    def facts_as(self, kind: type[Facts]) -> Facts:
        """Return the facts in the form their source gave them.

        Raises:
            DataError: They are not of that form.
        """
        try:
            return kind.model_validate(self.facts)
        except ValidationError as error:
            raise DataError(
                "the manifest's facts are damaged or from another version of geoml",
                where=self.source,
                fix="Prepare the data set again with --force.",
            ) from error

    def write(self, folder: Path) -> None:
        """Write the manifest; from here on the data set counts as complete."""
        write_text(folder / NAME, self.model_dump_json(indent=1) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read a data set's manifest.

    Raises:
        DataError: There is no complete data set in `folder`, or its manifest is damaged.
    """
    path = folder / NAME
    if left_behind(folder):  # a killed `prepare --force`, or one that is replacing the data set right now
        with locked(folder_lock(folder), lambda holder: None):
            recover_folder(folder)
    if not path.is_file():
        raise DataError(
            "no prepared data set here",
            where=str(folder),
            fix=f"Make it with `geoml prepare {folder.name} RAW --data {quote(str(folder.parent))}`.",
        )
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise DataError(
            "the manifest is damaged or from another version of geoml",
            where=str(path),
            fix="Prepare the data set again with --force.",
        ) from error

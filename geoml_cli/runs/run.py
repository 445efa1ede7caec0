"""The run folder: the only thing between training and what follows; every file name in it is spelled here.

A run is written by several processes at once when a batch array trains its members side by side; `run.json` is
changed under a lock only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from geoml_cli.dataset.files import sha256, write_text
from geoml_cli.errors import DataError
from geoml_cli.runs.data_record import DATA_FILE, DataRecord
from geoml_cli.samples.scaling import Scaling
from geoml_cli.splits.split import Split, read_once
from geoml_cli.work.locking import alone

Status = Literal["waiting", "running", "interrupted", "finished", "failed"]

LAYOUT = 3
"""Number of the layout of run folders; one of another number is refused, not guessed at."""
_RUN = "run.json"
_LOCK = "run.lock"
_ENTRY = {"step", "epoch", "loss", "val_loss"}
"""What each line of a history has at least."""


class _Layout(BaseModel):
    """What a `run.json` of any layout says."""

    model: str
    preset: str
    layout: int = 1


class RunRecord(BaseModel):
    """`run.json`; `smearing` holds the factor of each member whose target is trained in logarithms.

    `data` is the checksum of `data.json`, but for its folder; earlier runs have none.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    model: str
    preset: str
    layout: int = 1
    origin: Literal["trained", "imported"]
    created: str
    members: dict[str, Status] = Field(min_length=1)
    checksums: dict[str, str] = Field(default_factory=dict)
    data: str = ""
    smearing: dict[str, float] = Field(default_factory=dict)
    status: Status = "running"
    message: str = ""


@dataclass(frozen=True)
class CheckpointFiles:
    """A checkpoint's files; `meta` is read first."""

    folder: Path

    @property
    def weights(self) -> Path:
        """Parameters and buffers."""
        return self.folder / "weights.safetensors"

    @property
    def state(self) -> Path:
        """Tensors of the optimiser, the average and the random states."""
        return self.folder / "state.safetensors"

    @property
    def meta(self) -> Path:
        """Counters and other numbers."""
        return self.folder / "meta.json"

    def step(self) -> int | None:
        """Return the step it was written at; None where there is none yet."""
        return int(json.loads(self.meta.read_text(encoding="utf-8"))["step"]) if self.meta.is_file() else None


@dataclass(frozen=True)
class MemberFiles:
    """One member's folder."""

    folder: Path

    @property
    def run(self) -> Path:
        """Folder of the run it belongs to."""
        return self.folder.parent.parent

    @property
    def split(self) -> Path:
        """Its rows."""
        return self.folder / "split.json"

    @property
    def scaling(self) -> Path:
        """Its scaling."""
        return self.folder / "scaling.json"

    @property
    def history(self) -> Path:
        """A line a validation."""
        return self.folder / "history.jsonl"

    @property
    def lock(self) -> Path:
        """Locked by the process that trains the member."""
        return self.folder / "member.lock"

    def entries(self) -> list[dict[str, Any]]:
        """Read the history, one entry a validation; none where there is none, and without a last half-written line.

        Raises:
            DataError: It is damaged.
        """
        path = self.history
        try:
            *lines, last = path.read_text(encoding="utf-8").split("\n") if path.is_file() else [""]
            entries = [json.loads(line) for line in (*lines, *([last] if last.endswith("}") else []))]
            if not all(isinstance(entry, dict) and entry.keys() >= _ENTRY for entry in entries):
                raise ValueError(path)
        except ValueError as error:
            raise DataError("is damaged.", where=str(path), fix="Delete it, or restore it from a copy.") from error
        return entries

    def checkpoint(self, which: Literal["last", "best"]) -> CheckpointFiles:
        """`last` to resume from, `best` to use."""
        return CheckpointFiles(self.folder / "checkpoints" / which)

    def best(self, criterion: str | None = None) -> CheckpointFiles:
        """`best` by the criterion that `train.restore` names (the first by default), or `best-NAME` by another."""
        return CheckpointFiles(self.folder / "checkpoints" / ("best" if criterion is None else f"best-{criterion}"))


class Run:
    """A run on disk.

    Args:
        folder: Where it lies.
        assignments: `key=value` texts over its settings, for this use of it.

    Raises:
        DataError: `folder` is no run, or its `run.json` is damaged.
    """

    def __init__(self, folder: Path, assignments: Sequence[str] = ()) -> None:
        self.folder, self.assignments = folder, tuple(assignments)
        self.quoted = quote(str(folder))  # as a shell takes it, in messages
        record = self.record()
        self.id, self.model, self.preset = record.id, record.model, record.preset
        self.imported = record.origin == "imported"

    def record(self) -> RunRecord:
        """Read `run.json` as it stands now."""
        path = self.folder / _RUN
        if not path.is_file():
            raise DataError("is not a run (it has no run.json).", where=str(self.folder), fix="See `geoml list runs`.")
        try:
            found = _Layout.model_validate_json(path.read_text(encoding="utf-8"))
            if found.layout != LAYOUT:  # refused first: another layout may hold other keys
                raise DataError(
                    f"is a run folder of layout {found.layout}; this version of geoml reads layout {LAYOUT}.",
                    where=str(self.folder),
                    fix=f"Train it again with `geoml train {found.model} --preset {found.preset}`.",
                )
            return RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError("is damaged.", where=str(path), fix="Train again, or restore the file.") from error

    def data(self) -> DataRecord:
        """Read `data.json`; errors as for `record`."""
        return DataRecord.read(self.folder / DATA_FILE, self.record().data)

    def planned(self) -> list[str]:
        """Name all members, trained or not."""
        return list(self.record().members)

    def members(self) -> list[str]:
        """Name the members whose training is finished."""
        return [name for name, status in self.record().members.items() if status == "finished"]

    def member(self, name: str) -> MemberFiles:
        """Return a member's files."""
        return MemberFiles(self.folder / "members" / name)

    def split(self, member: str) -> Split:
        """Read a member's rows; errors as for `record`."""
        path = self.whole(self.member(member).split)
        recorded = self.record().checksums.get(path.relative_to(self.folder).as_posix())
        return read_once(path, recorded) if recorded and path.is_file() else Split.read(path)

    def network(self, member: str) -> str:
        """Name the network that a member trains; empty where the model has one."""
        return self.split(member).network

    def scaling(self, member: str) -> Scaling:
        """Read a member's scaling; errors as for `record`."""
        found = Scaling.read(self.whole(self.member(member).scaling))
        if found.started:
            found = found.at_step(self._best_step(member))
        factor = self.record().smearing.get(member)
        if factor is None:
            return found
        return found.model_copy(update={"target": found.target.model_copy(update={"smearing": factor})})

    def _best_step(self, member: str) -> int | None:
        """Return the step of a member's weights; None where it is not known, which reading them tells of."""
        try:
            return self.member(member).best().step()
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def whole(self, path: Path, fix: str = "Train again, or restore the file.") -> Path:
        """Return a file of the run, unless it is not the one that was written with the run."""
        expected = self.record().checksums.get(path.relative_to(self.folder).as_posix())
        if path.is_file() and sha256(path) != expected:
            raise DataError(
                "is missing or damaged (its checksum differs).",
                where=str(path),
                fix=fix,
            )
        return path

    def history(self, member: str) -> list[dict[str, Any]]:
        """Read a member's history; errors as for `MemberFiles.entries`."""
        return self.member(member).entries()

    @property
    def config(self) -> Path:
        """Merged settings, reloadable."""
        return self.folder / "config.toml"

    @property
    def predictions(self) -> Path:
        """Where predictions go that are given no other place."""
        return self.folder / "predictions"

    @property
    def export(self) -> Path:
        """Where exported networks go."""
        return self.folder / "export"

    def evaluation(self, split: str) -> Path:
        """Where the evaluation on `train`, `validation` or `test` rows goes."""
        return self.folder / "evaluation" / split

    def kept(self, split: str) -> Path:
        """Where predictions of these rows are kept for the next evaluation."""
        return self.folder / "kept" / split

    @contextmanager
    def changing(self) -> Iterator[RunRecord]:
        """Read, let the caller change, and write `run.json`, alone among processes."""
        with alone(self.folder / _LOCK):
            record = self.record()
            yield record
            record.status = _together(record)
            write_text(self.folder / _RUN, record.model_dump_json(indent=1) + "\n")

    def mark(self, member: str, status: Status, message: str = "") -> None:
        """Note a member's status; the run's follows from its members'."""
        with self.changing() as record:
            record.members[member] = status
            record.message = message


def _together(record: RunRecord) -> Status:
    found = set(record.members.values())
    for status in ("failed", "running", "interrupted"):
        if status in found:
            return status
    return "finished" if found == {"finished"} else "interrupted" if "finished" in found else "waiting"

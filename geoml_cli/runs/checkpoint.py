"""Checkpoints: a folder of two tensor files and a record, replaced as one; nothing in them is a pickle."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from geoml_cli.dataset.files import recover_folder, replace_folder, set_umask_mode, sha256, sync
from geoml_cli.errors import DataError, DiskError
from geoml_cli.runs.run import CheckpointFiles, Run
from geoml_cli.work.reasons import FaultError, reason

FORMAT = 2
_DIGESTS = "sha256"
"""Key of the record under which the digests of the tensor files stand."""
_OWNER = "owner"
"""Key under which run and member stand."""
_RESTORE = "Restore it from a copy, or train the member again in a new run."


@dataclass(frozen=True)
class Snapshot:
    """A state of training, detached from the network: copies, on the CPU.

    Attributes:
        weights: Parameters and buffers by name.
        tensors: Everything else that is a tensor.
        numbers: Everything else, as JSON holds it.
    """

    weights: dict[str, Tensor]
    tensors: dict[str, Tensor]
    numbers: dict[str, Any]


def copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copy tensors to the CPU, contiguous, sharing nothing."""
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}


def write(snapshot: Snapshot, files: CheckpointFiles) -> None:
    """Write a checkpoint in place of the one before.

    The folder is filled next to its place and renamed in; `found` finds the whole one after a kill at any point.
    """
    folder, fresh = files.folder, _fresh(files.folder)
    recover(files)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        _fill(CheckpointFiles(fresh), snapshot, _owner(folder))
    except (OSError, SafetensorError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise DiskError(folder, getattr(error, "strerror", None) or error) from error
    replace_folder(fresh, folder)


def _fill(files: CheckpointFiles, snapshot: Snapshot, owner: str) -> None:
    save_file(snapshot.weights, files.weights)
    save_file(snapshot.tensors, files.state)
    record = {"format": FORMAT, _DIGESTS: _digests(files), _OWNER: owner, **snapshot.numbers}
    files.meta.write_text(json.dumps(record) + "\n", encoding="utf-8")
    for path in (files.weights, files.state):
        set_umask_mode(path)
    for path in (files.weights, files.state, files.meta, files.folder):
        sync(path)


def _owner(folder: Path) -> str:
    """Name run and member that a checkpoint's folder belongs to, wherever the run lies."""
    member, run = folder.parents[1], folder.parents[3]
    return f"{Run(run).id} {member.name}" if (run / "run.json").is_file() else member.name


def _digests(files: CheckpointFiles) -> dict[str, str]:
    return {path.name: sha256(path) for path in (files.weights, files.state)}


def recover(files: CheckpointFiles) -> bool:
    """Undo a replacement that was killed between its two renames; tell whether there is a checkpoint."""
    recover_folder(files.folder)
    return files.folder.is_dir()  # one without a record is damaged, not absent: `read` says so


def best_of(run: Run, member: str) -> CheckpointFiles:
    """Return the files of the weights that a trained member is used with.

    Raises:
        DataError: It is not trained to its end, or they are lost.
    """
    files = run.member(member).checkpoint("best")
    if member not in run.members():
        raise DataError(
            f"member {member} is not trained to its end.",
            where=str(run.folder),
            fix=f"Resume with `geoml train {run.quoted} --member {member}`.",
        )
    if not recover(files):
        raise DataError(f"the checkpoint of member {member} is lost.", where=str(files.folder), fix=_RESTORE)
    return files


def read(files: CheckpointFiles) -> Snapshot:
    """Read a checkpoint whose tensors are those that were written.

    Raises:
        DataError: It is damaged, or may not be read.
    """
    recover(files)
    try:
        numbers = json.loads(files.meta.read_text(encoding="utf-8"))
        if not isinstance(numbers, dict):
            raise FaultError("meta.json is no record")
        if numbers.pop(_OWNER, "") != _owner(files.folder):
            raise FaultError("it is that of another member or run")
        if numbers.pop(_DIGESTS, None) != _digests(files):
            raise FaultError("its tensors do not match their checksums")
        return Snapshot(load_file(files.weights), load_file(files.state), dict(numbers))
    except PermissionError as error:
        raise DataError(
            "the checkpoint may not be read: permission denied.",
            where=str(error.filename or files.folder),
            fix="Its owner lets others read the run with `chmod -R go+rX RUN`.",
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SafetensorError) as error:
        raise DataError(
            f"the checkpoint cannot be read ({reason(error)}).",
            where=str(files.folder),
            fix=_RESTORE,
        ) from error


@contextmanager
def fitting(files: CheckpointFiles) -> Iterator[None]:
    """Restore a checkpoint's contents in this context.

    Raises:
        DataError: They are not those of this network and training.
    """
    try:
        yield
    except torch.OutOfMemoryError:  # a RuntimeError that says nothing of the file
        raise
    except (RuntimeError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(
            "the checkpoint is damaged, or of another network.", where=str(files.folder), fix=_RESTORE
        ) from error


def weights(files: CheckpointFiles) -> dict[str, Tensor]:
    """Read the weights alone; errors as for `read`."""
    return read(files).weights


def random_states() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Collect every random state that a step may draw from."""
    tensors = {"random.torch": torch.get_rng_state()}
    for device in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        tensors[f"random.cuda.{device}"] = torch.cuda.get_rng_state(device)
    kind, keys, place, has_gauss, cached = np.random.get_state(legacy=True)
    version, state, gauss = random.getstate()
    return tensors, {
        "numpy": [kind, np.asarray(keys).tolist(), int(place), int(has_gauss), float(cached)],
        "python": [version, list(state), gauss],
    }


def restore_random_states(tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    """Put back what `random_states` collected."""
    torch.set_rng_state(tensors["random.torch"])
    for device in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if (state := tensors.get(f"random.cuda.{device}")) is not None:
            torch.cuda.set_rng_state(state, device)
    kind, keys, place, has_gauss, cached = numbers["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), place, has_gauss, cached))
    version, state, gauss = numbers["python"]
    random.setstate((version, tuple(state), gauss))


def _fresh(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.new")

"""Making a run folder, and the record of the circumstances it was made in."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import tomli

from geoml_cli.dataset.files import sha256, write_text
from geoml_cli.errors import SettingsError
from geoml_cli.runs.data_record import DATA_FILE, DataRecord, checksum_of
from geoml_cli.runs.run import LAYOUT, Run, RunRecord
from geoml_cli.samples.scaling import Scaling
from geoml_cli.splits.split import Split
from geoml_cli.version import __version__
from geoml_cli.work.locking import alone

ANOTHER_FOLDER = "Name another folder with --run."
_RESUME = "Name another folder with --run, or resume it: --resume without --set."
_OWN = ("config.toml", "origin.json", "environment.json", DATA_FILE, "members", "run.lock", "run.lock.holder")
_ALONGSIDE = (".out", ".err", ".log", ".txt", ".md", ".toml", ".sh", ".sbatch", ".slurm")
"""Of what users and schedulers keep in the folder of a run."""
_NOTED = ("torch", "numpy", "accelerate", "scikit-learn", "safetensors", "numba", "mamba-ssm", "causal-conv1d")


@dataclass(frozen=True)
class Plan:
    """All that a new run folder holds before its first step.

    Attributes:
        config: Merged settings as TOML.
        origins: Dotted key to value and origin.
        members: Rows and scaling of every member.
        kind: Trained here, or imported.
        kernels: What computes the model's own loops; None where it has none.
    """

    model: str
    preset: str
    config: str
    origins: Mapping[str, Mapping[str, Any]]
    data: DataRecord
    members: Mapping[str, tuple[Split, Scaling]]
    kind: Literal["trained", "imported"] = "trained"
    kernels: str | None = None


class RunFolder(NamedTuple):
    """Where a run is made.

    Attributes:
        folder: The run's own; None makes a new one under `root`.
        root: Folder of all runs.
    """

    folder: Path | None
    root: Path = Path("runs")


def new_folder(root: Path, model: str, preset: str) -> Path:
    """Make an empty folder `root/MODEL/PRESET/YYYYMMDD-HHMMSS`; a second in the same second gets `-2`."""
    parent = root / model / preset
    parent.mkdir(parents=True, exist_ok=True)
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    for count in range(1, 1000):
        folder = parent / (stamp if count == 1 else f"{stamp}-{count}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise RuntimeError(f"a thousand runs in one second in {parent}")


def create(folder: Path, plan: Plan) -> Run:
    """Fill a run folder, or join the one that a sibling process has just filled from the same plan.

    Raises:
        SettingsError: The folder holds a run of other settings, or other things.
    """
    refuse_foreign(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / "run.lock"):
        if (folder / "run.json").is_file():
            return _joined(folder, plan)
        _fill(folder, plan)
    return Run(folder)


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds other things than a run, such as raw data; logs and notes may lie there.

    Raises:
        SettingsError: With the first of them.
    """
    if not folder.is_dir() or (folder / "run.json").is_file():
        return
    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() not in _ALONGSIDE)
    # A run that was killed while its folder was filled has some of these.
    if foreign := [name for name in names if name not in _OWN and not name.startswith(".")]:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise SettingsError(f"holds no run, but {foreign[0]}{more}.", where=str(folder), fix=ANOTHER_FOLDER)


def discard(run: Run) -> None:
    """Remove a run that was refused before any member began."""
    if set(run.record().members.values()) == {"waiting"}:
        shutil.rmtree(run.folder)


def environment(command: list[str], kernels: str | None = None) -> dict[str, Any]:
    """Describe where and how a run is made."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {
        "geoml": __version__,
        "commit": _commit(),
        "command": command,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device,
        "cuda": torch.version.cuda,
        "threads": torch.get_num_threads(),
        "kernels": kernels,
        "versions": _versions(),
    }


def refuse_other_settings(folder: Path, plan: Plan) -> Run:
    """Return the run that a folder holds.

    Raises:
        SettingsError: Its settings are others than the plan's.
    """
    run = Run(folder)
    own, planned = (_flat(tomli.loads(text)) for text in (run.config.read_text(encoding="utf-8"), plan.config))
    # What only a newer version knows is at its default; unset settings are not written, so that a set one is another.
    added = {key for key in planned.keys() - own.keys() if plan.origins.get(key, {}).get("from") != "default"}
    if added or any(own[key] != planned.get(key) for key in own):
        raise SettingsError(
            "holds a run with other settings.",
            where=str(folder),
            fix=ANOTHER_FOLDER if plan.kind == "imported" else _RESUME,
        )
    return run


def _joined(folder: Path, plan: Plan) -> Run:
    run = refuse_other_settings(folder, plan)
    # The same data may have moved: commands after this one look for them where they are now.
    data = run.data()
    if plan.data.folder and plan.data.digest == data.digest and plan.data.folder != data.folder:
        data.model_copy(update={"folder": plan.data.folder}).write(folder / DATA_FILE)
    return run


def _flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return every setting by dotted key."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return found


def _fill(folder: Path, plan: Plan) -> None:
    record = RunRecord(
        id=f"{plan.model}/{plan.preset}/{folder.name}",
        model=plan.model,
        preset=plan.preset,
        layout=LAYOUT,
        origin=plan.kind,
        # UTC: local times repeat when clocks are set back, and differ between machines that share a folder.
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
        members={name: "waiting" for name in plan.members},
        status="waiting",
    )
    write_text(folder / "config.toml", plan.config)
    record.checksums["config.toml"] = sha256(folder / "config.toml")
    write_text(folder / "origin.json", json.dumps(plan.origins, indent=1) + "\n")
    write_text(folder / "environment.json", json.dumps(environment(sys.argv, plan.kernels), indent=1) + "\n")
    plan.data.write(folder / DATA_FILE)
    record.data = checksum_of(folder / DATA_FILE)
    for name, (split, scaling) in plan.members.items():
        member = folder / "members" / name
        member.mkdir(parents=True, exist_ok=True)
        split.write(member / "split.json")
        scaling.write(member / "scaling.json")
        for path in (member / "split.json", member / "scaling.json"):
            record.checksums[path.relative_to(folder).as_posix()] = sha256(path)
    # Last: a folder without it is no run yet, and is filled again.
    write_text(folder / "run.json", record.model_dump_json(indent=1) + "\n")


def _versions() -> dict[str, str]:
    found = {}
    for name in _NOTED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _commit() -> str | None:
    """Return the commit of the checkout geoml runs from, or None for an installed one."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None

"""`geoml train MODEL`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoml_cli import registry
from geoml_cli.cli import console, options
from geoml_cli.cli.targets import dataset_of, model_of
from geoml_cli.errors import DataError, SettingsError

if TYPE_CHECKING:
    from geoml_cli.config.settings import Settings
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.runs.run import Run
    from geoml_cli.stages.train import RunLocation

_Count = Annotated[
    int | None,
    typer.Option("--gpus", min=1, help="GPUs to train on, one process each.", show_default=False),
]
_Processes = Annotated[
    int | None,
    typer.Option("--processes", min=1, help="Processes to train in on the CPU.", show_default=False),
]
_Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        help="Processes that train members side by side [on the CPU as many as cores / train.threads, where that is "
        "set, else 1; GEOML_JOBS].",
        show_default=False,
    ),
]
_Cpu = Annotated[bool, typer.Option("--cpu", help="Stay on the CPU even where there is a GPU.")]
_From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        help="Run whose weights the members start from (fine-tuning); see train.rescale and train.freeze.",
        show_default=False,
    ),
]
_Note = Annotated[
    str | None, typer.Option("--note", help="Text that is kept in the run's settings.", show_default=False)
]
_Resume = Annotated[bool, typer.Option("--resume", help="Resume --run, or the newest unfinished run.")]


def train(
    target: options.TrainTarget,
    preset: options.Preset = None,
    config: options.ConfigFile = None,
    assignments: options.Assignments = None,
    data: options.Data = None,
    run: options.RunFolder = None,
    member: options.Members = None,
    gpus: _Count = None,
    processes: _Processes = None,
    jobs: _Jobs = None,
    cpu: _Cpu = False,
    start: _From = None,
    note: _Note = None,
    resume: _Resume = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a preset's members on prepared data; stopped or killed, resume with --resume or the run's folder."""
    from geoml_cli.config.load import load

    model, run, resume = _target(target, preset, run, resume)
    named = {"train.start_run": str(start.resolve()) if start else None, "train.note": note}
    # Quoted as TOML, so that no text is taken for a number or a list.
    assignments = [*(assignments or ()), *(f"{key}={json.dumps(text)}" for key, text in named.items() if text)]
    if gpus and (processes or cpu):
        raise SettingsError("--gpus goes with neither --processes nor --cpu.", fix="Choose one.")
    if jobs and (gpus or processes):
        raise SettingsError("--jobs goes with neither --gpus nor --processes.", fix="Choose one.")
    if resume:
        found, dataset = _resumed(model, preset, run, data)
        settings, run = _unchanged(found, config, assignments), found.folder
    else:
        settings = load(model, preset, config, None, assignments)
        dataset = prepared(settings, data)
    reporter = console.Terminal(quiet=quiet)
    _jobs_given()
    if dry_run:
        if gpus:
            _require_gpus(gpus)
        _require_precision(settings, cpu=cpu)
        _plan(settings, dataset, run, member, as_json=as_json)
        _warn_of_options(settings, dataset, reporter)
        return
    location = _location(settings, run, cpu=cpu or bool(processes), jobs=jobs)
    done = _train(settings, dataset, location, member, reporter, count=gpus or processes or 1)
    _show(done, as_json)


def _target(target: str, preset: str | None, run: Path | None, resume: bool) -> tuple[str, Path | None, bool]:
    """Return model, run folder and whether to resume: a run's folder in place of a model is resumed."""
    model = model_of(target)
    if model == target:
        return model, run, resume
    if run is not None:
        raise SettingsError("--run goes with a model, not with a run's folder.", where=target, fix="Leave it out.")
    if preset is not None:
        raise SettingsError("--preset goes with a model, not with a run's folder.", where=target, fix="Leave it out.")
    return model, Path(target), True


def _require_precision(settings: Settings, *, cpu: bool) -> None:
    from geoml_cli.training.precision import check_device

    check_device(settings.shared.train.precision, cpu=cpu)


def _require_gpus(count: int) -> None:
    from geoml_cli.training.launch import check_gpus

    check_gpus(count)


def prepared(settings: Settings, data: Path | None) -> Dataset:
    """Open the data set that a preset is trained on.

    Raises:
        DataError: It is not there; the message names presets of the model whose data are.
    """
    from geoml_cli.dataset.store import Dataset

    folder = options.data_folder(settings.shared.source, data)
    try:
        return Dataset(folder)
    except DataError as error:
        if (folder / "manifest.json").exists():
            raise
        raise DataError(error.what, where=error.where, fix=f"{error.fix}{_others(settings, data)}") from error


def _others(settings: Settings, data: Path | None) -> str:
    """Name the data sets of a model's other presets that are there."""
    from geoml_cli.dataset.manifest import read_manifest
    from geoml_cli.training.fitting import presets_for

    pairs = []
    for name in registry.sources_of(settings.model):
        try:
            step = read_manifest(options.data_folder(name, data)).step
        except DataError:
            continue
        pairs.append(f"{name} is there, for --preset {' or '.join(presets_for(settings.model, name, step))}")
    return f" Of other presets: {'; '.join(pairs)}." if pairs else ""


def _plan(settings: Settings, dataset: Dataset, folder: Path | None, only: list[str] | None, *, as_json: bool) -> None:
    """Say what a training would read, write and train."""
    from geoml_cli.runs.create import refuse_foreign, refuse_other_settings
    from geoml_cli.training.plan import plan_run

    if folder is not None:
        refuse_foreign(folder)
    plan, finished = plan_run(settings, dataset, only), list[str]()
    if folder is not None and (folder / "run.json").is_file():
        finished = refuse_other_settings(folder, plan).members()
    members = [name for name in only or plan.members if name not in finished]
    place = folder or options.runs_root() / settings.model / settings.preset / "YYYYMMDD-HHMMSS"
    read = [dataset.folder / name for name in ("manifest.json", "dataset.nc")]
    console.plan(read, [place], members=members, as_json=as_json)


def _warn_of_options(settings: Settings, dataset: Dataset, reporter: console.Terminal) -> None:
    from geoml_cli.training.fitting import remarks
    from geoml_cli.training.start import unknown

    for text in filter(None, (*remarks(settings, dataset.manifest), unknown(settings.shared.train, dataset))):
        reporter.warn(text)


def _resumed(model: str, preset: str | None, folder: Path | None, data: Path | None) -> tuple[Run, Dataset]:
    """Return the run to resume, and the data set it was started on."""
    from geoml_cli.runs.find import unfinished
    from geoml_cli.runs.run import Run

    if folder is not None and folder.is_dir() and not (folder / "run.json").is_file():
        raise DataError(
            "holds no run to resume (it has no run.json).",
            where=str(folder),
            fix="To begin one there, leave out --resume; `geoml list runs` names others.",
        )
    found = (
        Run(folder) if folder else unfinished(options.runs_root(), model, preset or registry.card(model).default_preset)
    )
    if found.model != model:
        raise SettingsError(
            f"is a run of {found.model}, not of {model}.",
            where=str(found.folder),
            fix=f"Resume it with `geoml train {found.quoted}`.",
        )
    return found, dataset_of(found, data)


def _unchanged(run: Run, config: Path | None, assignments: list[str]) -> Settings:
    """Return a run's settings; refuse others than it has: a script repeats its command, and may hold them."""
    from geoml_cli.config.load import read_settings
    from geoml_cli.runs.own_settings import settings_file

    path = settings_file(run)
    settings = read_settings(path)
    own, given = settings.flat(), read_settings(path, assignments, config).flat()
    if other := [key for key in sorted({*own, *given}) if own.get(key) != given.get(key)]:
        raise SettingsError(
            f"a run's settings do not change: {other[0]} is {own.get(other[0])!r}, not {given.get(other[0])!r}.",
            where="--set, --config, --from or --note",
            fix="Leave it out, or train a new run.",
        )
    return settings


def _location(settings: Settings, folder: Path | None, *, cpu: bool, jobs: int | None) -> RunLocation:
    """Say where a run is trained, and by how many processes side by side."""
    from torch.cuda import is_available

    from geoml_cli.stages.train import RunLocation
    from geoml_cli.training.launch import end_with_parent, jobs_here, joined, shares_members

    end_with_parent()
    shared = shares_members()
    if shared or joined():
        jobs = 1
    elif jobs is None:
        jobs = _jobs_given() or (jobs_here(settings.shared.train.threads) if cpu or not is_available() else 1)
    return RunLocation(folder, options.runs_root(), cpu, jobs, shared)


def _jobs_given() -> int | None:
    """Return GEOML_JOBS.

    Raises:
        SettingsError: It is no whole number above 0.
    """
    text = os.environ.get("GEOML_JOBS", "").strip()
    if text and not (text.isdecimal() and int(text)):
        raise SettingsError(f"{text!r} is no whole number above 0.", where="GEOML_JOBS", fix="Set it to e.g. 2.")
    return int(text) if text else None


def _train(
    settings: Settings,
    dataset: Dataset,
    location: RunLocation,
    members: list[str] | None,
    reporter: console.Terminal,
    *,
    count: int,
) -> Run:
    """Train here, or start the processes that do."""
    from torch import device

    from geoml_cli.runs.create import discard
    from geoml_cli.stages.train import start, train
    from geoml_cli.training.launch import check_gpus, joined, launch
    from geoml_cli.training.trial import float32_layers

    if count == 1 or joined():
        return train(settings, dataset, location, members, reporter)
    if location.cpu:
        float32_layers(settings, dataset, device("cpu"), reporter)
    else:
        check_gpus(count)
    run = start(settings, dataset, location, members)
    chosen = [part for name in members or () for part in ("--member", name)]
    again = ["train", settings.model, "--run", str(run.folder), "--resume", "--data", str(dataset.folder), "--quiet"]
    code = launch([*again, *chosen, *(["--cpu"] if location.cpu else [])], count, cpu=location.cpu)
    if code:
        if location.run is None and code == SettingsError.exit_code:
            discard(run)
        raise typer.Exit(code)
    return run


def _show(run: Run, as_json: bool) -> None:
    rows = []
    for name, status in run.record().members.items():
        history = run.history(name)
        step = run.member(name).checkpoint("best").step()
        best = next((entry for entry in history if entry["step"] == step), {})
        rows.append((name, status, best.get("epoch"), best.get("loss"), best.get("val_loss")))
    if as_json:
        keys = ("member", "status", "epoch", "loss", "val_loss")
        members = [dict(zip(keys, row, strict=True)) for row in rows]
        console.document({"run": str(run.folder), "status": run.record().status, "members": members})
        return
    console.table(("member", "status", "epoch", "loss", "validation loss"), rows, title=str(run.folder))

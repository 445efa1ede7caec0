"""`geoml sweep MODEL --set KEY=SPACE`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoml_cli.cli import console, options
from geoml_cli.cli.train import prepared

if TYPE_CHECKING:
    from geoml_cli.config.settings import Settings
    from geoml_cli.config.spaces import Space
    from geoml_cli.runs.run import Run
    from geoml_cli.training.sweep import Sweep, Trial

FOLDER = "sweeps"
"""Among the runs, deeper than they lie: a trial is not the newest run of its model."""
_Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=SPACE",
        help="A setting to search: log:1e-4..1e-2, 0.1..0.5, 1..4 or choice:16,32; or a single value. Repeatable.",
        show_default=False,
    ),
]
_Trials = Annotated[int, typer.Option("--trials", min=1, max=10_000, help="How many, earlier ones included.")]
_Name = Annotated[str, typer.Option("--name", help="Of the sweep; the same name goes on with it.")]
_Seed = Annotated[int, typer.Option("--seed", min=0, max=10_000, help="Of what is suggested.")]
_Cpu = Annotated[bool, typer.Option("--cpu", help="Stay on the CPU.")]


def sweep(
    model: options.Model,
    preset: options.Preset = None,
    assignments: _Assignments = None,
    trials: _Trials = 20,
    name: _Name = "sweep",
    seed: _Seed = 1,
    cpu: _Cpu = False,
    data: options.Data = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Search settings by the validation score, a run for each trial; the same command resumes or joins a sweep."""
    from geoml_cli.config.load import load
    from geoml_cli.config.overrides import as_arguments
    from geoml_cli.config.spaces import divided
    from geoml_cli.training.sweep import Sweep

    spaces, fixed = divided(assignments or ())
    # Calibration predicts test rows, of which a search must know nothing.
    fixed.append("train.calibrate=false")
    settings = load(model, preset, None, None, fixed)
    _require_one_network(settings)
    dataset, reporter = prepared(settings, data), console.Terminal(quiet=quiet)
    searched = {space.key for space in spaces}
    same = {key: value for key, value in settings.flat().items() if key not in searched}
    described = {"model": model, "preset": settings.preset, "settings": same, "data": dataset.manifest.digest()}
    _require_name(name)
    place = options.runs_root() / FOLDER / model / settings.preset / name
    for one in spaces:  # one that no run can have uses up no name
        _require_possible(one, lambda text: load(model, preset, None, None, [*fixed, text]))
    study = Sweep(place, spaces, described, seed)

    def train(trial: Trial) -> Run:
        from geoml_cli.stages.train import RunLocation
        from geoml_cli.stages.train import train as stage

        own = load(model, preset, None, None, [*fixed, *trial.assignments])
        return stage(own, dataset, RunLocation(trial.folder, cpu=cpu), None, reporter)

    study.run(trials, train, reporter)
    places = {"--preset": preset, "--data": data}
    words = [model, *(word for name, value in places.items() if value for word in (name, str(value)))]
    command = ["geoml", "train", *words, *(["--cpu"] if cpu else [])]
    given = [*as_arguments({key: name for key, name in settings.origins.items() if key in same}), *fixed[:-1]]
    if as_json:  # one document: of trials, or of why there are none
        _refuse_failed(study, [*command, *_options("--set", given)])
    _show(study, command, given, as_json=as_json)
    _refuse_failed(study, [*command, *_options("--set", given)])


def _refuse_failed(study: Sweep, train: list[str]) -> None:
    from geoml_cli.errors import GeomlError

    trials = study.trials()
    if all(trial.state == "failed" for trial in trials):
        one = shlex.join([*train, *(_options("--set", trials[0].assignments) if trials else [])])
        raise GeomlError(
            "every trial failed.",
            where=str(study.folder),
            fix=f"`{one}` says why; begin anew with other spaces and another --name.",
        )


def _require_one_network(settings: Settings) -> None:
    """Refuse losses of several networks in one score: that with the larger numbers would decide alone."""
    from geoml_cli.errors import SettingsError
    from geoml_cli.training.plan import networks_of

    if len(names := list(networks_of(settings))) > 1:
        raise SettingsError(
            f"the losses of {' and '.join(names)} are of other quantities: no mean of them chooses.",
            where="sweep",
            fix=f"Search one at a time: --set network.part={names[0]}.",
        )


def _require_possible(space: Space, load: Callable[[str], object]) -> None:
    """Refuse a space none of whose values the settings take; where some are, their trials fail."""
    from geoml_cli.config.spaces import ends
    from geoml_cli.errors import SettingsError

    refused = []
    for text in ends(space):
        try:
            load(text)
        except SettingsError as error:
            refused.append(error)
        else:
            return
    raise refused[0]


def _require_name(name: str) -> None:
    from geoml_cli.errors import SettingsError

    if name in ("", ".", "..") or Path(name).name != name:
        raise SettingsError(f"{name!r} cannot name a folder.", where="--name", fix="Use letters and digits.")


def _show(study: Sweep, train: list[str], fixed: list[str], *, as_json: bool) -> None:
    """Print the trials, the best first, and the command that trains what the best found."""
    found = sorted(study.trials(), key=lambda one: (one.value is None, one.value or 0.0, one.number))
    best = next((one for one in found if one.value is not None), None)
    command = shlex.join([*train, *_options("--set", [*fixed, *best.assignments])]) if best else None
    running = sum(one.state == "running" for one in found)
    if as_json:
        rows = [
            {
                "trial": one.number,
                "state": one.state,
                "value": one.value,
                "settings": dict(text.split("=", 1) for text in one.assignments),
                "run": str(one.folder),
            }
            for one in found
        ]
        console.document({"sweep": str(study.folder), "trials": rows, "running": running, "best": command})
        return
    keys = [text.partition("=")[0] for text in found[0].assignments] if found else []
    cells = [(one.number, one.state, one.value, *(text.partition("=")[2] for text in one.assignments)) for one in found]
    console.table(("trial", "state", "validation score", *keys), cells, title=str(study.folder))
    if running:
        console.line(
            f"{running} of the trials are being trained elsewhere: the best of all is not known yet. The same command "
            "again, when they are done, gives it."
        )
    if command:
        console.line("The score chose among trials and is too good for the best; the test rows were not looked at.")
        console.line(f"train {'the best so far' if running else 'what it found'}: {command}")


def _options(name: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (name, value)]

"""`geoml check MODEL|RUN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoml_cli.cli import console, options
from geoml_cli.cli.targets import dataset_of, model_of
from geoml_cli.cli.train import prepared
from geoml_cli.errors import CheckFailedError, DataError, SettingsError

if TYPE_CHECKING:
    from geoml_cli.config.settings import Settings
    from geoml_cli.stages.check import Check

_Count = Annotated[
    int | None, typer.Option("--gpus", min=1, help="GPUs that the training shall use.", show_default=False)
]


def check(
    target: options.TrainTarget,
    preset: options.Preset = None,
    config: options.ConfigFile = None,
    assignments: options.Assignments = None,
    data: options.Data = None,
    gpus: _Count = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Verify a run and its data whole, or what a model's preset needs to be trained here; exit code 4 if not."""
    reporter = console.Terminal(quiet=quiet)
    if model_of(target) == target:
        from geoml_cli.config.load import load

        checks = _preset(load(target, preset, config, None, assignments or ()), data, gpus, reporter)
    else:
        if preset or config or assignments or gpus:
            raise SettingsError(
                "--preset, --config, --set and --gpus go with a model, not with a run's folder.",
                where=target,
                fix="Leave it out.",
            )
        checks = _run(target, data)
    _show(checks, as_json)
    if not all(one.holds for one in checks):
        raise typer.Exit(CheckFailedError.exit_code)


def _preset(settings: Settings, data: Path | None, gpus: int | None, reporter: console.Terminal) -> list[Check]:
    from geoml_cli.stages.check import Check, check_preset

    reporter.info(f"Preset: {settings.preset}")
    try:
        dataset = prepared(settings, data)
    except DataError as error:
        return [Check("data set", False, str(error))]
    return check_preset(settings, dataset, options.runs_root(), gpus=gpus, reporter=reporter)


def _run(target: str, data: Path | None) -> list[Check]:
    from geoml_cli.runs.run import Run
    from geoml_cli.stages.check import check_run

    run = Run(Path(target))
    return check_run(run, lambda: dataset_of(run, data))


def _show(checks: Sequence[Check], as_json: bool) -> None:
    if as_json:
        console.document({"holds": all(one.holds for one in checks), "checks": [asdict(one) for one in checks]})
        return
    rows = [(one.name, "yes" if one.holds else "no", one.detail) for one in checks]
    console.table(("check", "holds", "detail"), rows)
    wrong = [one.name for one in checks if not one.holds]
    console.line(
        f"{len(wrong)} of {len(checks)} checks do not hold: {', '.join(wrong)}" if wrong else "all checks hold"
    )

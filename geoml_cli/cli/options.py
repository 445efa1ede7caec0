"""Arguments and options that several commands share, and how they are completed in the shell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from geoml_cli import registry
from geoml_cli.errors import SettingsError


def data_root() -> Path:
    """Return the folder of prepared data sets: GEOML_DATA, else ./data."""
    return Path(os.environ.get("GEOML_DATA") or "data")


def runs_root() -> Path:
    """Return the folder of runs: GEOML_RUNS, else ./runs."""
    return Path(os.environ.get("GEOML_RUNS") or "runs")


def data_folder(source: str, given: Path | None, *, fresh: bool = False) -> Path:
    """Return a source's data set: `--data` may name it, or the folder it stands in, or is to stand in (`fresh`).

    Raises:
        SettingsError: It names a file.
    """
    root = given or data_root()
    if root.is_file():
        raise SettingsError("is a file.", where=f"--data {root}", fix="Name the folder of prepared data.")
    return root if not fresh and (root / "manifest.json").is_file() else root / source


def _models(incomplete: str) -> list[str]:
    return [name for name in registry.models() if name.startswith(incomplete)]


def _presets(incomplete: str) -> list[str]:
    # An option without its value yet hides the parsed arguments from typer; the shell's own words name the model.
    words = " ".join(os.environ.get(name, "") for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")).split()
    named = [model for model in registry.models() if model in words] or registry.models()
    names = sorted({preset for model in named for preset in registry.presets(model)})
    return [name for name in names if name.startswith(incomplete)]


def _targets(incomplete: str) -> list[str]:
    folders = [str(path.parent) for path in sorted(runs_root().glob("*/*/*/run.json"), reverse=True)]
    return [name for name in (*registry.models(), *folders) if name.startswith(incomplete)]


def _sources(incomplete: str) -> list[str]:
    return [name for name in registry.sources() if name.startswith(incomplete)]


Model = Annotated[str, typer.Argument(metavar="MODEL", help="Model; see `geoml list`.", autocompletion=_models)]
OptionalModel = Annotated[str, typer.Argument(metavar="MODEL", help="Model; see `geoml list`.", autocompletion=_models)]
Target = Annotated[
    str,
    typer.Argument(
        metavar="MODEL|RUN",
        help="A run's folder, or a model, meaning its newest finished run.",
        autocompletion=_targets,
    ),
]
TrainTarget = Annotated[
    str,
    typer.Argument(
        metavar="MODEL|RUN",
        help="A model for a new run, or a run's folder to resume.",
        autocompletion=_targets,
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        "-p",
        help="Preset, or a TOML file; the model's default without it.",
        autocompletion=_presets,
        show_default=False,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="A prepared data set, or the folder it stands in [GEOML_DATA, else ./data].",
        show_default=False,
    ),
]
RunFolder = Annotated[
    Path | None,
    typer.Option("--run", help="The run's folder [a new one in GEOML_RUNS, else ./runs].", show_default=False),
]
Members = Annotated[
    list[str] | None,
    typer.Option("--member", help="Only this member; repeatable [all].", show_default=False),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="TOML file of settings over the preset.", show_default=False),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting, such as train.lr=1e-3; repeatable.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document in place of a table.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes; warnings and errors stay.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be read and written, and stop.")]


def only(tables: tuple[str, ...], assignments: Sequence[str] | None) -> tuple[str, ...]:
    """Refuse settings that a trained run does not let change; those of the environment come below them.

    Raises:
        SettingsError: One is outside the tables and `[data]`.
    """
    from geoml_cli.config.overrides import of_environment

    named = ", ".join(f"[{table}]" for table in tables)
    for text in assignments or ():
        if not text.startswith(tuple(f"{table}." for table in (*tables, "data"))):
            raise SettingsError(
                f"{text!r} would change what the run was trained with.",
                where="--set",
                fix=f"Here only {named} and [data] can be set; train a new run for the rest.",
            )
    return (*of_environment((*tables, "data")), *(assignments or ()))

"""`geoml preset show` and `geoml preset diff`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from geoml_cli.cli import console, options

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at presets: merged settings, and their origins."
)

_Origin = Annotated[bool, typer.Option("--origin", help="Say where each value came from.")]
_First = Annotated[str, typer.Argument(metavar="PRESET", help="Preset, or a TOML file.")]
_Second = Annotated[str, typer.Argument(metavar="OTHER", help="Preset, or a TOML file.")]
_Name = Annotated[str, typer.Argument(metavar="PRESET", help="Preset, or a TOML file; the model's default without it.")]


@app.command("show")
def show(
    model: options.Model,
    preset: _Name = "",
    config: options.ConfigFile = None,
    assignments: options.Assignments = None,
    origin: _Origin = False,
    as_json: options.Json = False,
) -> None:
    """Print the merged settings as TOML, or with --origin as a table of values and where they come from."""
    from geoml_cli.config.load import load, written

    settings = load(model, preset or None, config, None, assignments or ())
    rows = [(key, _plain(value), settings.origins.get(key, "default")) for key, value in settings.flat().items()]
    if as_json:
        values = settings.flat()
        console.document({key: {"value": values[key], "from": place} for key, _, place in rows})
    elif origin:
        console.table(("setting", "value", "from"), rows)
    else:
        console.line(written(settings).rstrip())


@app.command("diff")
def diff(model: options.Model, first: _First, second: _Second, as_json: options.Json = False) -> None:
    """Print the settings in which two presets differ."""
    from geoml_cli.config.load import load

    one, other = load(model, first).flat(), load(model, second).flat()
    differing = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    if as_json:
        console.document({key: [one.get(key), other.get(key)] for key in differing})
        return
    rows = [(key, _plain(one.get(key)), _plain(other.get(key))) for key in differing]
    console.table(("setting", first, second), rows)


def _plain(value: Any) -> str:  # noqa: ANN401
    return "-" if value is None else str(value)

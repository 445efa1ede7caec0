"""Commands made on the fly: their flags from classes of options, their sub-commands when they are asked for."""

from __future__ import annotations

import csv
import inspect
from collections.abc import Callable, Iterable
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import typer
from typer.core import TyperGroup

from geoml_cli.cli.field_docs import field_docs
from geoml_cli.errors import SettingsError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from geoml_cli.source import Options

Parameters = list[inspect.Parameter]


def command_group(names: Callable[[], list[str]], make: Callable[[str], Any], **described: str) -> typer.Typer:
    """Return a group of sub-commands that are made when they are asked for: `geoml --help` imports none.

    Args:
        names: Names the sub-commands.
        make: Makes one; raises SettingsError where there is none of a name.
        described: `help` and the like.
    """

    class Group(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401  typer's own context
            return names()

        def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
            return None if cmd_name.startswith("-") else make(cmd_name)

    app = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None, **described)  # type: ignore[arg-type]
    app.callback()(_no_options)
    return app


def _no_options() -> None:
    pass


def single_command(name: str, summary: str, function: Callable[..., None]) -> Any:  # noqa: ANN401  typer's command
    """Return a function as a sub-command."""
    single = typer.Typer(rich_markup_mode=None, add_completion=False)
    single.command(name, help=summary)(function)
    return typer.main.get_command(single)


def flags_of(classes: Iterable[type[Options]]) -> dict[str, inspect.Parameter]:
    """Return a parameter for every field, by name; of fields that several classes have the first."""
    found: dict[str, inspect.Parameter] = {}
    for options in classes:
        docs = field_docs(options)
        for name, field in options.model_fields.items():
            kind = _annotation(name, field, docs.get(name, ""))
            found.setdefault(name, keyword(name, kind, _default(field)))
    return found


def keyword(name: str, kind: Any, default: Any) -> inspect.Parameter:  # noqa: ANN401  what typer reads
    """Return a keyword parameter."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)


def with_parameters(function: Callable[..., None], parameters: Parameters) -> Callable[..., None]:
    """Give a function the signature from which typer makes a command."""
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return function


def validated(options: type[Options], given: dict[str, Any]) -> Options:
    """Return the options, checked; a list may be given by commas, by repeating the option, or by both.

    Raises:
        SettingsError: A value is refused; one line for each.
    """
    from pydantic import ValidationError

    from geoml_cli.config.refusals import refusal

    lists = {name for name, field in options.model_fields.items() if _is_list(field)}
    given = {name: _divided(values) if name in lists else values for name, values in given.items()}
    for name in lists & given.keys():
        if "" in given[name]:
            raise SettingsError(
                "an item of the list is empty.", where=f"--{name.replace('_', '-')}", fix="Leave it out."
            )
    try:
        return options.model_validate(given)
    except ValidationError as error:
        raise SettingsError("\n".join(f"{_named(dict(m))}{refusal(m)}." for m in error.errors())) from error


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is tuple and not _is_positional(field)


def _is_positional(field: FieldInfo) -> bool:
    from geoml_cli.source import POSITIONAL

    return POSITIONAL in field.metadata


def _divided(values: Iterable[str]) -> list[str]:
    """Divide values at commas; a name that holds a comma stands in double quotes."""
    return [item.strip() for value in values for item in next(csv.reader([str(value)], skipinitialspace=True)) or [""]]


def _named(mistake: dict[str, Any]) -> str:
    """Name the option and its value; nothing where two options do not go together, of which the reason tells."""
    if not mistake["loc"]:
        return ""
    return f"--{str(mistake['loc'][0]).rstrip('_').replace('_', '-')} {mistake['input']}: "


def _default(field: FieldInfo) -> Any:  # noqa: ANN401
    if field.is_required():
        return inspect.Parameter.empty
    default = field.get_default(call_default_factory=True)
    return list(default) if isinstance(default, tuple) else default


def _annotation(name: str, field: FieldInfo, help_: str) -> Any:  # noqa: ANN401  an annotation typer understands
    kind: Any = field.annotation
    if get_origin(kind) in (Union, UnionType):
        inner = next(part for part in get_args(kind) if part is not NoneType)
        kind = inner | None
    metavar = None
    if get_origin(kind) is tuple:
        metavar = f"<{get_args(kind)[0].__name__},...>"
        kind = list[str]  # divided at commas first, and checked by `validated`
    empty = field.get_default(call_default_factory=True) in (None, (), "")
    if _is_positional(field):
        metavar = f"[{name.upper().removesuffix('S')}]..."
        return Annotated[kind | None, typer.Argument(metavar=metavar, help=help_, show_default=False)]
    # A flag without a value needs no --no- next to it: leaving it out says that.
    # A name that Python keeps to itself, such as `from`, has a line after it.
    flag = f"--{name.rstrip('_').replace('_', '-')}"
    return Annotated[kind, typer.Option(flag, help=help_, metavar=metavar, show_default=not empty and kind is not bool)]
